/**
 * Noun, verb, adjective...? A tag for each word of a sentence from what comes before and after it: embedding, a
 * bidirectional LSTM, a dense layer at every step. Words that the training part has once are one token, as are words that it
 * has not.
 *
 *   npx tsx --tsconfig tsconfig.build.json examples/partOfSpeech.ts --data FOLDER [--seed 1] [--quick] [--json]
 */
import { readFileSync } from 'node:fs';
import { join } from 'node:path';

import { adam, dense, dropout, embedding, lstm, sequential } from 'cudnn-lstm';

import { mostFrequentLabel } from './support/baselines.js';
import { Labels } from './support/files.js';
import { firstRows, type RowList } from './support/rows.js';
import { startRun } from './support/run.js';

const run = startRun('ud-ewt');
const settings = { epochs: run.quick ? 1 : 3, batchSize: 32, learningRate: 0.002 };

const tags = new Labels();
const trainWords = sentences('train.tsv');
const words = knownWords(trainWords.x);
const train = encoded(trainWords);
const validation = encoded(sentences('dev.tsv'));
const test = encoded(sentences('test.tsv'));
const training = run.quick ? firstRows(train, 320) : train;
const vocabSize = words.size + 1;
run.share({
  splits: { training, validation, test },
  settings: { ...settings, vocabSize, classes: tags.names.length },
});

await using model = await sequential(
  [
    embedding({ vocabSize, size: 64 }),
    dropout({ rate: 0.2 }),
    lstm({ hiddenSize: 64, bidirectional: true }),
    dense({ units: tags.names.length, activation: 'softmax' }),
  ],
  { seed: run.seed, threads: run.threads },
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
  baselines: { "each word's most frequent tag": mostFrequentLabel(train, test) },
});

/** Lines `word<TAB>tag<TAB>...`, an empty line between sentences. */
function sentences(file: string): RowList<string[], Int32Array> {
  const texts = readFileSync(join(run.folder, file), 'utf8').trimEnd().split('\n\n');
  const lines = texts.map((text) => text.split('\n').map((line) => line.split('\t')));
  return {
    x: lines.map((sentence) => sentence.map(([word]) => word!)),
    y: lines.map((sentence) => Int32Array.from(sentence, ([, tag]) => tags.of(tag!))),
  };
}

/** Ids from 1 for words seen twice or more; 0 stands for the others. */
function knownWords(texts: readonly string[][]): ReadonlyMap<string, number> {
  const counts = new Map<string, number>();
  for (const word of texts.flat()) counts.set(word, (counts.get(word) ?? 0) + 1);
  const known = [...counts].filter(([, count]) => count > 1);
  return new Map(known.map(([word], index) => [word, index + 1]));
}

function encoded({ x, y }: RowList<string[], Int32Array>): RowList<Int32Array, Int32Array> {
  return { x: x.map((sentence) => Int32Array.from(sentence, (word) => words.get(word) ?? 0)), y };
}
