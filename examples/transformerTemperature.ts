/**
 * The oil temperature of a power transformer, hour by hour: four days in, the next 24 to 720 hours out at once. Split and
 * scaling are those of Informer (Zhou et al. 2021): 12 months to learn from, 4 to watch, 4 to test. The model sees each window
 * relative to its last value, so it starts from "nothing changes" and learns what does.
 *
 *   npx tsx --tsconfig tsconfig.build.json examples/transformerTemperature.ts --data FOLDER [--horizon 24] [--seed 1] [--quick] [--json]
 */
import { adam, dense, earlyStopping, lstm, sequential } from 'cudnn-lstm';

import { csvRows } from './support/files.js';
import { linearForecast } from './support/linear.js';
import { startRun } from './support/run.js';
import {
  absoluteError,
  repeatLast,
  seasonalNaive,
  squaredError,
  standardised,
  windowsOf,
} from './support/windows.js';

const run = startRun('series', ['horizon']);
const settings = { epochs: run.quick ? 1 : 3, batchSize: 64, learningRate: 0.001, keepBest: true };

const month = 30 * 24;
const oilTemperature = csvRows(run.folder, 'ETTh1.csv').map((fields) => Number(fields[7]));
const scaled = standardised(oilTemperature, oilTemperature.slice(0, 12 * month));
const options = { lookBack: 96, horizon: Number(run.option('horizon') ?? 24), relative: true };
const training = windowsOf(scaled.values, 0, run.quick ? 2 * month : 12 * month, options);
const validation = windowsOf(scaled.values, 12 * month, 16 * month, options);
const test = windowsOf(scaled.values, 16 * month, 20 * month, options);
run.share({ splits: { training, validation, test }, settings: { ...settings, horizon: options.horizon } });

await using model = await sequential(
  [lstm({ hiddenSize: 64, returnSequences: false }), dense({ units: options.horizon })],
  { inputSize: 1, seed: run.seed, threads: run.threads },
);
await model.fit(training, {
  loss: 'mse',
  optimizer: adam({ learningRate: settings.learningRate }),
  epochs: settings.epochs,
  batchSize: settings.batchSize,
  validationData: validation,
  callbacks: [...run.watchers, earlyStopping({ patience: settings.epochs, restoreBest: true })],
});
const { y } = await model.predict(test.x, { batchSize: 256 });

run.finish(model, {
  scores: { mse: squaredError(test, y.data), mae: absoluteError(test, y.data) },
  baselines: {
    'last value': squaredError(test, repeatLast(test)),
    'a day before': squaredError(test, seasonalNaive(test, 24)),
    linear: squaredError(test, linearForecast(training, test)),
  },
});
