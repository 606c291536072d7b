/**
 * Spam or not? Short messages as words: an embedding, LSTM(128), one sigmoid, binary cross-entropy, 10 epochs. Messages that
 * are there more than once are taken once, or the test part would hold what was learnt.
 *
 *   npx tsx --tsconfig tsconfig.build.json examples/smsSpam.ts --data FOLDER [--seed 1] [--quick] [--json]
 */
import { adam, dense, embedding, lstm, sequential, wordVocabulary } from 'cudnn-lstm';

import { largestClass, naiveBayes } from './support/baselines.js';
import { linesOf } from './support/files.js';
import { firstRows, splitRows } from './support/rows.js';
import { startRun } from './support/run.js';

const run = startRun('sms-spam');
const settings = { epochs: run.quick ? 1 : 10, batchSize: 32, learningRate: 0.001, clipNorm: 1 };

const lines = [...new Set(linesOf(run.folder, 'SMSSpamCollection.tsv'))].map((line) => line.split('\t'));
const messages = {
  x: lines.map(([, text]) => text!.toLowerCase()),
  y: lines.map(([label]) => Number(label === 'spam')),
};
const [trainTexts, testTexts] = splitRows(messages, 0.2, run.seed);
const vocabulary = wordVocabulary(trainTexts.x, { minFrequency: 2 });
const encode = (text: string): Int32Array => vocabulary.encode(text);
const train = { x: trainTexts.x.map(encode), y: trainTexts.y };
const test = { x: testTexts.x.map(encode), y: testTexts.y };
const training = run.quick ? firstRows(train, 320) : train;
run.share({ splits: { training, test }, settings: { ...settings, vocabSize: vocabulary.size } });

await using model = await sequential(
  [
    embedding({ vocabSize: vocabulary.size, size: 32 }),
    lstm({ hiddenSize: 128, returnSequences: false }),
    dense({ units: 1, activation: 'sigmoid' }),
  ],
  { seed: run.seed, threads: run.threads, vocabulary },
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
  baselines: {
    'largest class': largestClass(train, test),
    'naive Bayes': naiveBayes(train, test, vocabulary.size),
  },
});
