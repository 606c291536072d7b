/**
 * Handwritten digits as pen strokes, 8 points (x, y) each: two LSTM(128), Adam at the high rate of 0.01, held in check by
 * clipping each parameter's gradient to the norm 1. Writers of the test part are none of the training part.
 *
 *   npx tsx --tsconfig tsconfig.build.json examples/penDigits.ts --data FOLDER [--seed 1] [--quick] [--json]
 */
import { adam, dense, lstm, sequential } from 'cudnn-lstm';

import { largestClass, nearestMean } from './support/baselines.js';
import { csvRows } from './support/files.js';
import { firstRows, splitRows, type RowList } from './support/rows.js';
import { startRun } from './support/run.js';

const run = startRun('pendigits');
const settings = { epochs: run.quick ? 1 : 5, batchSize: 64, learningRate: 0.01, tensorNorm: 1 };

const [train, validation] = splitRows(digits('pendigits.tra'), 0.1, run.seed);
const training = run.quick ? firstRows(train, 320) : train;
const test = digits('pendigits.tes');
run.share({ splits: { training, validation, test }, settings });

await using model = await sequential(
  [
    lstm({ hiddenSize: 128, numLayers: 2, returnSequences: false }),
    dense({ units: 10, activation: 'softmax' }),
  ],
  { inputSize: 2, seed: run.seed, threads: run.threads },
);
await model.fit(training, {
  loss: 'crossEntropy',
  optimizer: adam({ learningRate: settings.learningRate, clip: { tensorNorm: settings.tensorNorm } }),
  epochs: settings.epochs,
  batchSize: settings.batchSize,
  metrics: ['accuracy'],
  validationData: validation,
  callbacks: run.watchers,
});
const { accuracy } = await model.evaluate(test);

run.finish(model, {
  scores: { accuracy: accuracy! },
  baselines: { 'largest class': largestClass(train, test), 'nearest mean': nearestMean(train, test) },
});

/** x: [digit][8][2], from -1 to 1; y: the digit. Columns: 8 pairs from 0 to 100, digit. */
function digits(file: string): RowList<number[][], number> {
  const records = csvRows(run.folder, file).map((fields) => fields.map(Number));
  const point = (fields: number[], t: number): number[] =>
    fields.slice(2 * t, 2 * t + 2).map((value) => value / 50 - 1);
  return {
    x: records.map((fields) => Array.from({ length: 8 }, (_, t) => point(fields, t))),
    y: records.map((fields) => fields[16]!),
  };
}
