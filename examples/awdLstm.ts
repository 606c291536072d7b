/**
 * AWD-LSTM (Merity, Keskar and Socher 2018, "Regularizing and Optimizing LSTM Language Models") on Wikipedia word by word: three
 * LSTMs with dropped recurrent weights, an output tied to the embedding, dropout of whole words, one mask for all time steps
 * between layers, activations kept small and slow, batches of random length, and SGD whose weights are averaged once the
 * validation loss has stopped falling.
 *
 * Unless told otherwise the layers are small and learn from the first part of WikiText-2 alone, so that perplexity is no WikiText-2
 * perplexity. `--size paper` has the sizes, dropout rates and epochs of the authors' WikiText-2 run and all the text: days on a CPU.
 *
 *   npx tsx --tsconfig tsconfig.build.json examples/awdLstm.ts --data FOLDER [--seed 1] [--size part | paper] [--epochs N] [--quick] [--json]
 */
import {
  activationRegularizer,
  dense,
  dropout,
  embedding,
  languageModelStream,
  lstm,
  type LstmDescriptor,
  sequential,
  sgd,
  StateError,
  torchUniform,
  uniform,
} from 'cudnn-lstm';

import { unigramNats } from './support/baselines.js';
import { startRun } from './support/run.js';
import { readWikiText } from './support/wikiText.js';

const part = {
  epochs: 15,
  batchSize: 20,
  timeSteps: 35,
  learningRate: 20,
  embeddingSize: 100,
  hiddenSize: 200,
  wordDropout: 0.05,
  inputDropout: 0.2,
  hiddenDropout: 0.1,
  outputDropout: 0.2,
  weightDropout: 0.2,
  averageInterval: 2,
};
// The authors' code (salesforce/awd-lstm-lm): its defaults, with what its README gives for WikiText-2.
const paper: typeof part = {
  epochs: 750,
  batchSize: 80,
  timeSteps: 70,
  learningRate: 30,
  embeddingSize: 400,
  hiddenSize: 1150,
  wordDropout: 0.1,
  inputDropout: 0.65,
  hiddenDropout: 0.2,
  outputDropout: 0.4,
  weightDropout: 0.5,
  averageInterval: 5,
};
const same = { clipNorm: 0.25, weightDecay: 1.2e-6, ar: 2, tar: 1 };

const run = startRun('wikitext-2', ['size', 'epochs']);
const size = run.option('size') ?? 'part';
if (size !== 'part' && size !== 'paper') throw new Error(`--size: expected part or paper, received ${size}`);
const chosen = size === 'paper' ? paper : part;
const epochs = Number(run.option('epochs') ?? (run.quick ? 2 : chosen.epochs));
const settings = { ...chosen, ...same, epochs };

const { vocabSize, ...splits } = readWikiText(
  run.folder,
  run.quick ? 10_000 : size === 'paper' ? 'all' : 60_000,
);
const { batchSize, timeSteps } = settings;
const training = languageModelStream({
  tokens: splits.training,
  batchSize,
  timeSteps,
  lengths: 'random',
  seed: run.seed,
  dropLast: false,
});
const stream = (tokens: Int32Array) => languageModelStream({ tokens, batchSize, timeSteps });
run.share({ splits, settings: { ...settings, vocabSize, lengths: lengthsByEpoch() } });

const locked = (rate: number) => dropout({ rate, sharedOverTime: true });
const cell = (hiddenSize: number): LstmDescriptor =>
  lstm({
    hiddenSize,
    weightDropout: settings.weightDropout,
    inputInitializer: torchUniform(),
    recurrentInitializer: torchUniform(),
    biasInitializer: torchUniform(),
  });
await using model = await sequential(
  [
    embedding({
      vocabSize,
      size: settings.embeddingSize,
      dropout: settings.wordDropout,
      initializer: uniform({ low: -0.1, high: 0.1 }),
    }),
    locked(settings.inputDropout),
    cell(settings.hiddenSize),
    locked(settings.hiddenDropout),
    cell(settings.hiddenSize),
    locked(settings.hiddenDropout),
    cell(settings.embeddingSize),
    activationRegularizer({ tar: settings.tar }),
    locked(settings.outputDropout),
    activationRegularizer({ ar: settings.ar }),
    dense({ units: vocabSize, tiedTo: 'embedding' }),
  ],
  { seed: run.seed, threads: run.threads },
);
await model.fit(training, {
  loss: 'crossEntropy',
  optimizer: sgd({
    learningRate: settings.learningRate,
    clip: { globalNorm: settings.clipNorm },
    weightDecay: settings.weightDecay,
    decay: 'coupled',
    average: { kind: 'ntAsgd', interval: settings.averageInterval },
  }),
  metrics: ['perplexity'],
  epochs,
  validationData: stream(splits.validation),
  callbacks: run.watchers,
});

const evaluate = () => model.evaluate(stream(splits.test));
const { loss } = await model.withAveragedWeights(evaluate).catch((error: unknown) => {
  // Averaging has not begun.
  if (error instanceof StateError) return evaluate();
  throw error;
});
run.finish(model, {
  scores: { perplexity: Math.exp(loss) },
  baselines: {
    uniform: vocabSize,
    frequencies: Math.exp(unigramNats(splits.training, splits.test, vocabSize)),
  },
});

/** The lengths of every epoch's batches, for the same model in PyTorch. */
function lengthsByEpoch(): number[][] {
  return Array.from({ length: epochs }, (_, epoch) => {
    const { steps, batch } = training.pass!(epoch);
    return Array.from({ length: steps }, (_one, k) => batch(k).batch.timeSteps);
  });
}
