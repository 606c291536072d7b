/**
 * What does a question ask for: a description, an entity, an abbreviation, a person, a number or a place? Embedding, LSTM,
 * the largest value of each channel over the words, a dense layer. The weights of the best epoch on a tenth of the training
 * questions are the ones that are tested.
 *
 *   npx tsx --tsconfig tsconfig.build.json examples/questionTypes.ts --data FOLDER [--seed 1] [--quick] [--json]
 */
import {
  adam,
  dense,
  dropout,
  earlyStopping,
  embedding,
  lstm,
  pool,
  sequential,
  wordVocabulary,
} from 'cudnn-lstm';

import { largestClass, naiveBayes } from './support/baselines.js';
import { Labels, linesOf } from './support/files.js';
import { firstRows, splitRows, type RowList } from './support/rows.js';
import { startRun } from './support/run.js';

const run = startRun('trec');
const settings = { epochs: run.quick ? 1 : 8, batchSize: 32, learningRate: 0.002, keepBest: true };

const types = new Labels();
const trainTexts = questions('train.label');
const vocabulary = wordVocabulary(trainTexts.x, { minFrequency: 2 });
const [train, validation] = splitRows(encoded(trainTexts), 0.1, run.seed);
const test = encoded(questions('test.label'));
const training = run.quick ? firstRows(train, 320) : train;
run.share({
  splits: { training, validation, test },
  settings: { ...settings, vocabSize: vocabulary.size, classes: types.names.length },
});

await using model = await sequential(
  [
    embedding({ vocabSize: vocabulary.size, size: 100 }),
    dropout({ rate: 0.3 }),
    lstm({ hiddenSize: 128 }),
    pool({ mode: 'max' }),
    dropout({ rate: 0.3 }),
    dense({ units: types.names.length, activation: 'softmax' }),
  ],
  { seed: run.seed, threads: run.threads, vocabulary },
);
await model.fit(training, {
  loss: 'crossEntropy',
  optimizer: adam({ learningRate: settings.learningRate }),
  epochs: settings.epochs,
  batchSize: settings.batchSize,
  metrics: ['accuracy'],
  validationData: validation,
  callbacks: [
    ...run.watchers,
    earlyStopping({ monitor: 'valAccuracy', patience: settings.epochs, restoreBest: true }),
  ],
});
const { accuracy } = await model.evaluate(test);

run.finish(model, {
  scores: { accuracy: accuracy! },
  baselines: {
    'largest class': largestClass(train, test),
    'naive Bayes': naiveBayes(train, test, vocabulary.size),
  },
});

/** Lines `COARSE:fine question`; one of them is not UTF-8. */
function questions(file: string): RowList<string, number> {
  const lines = linesOf(run.folder, file, 'latin1');
  return {
    x: lines.map((line) => line.slice(line.indexOf(' ') + 1).toLowerCase()),
    y: lines.map((line) => types.of(line.split(':')[0]!)),
  };
}

function encoded({ x, y }: RowList<string, number>): RowList<Int32Array, number> {
  return { x: x.map((text) => vocabulary.encode(text)), y };
}
