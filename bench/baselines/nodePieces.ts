/** What the contenders that run in Node share: their files, and answering one JSON command a line. */
import { readFile } from 'node:fs/promises';
import { createInterface } from 'node:readline';

import { decodeSafetensors } from '../../src/io/safetensors.js';
import type { Inputs, Outcome, Unable } from '../support/contender.js';
import type { CpuTrial, Shape } from '../support/shapes.js';

export interface SetUp extends CpuTrial {
  readonly inputs: Inputs;
}

/** What is timed, and the result of its first runs. */
export interface Prepared {
  once(): unknown;
  readonly outcome: Outcome;
}

/** Tensors by PyTorch's names: those of the LSTM have no prefix, those of the Dense begin with `fc.`. */
export async function readWeights({ weightsPath }: Inputs): Promise<(name: string) => Float32Array> {
  const { tensors } = decodeSafetensors(await readFile(weightsPath));
  return (name) => {
    const tensor = tensors[name];
    if (tensor === undefined) throw new Error(`no tensor ${name} in ${Object.keys(tensors).join(', ')}`);
    return tensor.data;
  };
}

/** x as time-major [T, N, C], and y [N]. */
export async function readBatch({ batchSize, timeSteps, channels }: Shape, { xPath, yPath }: Inputs) {
  const given = new Float32Array(new Uint8Array(await readFile(xPath)).buffer);
  const x = new Float32Array(given.length);
  for (let n = 0; n < batchSize; n++) {
    for (let t = 0; t < timeSteps; t++) {
      const row = (n * timeSteps + t) * channels;
      x.set(given.subarray(row, row + channels), (t * batchSize + n) * channels);
    }
  }
  return { x, y: new Int32Array(new Uint8Array(await readFile(yPath)).buffer) };
}

/** Answers commands until the input ends. */
export async function serve(
  versions: Readonly<Record<string, string>>,
  setUp: (command: SetUp) => Promise<Prepared | Unable>,
): Promise<void> {
  const answer = (value: unknown) => process.stdout.write(`${JSON.stringify(value)}\n`);
  let once: (() => unknown) | undefined;
  answer(versions);
  for await (const line of createInterface(process.stdin)) {
    const command = JSON.parse(line) as
      ({ command: 'setUp' } & SetUp) | { command: 'run'; repetitions: number };
    if (command.command === 'run') {
      answer(await timed(once!, command.repetitions));
      continue;
    }
    const prepared = await setUp(command);
    if ('once' in prepared) once = () => prepared.once();
    answer('once' in prepared ? prepared.outcome : prepared);
  }
}

async function timed(once: () => unknown, repetitions: number): Promise<number[]> {
  const times: number[] = [];
  for (let k = 0; k < repetitions; k++) {
    const start = performance.now();
    const result = once();
    if (result instanceof Promise) await result;
    times.push(performance.now() - start);
  }
  return times;
}
