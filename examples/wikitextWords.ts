/**
 * Wikipedia word by word: two LSTM(200) behind an embedding of 200, whose table is the output's weight as well (Press and Wolf
 * 2017), with dropout. Unless told otherwise it learns from the first part of WikiText-2 alone, so that an epoch takes seconds on a
 * CPU, and knows the words that this part has three times or more; that perplexity is no WikiText-2 perplexity. `--tokens all`
 * reads all the text with its 33,278 words.
 *
 *   npx tsx --tsconfig tsconfig.build.json examples/wikitextWords.ts --data FOLDER [--seed 1] [--tokens 60000 | all] [--epochs 5] [--quick] [--json]
 */
import { adam, dense, dropout, embedding, languageModelStream, lstm, sequential, uniform } from 'cudnn-lstm';

import { unigramNats } from './support/baselines.js';
import { startRun } from './support/run.js';
import { readWikiText, tokenCount } from './support/wikiText.js';

const run = startRun('wikitext-2', ['tokens', 'epochs']);
const settings = {
  epochs: Number(run.option('epochs') ?? (run.quick ? 1 : 5)),
  batchSize: 20,
  timeSteps: 35,
  learningRate: 0.003,
  clipNorm: 1,
};

const tokens = tokenCount(run.option('tokens'), run.quick ? 10_000 : 60_000);
const { vocabSize, ...splits } = readWikiText(run.folder, tokens);
run.share({ splits, settings: { ...settings, vocabSize } });

await using model = await sequential(
  [
    embedding({ vocabSize, size: 200, initializer: uniform({ low: -0.1, high: 0.1 }) }),
    dropout({ rate: 0.2 }),
    lstm({ hiddenSize: 200, numLayers: 2, dropout: 0.2 }),
    dropout({ rate: 0.2 }),
    dense({ units: vocabSize, tiedTo: 'embedding' }),
  ],
  { seed: run.seed, threads: run.threads },
);
const { batchSize, timeSteps } = settings;
const stream = (ids: Int32Array) => languageModelStream({ tokens: ids, batchSize, timeSteps });
await model.fit(stream(splits.training), {
  loss: 'crossEntropy',
  optimizer: adam({ learningRate: settings.learningRate, clip: { globalNorm: settings.clipNorm } }),
  metrics: ['perplexity'],
  epochs: settings.epochs,
  validationData: stream(splits.validation),
  callbacks: run.watchers,
});
const { loss } = await model.evaluate(stream(splits.test));

run.finish(model, {
  scores: { perplexity: Math.exp(loss) },
  baselines: {
    uniform: vocabSize,
    frequencies: Math.exp(unigramNats(splits.training, splits.test, vocabSize)),
  },
});
