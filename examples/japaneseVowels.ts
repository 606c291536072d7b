/**
 * Who says "ae"? Nine speakers told apart by 7 to 29 steps of 12 cepstral coefficients: three stacked LSTMs, of which
 * the last state is classified. Sequences of different lengths go in as they are.
 *
 *   npx tsx --tsconfig tsconfig.build.json examples/japaneseVowels.ts --data FOLDER [--seed 1] [--quick] [--json]
 */
import { adam, dense, lstm, sequential } from 'cudnn-lstm';

import { largestClass, nearestMean } from './support/baselines.js';
import { csvRows, sequencesOf } from './support/files.js';
import { firstRows, splitRows, type RowList } from './support/rows.js';
import { startRun } from './support/run.js';

const run = startRun('japanese-vowels');
const settings = { epochs: run.quick ? 2 : 60, batchSize: 32, learningRate: 0.001 };

// The speakers come one after the other, so a fifth is taken from a shuffled order, not from the end.
const [train, validation] = splitRows(speakers('train.csv'), 0.2, run.seed);
const training = run.quick ? firstRows(train, 64) : train;
const test = speakers('test.csv');
run.share({ splits: { training, validation, test }, settings });

await using model = await sequential(
  [
    lstm({ hiddenSize: 50, numLayers: 3, returnSequences: false }),
    dense({ units: 9, activation: 'softmax' }),
  ],
  { inputSize: 12, seed: run.seed, threads: run.threads },
);
await model.fit(training, {
  loss: 'crossEntropy',
  optimizer: adam({ learningRate: settings.learningRate }),
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

/** x: [sequence][step][12], y: speakers from 0. Columns: sequence, speaker, step, 12 coefficients. */
function speakers(file: string): RowList<number[][], number> {
  const sequences = sequencesOf(csvRows(run.folder, file));
  return {
    x: sequences.map((steps) => steps.map((fields) => fields.slice(3).map(Number))),
    y: sequences.map(([first]) => Number(first![1])),
  };
}
