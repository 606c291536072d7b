import { Worker } from 'node:worker_threads';
import { existsSync } from 'node:fs';
import { fileURLToPath } from 'node:url';
import { describe, expect, it } from 'vitest';

const worker = new URL('../support/trainingWorker.mjs', import.meta.url);
const dist = fileURLToPath(new URL('../../dist/index.js', import.meta.url));

interface Message {
  readonly kind: 'step' | 'done';
  readonly loss: number;
}

function start(steps: number, seed: number) {
  const thread = new Worker(worker, { workerData: { steps, seed } });
  const exit = new Promise<number>((resolve, reject) => {
    thread.once('exit', resolve);
    thread.once('error', reject);
  });
  const firstStep = new Promise<void>((resolve) => thread.once('message', () => resolve()));
  const done = new Promise<number>((resolve) => {
    thread.on('message', ({ kind, loss }: Message) => kind === 'done' && resolve(loss));
  });
  return { thread, exit, firstStep, done };
}

// Worker threads load the compiled package: `npm run build` makes dist/.
describe.skipIf(!existsSync(dist))('worker threads (with dist/ built)', () => {
  it('two train at once, each as it would alone, and end cleanly by themselves', async () => {
    const alone = start(30, 1);
    const expected = await alone.done;
    expect(await alone.exit).toBe(0);
    const both = [start(30, 1), start(30, 1)];
    expect(await Promise.all(both.map(({ done }) => done))).toEqual([expected, expected]);
    expect(await Promise.all(both.map(({ exit }) => exit))).toEqual([0, 0]);
  });

  it('are terminated in the middle of a step without harm to the process', async () => {
    for (let round = 0; round < 10; round++) {
      const { thread, firstStep } = start(1e9, round);
      await firstStep;
      await new Promise((resolve) => setTimeout(resolve, round));
      expect(await thread.terminate()).toBe(1);
    }
    const after = start(5, 1);
    expect(await after.done).toBeGreaterThan(0);
    expect(await after.exit).toBe(0);
  });
});
