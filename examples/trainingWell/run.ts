/**
 * Trains the small models behind docs/training-well.md and draws its plots.
 *
 *   npx tsx --tsconfig tsconfig.build.json examples/trainingWell/run.ts --data FOLDER [--out docs/training-well] [--only NAME]
 *
 * FOLDER holds `sst2/{train,dev}.txt` (sentences and labels of SST-2) and `tinyshakespeare/input.txt`.
 */
import { mkdirSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { parseArgs } from 'node:util';
import {
  adagrad,
  adam,
  adamW,
  cosineDecay,
  oneCycle,
  reduceOnPlateau,
  rmsprop,
  sgd,
  type History,
  type OptimizerInput,
} from 'cudnn-lstm';
import { characterModel, characters, lossCurve } from './characters.js';
import { lineChart, type Line, type LineChart } from './lineChart.js';
import { sentiment, trainSentiment, type Trial } from './sentiment.js';

const { values: options } = parseArgs({
  options: {
    data: { type: 'string' },
    out: { type: 'string', default: 'docs/training-well' },
    only: { type: 'string' },
  },
});
if (options.data === undefined) throw new Error('--data FOLDER is needed');
const words = sentiment(options.data);
const text = characters(options.data);
mkdirSync(options.out, { recursive: true });

const experiments: Readonly<Record<string, () => Promise<LineChart>>> = {
  async overfitting() {
    const history = await trainSentiment(words, { hiddenSize: 128, epochs: 10 });
    const lines = [line('training', history, 'loss'), line('validation', history, 'valLoss')];
    return perEpoch('A model without regularization learns its training data by heart', 'loss', lines);
  },

  regularization: () =>
    compare('What holds over-fitting back (loss on the validation data)', {
      none: {},
      'dropout 0.5': { dropout: 0.5 },
      'word dropout 0.3': { wordDropout: 0.3 },
      'dropout of R 0.5': { weightDropout: 0.5 },
      'weight decay 0.1': { optimizer: adamW({ weightDecay: 0.1 }) },
      'all of them': {
        dropout: 0.5,
        wordDropout: 0.3,
        weightDropout: 0.5,
        optimizer: adamW({ weightDecay: 0.1 }),
      },
    }),

  size: () =>
    compare(
      'Hidden size, with dropout 0.5 (loss on the validation data)',
      Object.fromEntries(
        [8, 32, 128, 256].map((hiddenSize) => [`H ${hiddenSize}`, { hiddenSize, dropout: 0.5 }]),
      ),
    ),

  batchSize: () =>
    compare(
      'Batch size at one learning rate (loss on the validation data)',
      Object.fromEntries(
        [8, 32, 128, 512].map((batchSize) => [`batch ${batchSize}`, { batchSize, dropout: 0.5 }]),
      ),
    ),

  async rangeTest() {
    await using model = await characterModel(text.vocabSize);
    const search = await model.findLearningRate(text.stream, { loss: 'crossEntropy', from: 1e-5, to: 10 });
    console.log(`  suggestion ${search.suggestion?.toPrecision(2)}`);
    return {
      title: 'Learning-rate range test of the character model (Adam)',
      xName: 'learning rate',
      yName: 'loss',
      logX: true,
      yRange: [2, 6],
      lines: [
        { name: 'smoothed', points: search.points.map((p) => [p.learningRate, p.smoothed]) },
        { name: 'of each batch', points: search.points.map((p) => [p.learningRate, p.loss]), dashed: true },
      ],
    };
  },

  learningRate: () =>
    perStep('The learning rate of Adam (character model, training loss)', {
      '0.0001': adam({ learningRate: 1e-4, clip: { globalNorm: 1 } }),
      '0.001': adam({ learningRate: 1e-3, clip: { globalNorm: 1 } }),
      '0.01': adam({ learningRate: 1e-2, clip: { globalNorm: 1 } }),
      '0.1': adam({ learningRate: 0.1, clip: { globalNorm: 1 } }),
    }),

  clipping: () =>
    perStep('Clipping, gradient descent at a rate of 5 (character model, training loss)', {
      none: sgd({ learningRate: 5 }),
      'global norm 1': sgd({ learningRate: 5, clip: { globalNorm: 1 } }),
      'global norm 0.25': sgd({ learningRate: 5, clip: { globalNorm: 0.25 } }),
      'adaptive 0.01': sgd({ learningRate: 5, clip: { adaptive: 0.01 } }),
    }),

  optimizers: () =>
    perStep('Optimizers, each near its best rate (character model, training loss)', {
      'SGD 5': sgd({ learningRate: 5, clip: { globalNorm: 1 } }),
      'Nesterov 0.5': sgd({ learningRate: 0.5, momentum: 0.9, nesterov: true, clip: { globalNorm: 1 } }),
      'Adagrad 0.05': adagrad({ learningRate: 0.05 }),
      'RMSprop 0.003': rmsprop({ learningRate: 3e-3 }),
      'Adam 0.005': adam({ learningRate: 5e-3 }),
    }),

  schedules: () =>
    compare('Schedules of the learning rate (loss on the validation data)', {
      'constant 0.003': { optimizer: adam({ learningRate: 3e-3 }), dropout: 0.5 },
      cosine: { optimizer: adam({ learningRate: cosineDecay({ initial: 3e-3 }) }), dropout: 0.5 },
      'one cycle': { optimizer: adam({ learningRate: oneCycle({ max: 6e-3 }) }), dropout: 0.5 },
      'on a plateau': {
        optimizer: adam({ learningRate: reduceOnPlateau({ initial: 3e-3, factor: 0.3, patience: 0 }) }),
        dropout: 0.5,
      },
    }),
};

async function compare(title: string, trials: Readonly<Record<string, Trial>>): Promise<LineChart> {
  const lines: Line[] = [];
  for (const [name, trial] of Object.entries(trials)) {
    const history = await trainSentiment(words, trial);
    const { accuracy, loss } = bestOf(history);
    const seconds = history.epochs.reduce((sum, epoch) => sum + epoch.seconds, 0);
    console.log(
      `  ${name}: best validation loss ${loss.toFixed(3)}, accuracy ${accuracy.toFixed(3)}, ${seconds.toFixed(1)} s`,
    );
    lines.push(line(name, history, 'valLoss'));
  }
  return { ...perEpoch(title, 'loss', lines), yRange: [0.4, 1] };
}

function bestOf({ epochs }: History) {
  const values = epochs.map((epoch) => ({
    loss: valueOf(epoch, 'valLoss'),
    accuracy: valueOf(epoch, 'valAccuracy'),
  }));
  return values.reduce((best, epoch) => (epoch.loss < best.loss ? epoch : best));
}

function line(name: string, { epochs }: History, value: string): Line {
  return { name, points: epochs.map((epoch) => [epoch.epoch, valueOf(epoch, value)]) };
}

function valueOf(epoch: object, name: string): number {
  return (epoch as Record<string, number>)[name] ?? Number.NaN;
}

function perEpoch(title: string, yName: string, lines: readonly Line[]): LineChart {
  return { title, xName: 'epoch', yName, lines };
}

async function perStep(title: string, trials: Readonly<Record<string, OptimizerInput>>): Promise<LineChart> {
  const lines: Line[] = [];
  for (const [name, optimizer] of Object.entries(trials)) {
    const points = await lossCurve(text, optimizer);
    console.log(`  ${name}: loss at the end ${points.at(-1)![1].toFixed(3)}`);
    lines.push({ name, points });
  }
  return { title, xName: 'step', yName: 'loss', lines, yRange: [1.5, 4.5] };
}

for (const [name, experiment] of Object.entries(experiments)) {
  if (options.only !== undefined && options.only !== name) continue;
  console.log(name);
  const chart = await experiment();
  if (name === 'overfitting') {
    for (const { name: which, points } of chart.lines)
      console.log(`  ${which}: ${points.map(([, y]) => y.toFixed(3)).join(' ')}`);
  }
  writeFileSync(join(options.out, `${name}.svg`), lineChart(chart));
}
