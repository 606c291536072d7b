/**
 * Wikipedia word by word: two LSTM(200) behind an embedding of 200, whose table is the output's weight as well (Press and Wolf
 * 2017), with dropout. It learns from the first part of WikiText-2 alone, so that an epoch takes seconds on a CPU, and knows the words that
 * this part has three times or more; so its perplexity is no WikiText-2 perplexity.
 *
 *   npx tsx --tsconfig tsconfig.build.json examples/wikitextWords.ts --data FOLDER [--seed 1] [--tokens 60000] [--quick] [--json]
 */
import { readFileSync } from 'node:fs';
import { join } from 'node:path';

import { adam, dense, dropout, embedding, languageModelStream, lstm, sequential } from 'cudnn-lstm';

import { unigramNats } from './support/baselines.js';
import { startRun } from './support/run.js';

const run = startRun('wikitext-2', ['tokens']);
const settings = {
  epochs: run.quick ? 1 : 3,
  batchSize: 20,
  timeSteps: 35,
  learningRate: 0.003,
  clipNorm: 1,
};

const mostTokens = Number(run.option('tokens') ?? (run.quick ? 10_000 : 60_000));
const trainWords = words('train.txt').slice(0, mostTokens);
const ids = knownWords(trainWords);
const encode = (list: readonly string[]): Int32Array => Int32Array.from(list, (word) => ids.get(word) ?? 0);
const training = encode(trainWords);
const validation = encode(words('valid.txt').slice(0, mostTokens / 4));
const test = encode(words('test.txt').slice(0, mostTokens / 4));
const vocabSize = ids.size + 1;
run.share({ splits: { training, validation, test }, settings: { ...settings, vocabSize } });

await using model = await sequential(
  [
    embedding({ vocabSize, size: 200 }),
    dropout({ rate: 0.2 }),
    lstm({ hiddenSize: 200, numLayers: 2, dropout: 0.2 }),
    dropout({ rate: 0.2 }),
    dense({ units: vocabSize, tiedTo: 'embedding' }),
  ],
  { seed: run.seed, threads: run.threads },
);
const { batchSize, timeSteps } = settings;
const stream = (tokens: Int32Array) => languageModelStream({ tokens, batchSize, timeSteps });
const history = await model.fit(stream(training), {
  loss: 'crossEntropy',
  optimizer: adam({ learningRate: settings.learningRate, clip: { globalNorm: settings.clipNorm } }),
  epochs: settings.epochs,
  validationData: stream(validation),
  callbacks: run.watchers,
});
for (const { epoch, valLoss } of history.epochs) {
  console.log(`epoch ${epoch}: validation perplexity ${Math.exp(valLoss!).toFixed(1)}`);
}
const { loss } = await model.evaluate(stream(test));

run.finish(model, {
  scores: { perplexity: Math.exp(loss) },
  baselines: { uniform: vocabSize, frequencies: Math.exp(unigramNats(training, test, vocabSize)) },
});

/** The words of a file, each line ending in one more. */
function words(file: string): string[] {
  const lines = readFileSync(join(run.folder, file), 'utf8').split('\n');
  return lines.flatMap((line) => [...line.split(' ').filter((word) => word !== ''), '<eos>']);
}

/** Ids from 1 for words seen three times or more; 0 stands for the others, as `<unk>` does in the text. */
function knownWords(list: readonly string[]): ReadonlyMap<string, number> {
  const counts = new Map<string, number>();
  for (const word of list) if (word !== '<unk>') counts.set(word, (counts.get(word) ?? 0) + 1);
  const known = [...counts].filter(([, count]) => count >= 3);
  return new Map(known.map(([word], index) => [word, index + 1]));
}
