/**
 * Shakespeare letter by letter: embedding, LSTM, a dense layer that gives the odds of the next character. 50 places of the
 * text are read side by side, 50 characters a step, and states are carried on from step to step.
 *
 *   npx tsx --tsconfig tsconfig.build.json examples/tinyShakespeare.ts --data FOLDER [--seed 1] [--quick] [--json]
 */
import { readFileSync } from 'node:fs';
import { join } from 'node:path';

import {
  adam,
  characterVocabulary,
  dense,
  embedding,
  generate,
  languageModelStream,
  lstm,
  sequential,
} from 'cudnn-lstm';

import { unigramNats } from './support/baselines.js';
import { startRun } from './support/run.js';

const run = startRun('tinyshakespeare');
const settings = {
  epochs: 1,
  batchSize: 50,
  timeSteps: 50,
  learningRate: 0.002,
  clipNorm: 5,
};

const text = readFileSync(join(run.folder, 'input.txt'), 'utf8');
const boundary = Math.floor(text.length * 0.9);
const vocabulary = characterVocabulary(text.slice(0, boundary));
const training = vocabulary.encode(text.slice(0, run.quick ? 30_000 : boundary));
const test = vocabulary.encode(text.slice(boundary));
run.share({ splits: { training, test }, settings: { ...settings, vocabSize: vocabulary.size } });

await using model = await sequential(
  [
    embedding({ vocabSize: vocabulary.size, size: 64 }),
    lstm({ hiddenSize: 128 }),
    dense({ units: vocabulary.size }),
  ],
  { seed: run.seed, threads: run.threads, vocabulary },
);
const { batchSize, timeSteps } = settings;
await model.fit(languageModelStream({ tokens: training, batchSize, timeSteps }), {
  loss: 'crossEntropy',
  optimizer: adam({ learningRate: settings.learningRate, clip: { globalNorm: settings.clipNorm } }),
  epochs: settings.epochs,
  callbacks: run.watchers,
});
const { loss } = await model.evaluate(languageModelStream({ tokens: test, batchSize, timeSteps }));
console.log(await generate(model, { prompt: 'ROMEO:', length: 300, temperature: 0.7, seed: run.seed }));

run.finish(model, {
  scores: { nats: loss },
  baselines: {
    uniform: Math.log(vocabulary.size),
    frequencies: unigramNats(training, test, vocabulary.size),
  },
});
