import { parseArgs } from 'node:util';
import { diagnose } from './diagnosis.js';
import { diagnosisText } from './diagnosisText.js';
import { exitCode } from './exitCode.js';
import { print } from './output.js';

export const help = `Usage: cudnn-lstm doctor [--json]

What this machine has to compute on, every place that was looked at, and what to install. Takes a training step on each
device. Ends with 0 when some device works, else with 1.`;

export async function run(args: string[]): Promise<number> {
  const { values } = parseArgs({ args, options: { json: { type: 'boolean', default: false } } });
  const diagnosis = await diagnose();
  await print(values.json ? JSON.stringify(diagnosis, undefined, 2) : diagnosisText(diagnosis));
  return diagnosis.works ? exitCode.ok : exitCode.failed;
}
