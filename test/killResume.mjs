// Ends a training run that writes checkpoints with SIGKILL at random moments, over and over: the file must load each time,
// the run must go on no earlier than at the last file that was written, and what it comes to in the end must be, bit for
// bit, what a run without a break comes to. A killed process loses nothing that the system has taken from it, so this says
// nothing about a machine that loses power.
//   node test/killResume.mjs [--kills 200] [--seed 1]     needs dist/ (npm run build)
import { spawn } from 'node:child_process';
import { existsSync, mkdtempSync, readdirSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { isDeepStrictEqual, parseArgs } from 'node:util';
import { loadModel } from 'cudnn-lstm';

const { values } = parseArgs({ options: { kills: { type: 'string' }, seed: { type: 'string' } } });
const kills = Number(values.kills ?? 200);
const seed = Number(values.seed ?? Date.now() % 1_000_000);
const worker = fileURLToPath(new URL('./support/killWorker.mjs', import.meta.url));
const folder = mkdtempSync(join(tmpdir(), 'kill-resume-'));
const file = join(folder, 'run.safetensors');

/** A linear congruential generator (Numerical Recipes' constants): moments that a seed gives again, about. */
let word = seed >>> 0;
const random = () => (word = (Math.imul(word, 1664525) + 1013904223) >>> 0) / 2 ** 32;

/** Runs the worker to its end, or until it is killed so many milliseconds after its first line. */
function run(args, killAfterMs) {
  return new Promise((resolve) => {
    const child = spawn(process.execPath, [worker, ...args], { stdio: ['ignore', 'pipe', 'inherit'] });
    let text = '';
    let timer;
    const kill = () => child.kill('SIGKILL');
    if (killAfterMs < 0) timer = setTimeout(kill, -killAfterMs);
    child.stdout.on('data', (chunk) => {
      text += chunk;
      if (killAfterMs >= 0) timer ??= setTimeout(kill, killAfterMs);
    });
    child.on('close', (code, signal) => {
      clearTimeout(timer);
      // The last line may be cut off.
      const lines = text.split('\n').slice(0, -1);
      resolve({ code, signal, lines: lines.map((line) => JSON.parse(line)) });
    });
  });
}

function check(condition, message) {
  if (!condition) throw new Error(message);
}

const last = (lines, kind) => lines.findLast(([one]) => one === kind)?.[1];
const isBefore = ([epochA, batchA], [epochB, batchB]) =>
  epochA === epochB ? batchA < batchB : epochA < epochB;

const cutOff = new Set();
const totals = { kills: 0, runs: 0, batchesLost: 0, mostLost: 0 };
try {
  const whole = last((await run([])).lines, 'end');
  check(whole !== undefined, 'the run without a break did not end');
  let safe = [0, 0];
  let reached = [0, 0];
  while (totals.kills < kills) {
    // Some before the first batch, while the file is loaded; most at any moment of the time it takes to write ten files.
    const moment = random() < 0.1 ? -(50 + 250 * random()) : 300 * random();
    const { code, signal, lines } = await run([file], moment);
    const begun = last(lines, 'begin');
    check(
      begun === undefined || !isBefore(begun, safe),
      `went on at ${String(begun)} though a file of ${String(safe)} was written`,
    );
    if (begun !== undefined) {
      const lost = (reached[0] - begun[0]) * 12 + reached[1] - begun[1];
      totals.batchesLost += Math.max(lost, 0);
      totals.mostLost = Math.max(totals.mostLost, lost);
      reached = begun;
    }
    reached = last(lines, 'batch') ?? reached;
    safe = last(lines, 'written') ?? safe;
    if (signal === 'SIGKILL') {
      totals.kills++;
      const left = readdirSync(folder).filter((name) => name.endsWith('.tmp'));
      for (const name of left) cutOff.add(name);
      // Each writer removes what the ones before it have left.
      check(left.length <= 3, `files are left: ${left.join(', ')}`);
      if (existsSync(file)) await (await loadModel(file, { device: 'cpu', threads: 1 })).dispose();
      else check(!isBefore([0, 0], safe), 'the file is gone');
      continue;
    }
    check(code === 0, `the worker ended with ${code}`);
    check(
      isDeepStrictEqual(last(lines, 'end'), whole),
      'a run that was killed and resumed came to something else',
    );
    totals.runs++;
    rmSync(file, { force: true });
    [safe, reached] = [
      [0, 0],
      [0, 0],
    ];
  }
  // What is under way goes on to its end.
  const { lines } = await run([file]);
  check(isDeepStrictEqual(last(lines, 'end'), whole), 'the last run came to something else');
  totals.runs++;
  const { runs, batchesLost, mostLost } = totals;
  console.log(
    `${totals.kills} kills (seed ${seed}), ${cutOff.size} of them in the middle of a write: no file was unreadable; ` +
      `${runs} runs came to the weights and the history of one without a break; ` +
      `${batchesLost} batches were done again, at most ${mostLost} after a kill`,
  );
} finally {
  rmSync(folder, { recursive: true, force: true });
}
