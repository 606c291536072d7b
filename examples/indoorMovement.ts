/**
 * Will a person change rooms? Signal strengths of four radio anchors on the way to the door, 19 to 129 steps, one yes
 * or no a walk: an LSTM and one sigmoid.
 *
 *   npx tsx --tsconfig tsconfig.build.json examples/indoorMovement.ts --data FOLDER [--seed 1] [--quick] [--json]
 */
import { adam, dense, lstm, sequential } from 'cudnn-lstm';

import { largestClass, nearestMean } from './support/baselines.js';
import { csvRows, sequencesOf } from './support/files.js';
import { firstRows, splitRows, type RowList } from './support/rows.js';
import { startRun } from './support/run.js';

const run = startRun('indoor-movement');
const settings = { epochs: run.quick ? 2 : 60, batchSize: 32, learningRate: 0.005, clipNorm: 1 };

// There is no official split: the seed draws one, so results of one seed are comparable and those of all are an average.
const [train, test] = splitRows(walks(), 0.3, run.seed);
const training = run.quick ? firstRows(train, 64) : train;
run.share({ splits: { training, test }, settings });

await using model = await sequential(
  [lstm({ hiddenSize: 32, returnSequences: false }), dense({ units: 1, activation: 'sigmoid' })],
  { inputSize: 4, seed: run.seed, threads: run.threads },
);
await model.fit(training, {
  loss: 'binaryCrossEntropy',
  optimizer: adam({ learningRate: settings.learningRate, clip: { globalNorm: settings.clipNorm } }),
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

/** x: [walk][step][4], y: 1 where the rooms change. Columns: walk, +1 or -1, group, step, 4 strengths. */
function walks(): RowList<number[][], number> {
  const sequences = sequencesOf(csvRows(run.folder, 'sequences.csv'));
  return {
    x: sequences.map((steps) => steps.map((fields) => fields.slice(4).map(Number))),
    y: sequences.map(([first]) => Number(first![1] === '1')),
  };
}
