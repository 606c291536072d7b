/**
 * A character language model: learns a text letter by letter, then writes in its manner.
 *
 *   npm run demo -- [--data FILE] [--epochs 3] [--hidden 256] [--layers 1] [--steps N] [--learning-rate 0.005]
 *                   [--threads N] [--seed 1] [--out FILE] [--start FILE] [--json]
 *
 * Without --data the text is TypeScript's own declarations of the standard library. The last tenth of the text is
 * kept for validation. --steps limits the steps of an epoch, --start saves the untrained model, --json prints one last
 * line for programs.
 */
import { readFileSync } from 'node:fs';
import { availableParallelism, tmpdir } from 'node:os';
import { join } from 'node:path';
import { parseArgs } from 'node:util';

import {
  adam,
  characterVocabulary,
  dense,
  embedding,
  generate,
  type LanguageModelStream,
  languageModelStream,
  loadModel,
  lstm,
  type Model,
  sequential,
} from 'cudnn-lstm';

import { StepClock } from './support/stepClock.js';
import { typescriptText } from './support/typescriptText.js';

const { values: options } = parseArgs({
  options: {
    data: { type: 'string' },
    epochs: { type: 'string', default: '3' },
    hidden: { type: 'string', default: '256' },
    layers: { type: 'string', default: '1' },
    steps: { type: 'string' },
    'learning-rate': { type: 'string', default: '0.005' },
    threads: { type: 'string', default: String(availableParallelism()) },
    seed: { type: 'string', default: '1' },
    out: { type: 'string', default: join(tmpdir(), 'characterLanguageModel.safetensors') },
    start: { type: 'string' },
    json: { type: 'boolean', default: false },
  },
});

const batchSize = 32;
const timeSteps = 64;
const threads = Number(options.threads);

const text =
  options.data === undefined ? typescriptText(import.meta.dirname) : readFileSync(options.data, 'utf8');
const boundary = Math.floor(text.length * 0.9);
const vocabulary = characterVocabulary(text.slice(0, boundary));
const training = streamOf(text.slice(0, boundary), Number(options.steps ?? Number.POSITIVE_INFINITY));
const validation = streamOf(text.slice(boundary));
console.log(`${text.length} characters, ${vocabulary.size} different, ${training.steps} steps an epoch`);

await using model = await sequential(
  [
    embedding({ vocabSize: vocabulary.size, size: 64 }),
    lstm({ hiddenSize: Number(options.hidden), numLayers: Number(options.layers) }),
    dense({ units: vocabulary.size }),
  ],
  { threads, seed: Number(options.seed), vocabulary },
);
console.log(model.summary());

const prompt = text.slice(boundary, boundary + 100);
if (options.start !== undefined) await model.save(options.start, { includeOptimizer: false });
await showSample('before training', model);

const clock = new StepClock();
const history = await model.fit(training, {
  epochs: Number(options.epochs),
  loss: 'crossEntropy',
  optimizer: adam({ learningRate: Number(options['learning-rate']), clip: { globalNorm: 1 } }),
  validationData: validation,
  verbose: process.stderr.isTTY ? 'progress' : 'silent',
  callbacks: [
    clock,
    {
      onEpochEnd: ({ epoch, loss, valLoss = Number.NaN }) =>
        console.log(
          `epoch ${epoch}: ${loss.toFixed(4)}, validation ${valLoss.toFixed(4)} nats per character`,
        ),
    },
  ],
});
const charsPerSecond = (history.steps * batchSize * timeSteps) / clock.seconds;
console.log(
  `${history.steps} steps of ${batchSize} x ${timeSteps} characters in ${clock.seconds.toFixed(1)} s: ` +
    `${clock.medianMs.toFixed(1)} ms a step, ${Math.round(charsPerSecond)} characters a second`,
);
await showSample('after training', model);

await model.save(options.out);
await using loaded = await loadModel(options.out, { threads });
await requireSamePredictions(model, loaded);
console.log(`saved to ${options.out}, loaded again: the same predictions, bit for bit`);

if (options.json) {
  const { loss: valLossNats } = await loaded.evaluate(validation, { loss: 'crossEntropy' });
  const result = {
    valLossNats,
    uniformNats: Math.log(vocabulary.size),
    steps: history.steps,
    seconds: clock.seconds,
    charsPerSecond,
    device: `${model.device.device}, ${model.device.name}`,
    checkpoint: options.out,
  };
  console.log(JSON.stringify(result));
}

function streamOf(part: string, mostSteps = Number.POSITIVE_INFINITY): LanguageModelStream {
  const stream = languageModelStream({ tokens: vocabulary.encode(part), batchSize, timeSteps });
  return { ...stream, steps: Math.min(stream.steps, mostSteps) };
}

async function showSample(when: string, writer: Model): Promise<void> {
  const written = await generate(writer, { prompt, length: 300, temperature: 0.7 });
  console.log(`\n--- ${when} ---\n${prompt}|${written}\n`);
}

/** @throws where one bit of the outputs for a piece of the validation text differs. */
async function requireSamePredictions(one: Model, other: Model): Promise<void> {
  const x = [vocabulary.encode(text.slice(boundary, boundary + 500))];
  const [a, b] = await Promise.all([one.predict(x), other.predict(x)]);
  if (!Buffer.from(a.y.data.buffer).equals(Buffer.from(b.y.data.buffer))) {
    throw new Error('the loaded model predicts something else');
  }
}
