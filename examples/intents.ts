/**
 * What does somebody want from an assistant? 150 intents, 100 examples of each: embedding, LSTM, the largest value of each
 * channel over the words, a dense layer. The best epoch on the validation part is tested.
 *
 *   npx tsx --tsconfig tsconfig.build.json examples/intents.ts --data FOLDER [--seed 1] [--quick] [--json]
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
import { firstRows, type RowList } from './support/rows.js';
import { startRun } from './support/run.js';

const run = startRun('clinc150');
const settings = { epochs: run.quick ? 1 : 8, batchSize: 64, learningRate: 0.003, keepBest: true };

const intents = new Labels();
const trainTexts = requests('train.tsv');
const vocabulary = wordVocabulary(trainTexts.x, { minFrequency: 2 });
const train = encoded(trainTexts);
const validation = encoded(requests('val.tsv'));
const test = encoded(requests('test.tsv'));
const training = run.quick ? firstRows(train, 320) : train;
run.share({
  splits: { training, validation, test },
  settings: { ...settings, vocabSize: vocabulary.size, classes: intents.names.length },
});

await using model = await sequential(
  [
    embedding({ vocabSize: vocabulary.size, size: 100 }),
    dropout({ rate: 0.3 }),
    lstm({ hiddenSize: 128 }),
    pool({ mode: 'max' }),
    dropout({ rate: 0.3 }),
    dense({ units: intents.names.length, activation: 'softmax' }),
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

/** Lines `intent<TAB>text`. */
function requests(file: string): RowList<string, number> {
  const lines = linesOf(run.folder, file).map((line) => line.split('\t'));
  return { x: lines.map(([, text]) => text!), y: lines.map(([intent]) => intents.of(intent!)) };
}

function encoded({ x, y }: RowList<string, number>): RowList<Int32Array, number> {
  return { x: x.map((text) => vocabulary.encode(text)), y };
}
