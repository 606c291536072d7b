/**
 * Handwritten digits read row by row: an image of 28 x 28 is a sequence of 28 steps of 28 pixels. Two LSTM(128), Adam
 * at 0.01, each parameter's gradient clipped to the norm 1. It learns from 8000 of MNIST's 10,000 test images and is
 * tested on the others, so its numbers are not those of the usual task.
 *
 *   npx tsx --tsconfig tsconfig.build.json examples/mnistRows.ts --data FOLDER [--seed 1] [--quick] [--json]
 *
 * With `--csv FILE` it writes the images as a table instead, which the command line reads: a row an image.
 */
import { readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { gunzipSync } from 'node:zlib';

import { adam, dense, lstm, sequential } from 'cudnn-lstm';

import { largestClass, nearestMean } from './support/baselines.js';
import { firstRows, splitRows, type RowList } from './support/rows.js';
import { startRun } from './support/run.js';

const run = startRun('mnist-t10k', ['csv']);
const csv = run.option('csv');
if (csv !== undefined) {
  writeFileSync(csv, table(images()));
  process.exit();
}
const settings = { epochs: run.quick ? 1 : 3, batchSize: 64, learningRate: 0.01, tensorNorm: 1 };

const [train, test] = splitRows(images(), 0.2, run.seed);
const training = run.quick ? firstRows(train, 320) : train;
run.share({ splits: { training, test }, settings });

await using model = await sequential(
  [
    lstm({ hiddenSize: 128, numLayers: 2, returnSequences: false }),
    dense({ units: 10, activation: 'softmax' }),
  ],
  { inputSize: 28, seed: run.seed, threads: run.threads },
);
await model.fit(training, {
  loss: 'crossEntropy',
  optimizer: adam({ learningRate: settings.learningRate, clip: { tensorNorm: settings.tensorNorm } }),
  epochs: settings.epochs,
  batchSize: settings.batchSize,
  metrics: ['accuracy'],
  callbacks: run.watchers,
});
const { accuracy } = await model.evaluate(test);

run.finish(model, {
  scores: { accuracy: accuracy! },
  baselines: { 'largest class': largestClass(train, test), 'nearest mean': nearestMean(train, test) },
});

/** A line of names, then one an image: the digit, and its pixels row by row. */
function table({ x, y }: RowList<Float32Array[], number>): string {
  const names = Array.from({ length: 784 }, (_, pixel) => `p${pixel + 1}`);
  const lines = x.map((rows, image) => {
    const pixels = rows.flatMap((row) => Array.from(row, (value) => Number(value.toPrecision(4))));
    return [y[image], ...pixels].join(',');
  });
  return [['digit', ...names].join(','), ...lines, ''].join('\n');
}

/** x: [image][28][28], from 0 to 1; y: the digit. Files in IDX format: 16 bytes, or for labels 8, before the data. */
function images(): RowList<Float32Array[], number> {
  const read = (file: string): Buffer => gunzipSync(readFileSync(join(run.folder, file)));
  const pixels = Float32Array.from(read('t10k-images-idx3-ubyte.gz').subarray(16), (value) => value / 255);
  const row = (at: number): Float32Array => pixels.subarray(at, at + 28);
  return {
    x: Array.from({ length: pixels.length / 784 }, (_, image) =>
      Array.from({ length: 28 }, (__, t) => row(image * 784 + t * 28)),
    ),
    y: Array.from(read('t10k-labels-idx1-ubyte.gz').subarray(8)),
  };
}
