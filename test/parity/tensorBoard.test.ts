import { execFile } from 'node:child_process';
import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { promisify } from 'node:util';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import {
  adam,
  type Callback,
  dense,
  exponentialDecay,
  lstm,
  sequential,
  tensorBoard,
} from '../../src/index.js';
import { Draws } from '../support/draws.js';

// A Python with tensorboard; without one the test is skipped.
const python = process.env['CUDNN_LSTM_PYTHON'];

/** Reads event files as TensorBoard does, and counts their records. */
const script = `
import json, sys
from tensorboard.backend.event_processing.event_accumulator import EventAccumulator
from tensorboard.backend.event_processing.event_file_loader import RawEventFileLoader
import glob, os
result = {}
for run in ("train", "validation"):
    folder = os.path.join(sys.argv[1], run)
    accumulator = EventAccumulator(folder, size_guidance={"scalars": 0})
    accumulator.Reload()
    tags = accumulator.Tags()["scalars"]
    result[run] = {
        "scalars": {tag: [[e.step, e.value] for e in accumulator.Scalars(tag)] for tag in tags},
        "fileVersion": accumulator.file_version,
        "records": [len(list(RawEventFileLoader(path).Load())) for path in sorted(glob.glob(folder + "/*"))],
    }
print(json.dumps(result))
`;

const hasReader =
  python !== undefined &&
  (await promisify(execFile)(python, ['-c', 'import tensorboard']).then(
    () => true,
    () => false,
  ));

interface Run {
  readonly scalars: Readonly<Record<string, readonly (readonly [number, number])[]>>;
  readonly fileVersion: number;
  readonly records: readonly number[];
}

const draws = new Draws('tensorBoard');
const count = 20;
const x = { data: Float32Array.from(draws.uniform(count * 6 * 2)), shape: [count, 6, 2] };
const y = Array.from(draws.integers(count, 0, 3));

let folder: string;
beforeAll(async () => {
  folder = await mkdtemp(join(tmpdir(), 'tensorboard-'));
});
afterAll(() => rm(folder, { recursive: true }));

describe('tensorBoard', () => {
  it.skipIf(!hasReader)(
    "writes what TensorBoard's own reader reads (a Python with tensorboard in CUDNN_LSTM_PYTHON)",
    async () => {
      await using model = await sequential(
        [lstm({ hiddenSize: 8, returnSequences: false }), dense({ units: 3 })],
        { device: 'cpu', threads: 1, inputSize: 2, seed: 4 },
      );
      const logDir = join(folder, 'runs', 'größer');
      const rates: number[] = [];
      const losses: number[] = [];
      const note: Callback = {
        onBatchEnd: ({ loss, learningRate }) => void (losses.push(loss), rates.push(learningRate)),
      };
      const history = await model.fit(
        { x, y },
        {
          loss: 'crossEntropy',
          metrics: ['accuracy'],
          validationSplit: 0.25,
          verbose: 'silent',
          batchSize: 1,
          epochs: 12,
          optimizer: adam({ learningRate: exponentialDecay({ initial: 0.1, factor: 0.5 }) }),
          callbacks: [tensorBoard({ logDir, everyBatches: 1 }), note],
        },
      );
      const { stdout } = await promisify(execFile)(python!, ['-c', script, logDir], { maxBuffer: 1 << 26 });
      const { train, validation } = JSON.parse(stdout) as Record<'train' | 'validation', Run>;
      const expected = (values: readonly number[]) => values.map((value, i) => [i + 1, Math.fround(value)]);
      expect(train.fileVersion).toBe(2);
      expect(train.scalars).toEqual({
        loss: expected(history.epochs.map(({ loss }) => loss)),
        accuracy: expected(history.epochs.map(({ accuracy }) => accuracy!)),
        learningRate: expected(history.epochs.map(({ learningRate }) => learningRate)),
        seconds: expected(history.epochs.map(({ seconds }) => seconds)),
        'batch/loss': expected(losses),
        'batch/gradNorm': expect.any(Array) as unknown,
        'batch/learningRate': expected(rates),
      });
      expect(rates).toHaveLength(180);
      expect(validation.scalars).toEqual({
        loss: expected(history.epochs.map(({ valLoss }) => valLoss!)),
        accuracy: expected(history.epochs.map(({ valAccuracy }) => valAccuracy!)),
      });
      // The reader stops at the first record whose checksum is wrong: all were read.
      expect({ train: train.records, validation: validation.records }).toEqual({
        train: [1 + 180 + 12],
        validation: [1 + 12],
      });
    },
  );
});
