/**
 * Is a film praised or panned? Sentences of reviews: embedding, LSTM, the mean over the words, one sigmoid. Without word
 * vectors from elsewhere and without labelled phrases 7000 sentences are few, so half of the channels are dropped in training
 * and the best epoch on the validation part is the one that is tested.
 *
 *   npx tsx --tsconfig tsconfig.build.json examples/sentiment.ts --data FOLDER [--seed 1] [--quick] [--json]
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
import { linesOf } from './support/files.js';
import { firstRows, type RowList } from './support/rows.js';
import { startRun } from './support/run.js';

const run = startRun('sst2');
const settings = { epochs: run.quick ? 1 : 6, batchSize: 32, learningRate: 0.001, keepBest: true };

const trainTexts = reviews('train.txt');
const vocabulary = wordVocabulary(trainTexts.x, { minFrequency: 2 });
const train = encoded(trainTexts);
const validation = encoded(reviews('dev.txt'));
const test = encoded(reviews('test.txt'));
const training = run.quick ? firstRows(train, 320) : train;
run.share({ splits: { training, validation, test }, settings: { ...settings, vocabSize: vocabulary.size } });

await using model = await sequential(
  [
    embedding({ vocabSize: vocabulary.size, size: 100 }),
    dropout({ rate: 0.5 }),
    lstm({ hiddenSize: 64 }),
    pool({ mode: 'mean' }),
    dropout({ rate: 0.5 }),
    dense({ units: 1, activation: 'sigmoid' }),
  ],
  { seed: run.seed, threads: run.threads, vocabulary },
);
await model.fit(training, {
  loss: 'binaryCrossEntropy',
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

/** Lines `0 sentence` or `1 sentence`. */
function reviews(file: string): RowList<string, number> {
  const lines = linesOf(run.folder, file);
  return { x: lines.map((line) => line.slice(2).toLowerCase()), y: lines.map((line) => Number(line[0])) };
}

function encoded({ x, y }: RowList<string, number>): RowList<Int32Array, number> {
  return { x: x.map((text) => vocabulary.encode(text)), y };
}
