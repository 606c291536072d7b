// A trial function for searches: its value is the distance of a from 3. With `log` in the config it writes a line for each
// call; `wait` is how long it takes, in ms.
import { appendFileSync } from 'node:fs';
import { threadId } from 'node:worker_threads';

export default async function countingTrial({ a, log, wait = 0, fail }, trial) {
  if (log !== undefined) appendFileSync(log, `${trial.number} ${trial.reached} ${threadId}\n`);
  if (fail === 'throw') throw new RangeError('told to fail');
  if (fail === 'exit') process.exit(3);
  if (fail === 'unsendable') return { value: 1, metrics: { f: () => 1 } };
  await new Promise((resolve) => setTimeout(resolve, wait));
  for (const rung of trial.rungs.filter((one) => one > trial.reached)) {
    if (!(await trial.report(rung, Math.abs(a - 3)))) break;
  }
  return Math.abs(a - 3);
}
