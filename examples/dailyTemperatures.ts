/**
 * How cold will tomorrow's night be? Melbourne's daily minimum over ten years: 30 days in, the next one out. First eight
 * years to learn from, last two to test; scaled by the first eight alone.
 *
 *   npx tsx --tsconfig tsconfig.build.json examples/dailyTemperatures.ts --data FOLDER [--seed 1] [--quick] [--json]
 */
import { adam, dense, lstm, sequential } from 'cudnn-lstm';

import { csvRows } from './support/files.js';
import { linearForecast } from './support/linear.js';
import { startRun } from './support/run.js';
import { repeatLast, seasonalNaive, squaredError, standardised, windowsOf } from './support/windows.js';

const run = startRun('series');
const settings = { epochs: run.quick ? 1 : 15, batchSize: 32, learningRate: 0.002 };

const boundary = 8 * 365;
const degrees = csvRows(run.folder, 'daily-min-temperatures.csv').map(([, value]) => Number(value));
const scaled = standardised(degrees, degrees.slice(0, boundary));
const options = { lookBack: 30, horizon: 1 };
const training = windowsOf(scaled.values, 0, run.quick ? 365 : boundary, options);
const test = windowsOf(scaled.values, boundary, degrees.length, options);
run.share({ splits: { training, test }, settings: { ...settings, deviation: scaled.deviation } });

await using model = await sequential(
  [lstm({ hiddenSize: 32, returnSequences: false }), dense({ units: 1 })],
  {
    inputSize: 1,
    seed: run.seed,
    threads: run.threads,
  },
);
await model.fit(training, {
  loss: 'mse',
  optimizer: adam({ learningRate: settings.learningRate }),
  epochs: settings.epochs,
  batchSize: settings.batchSize,
  callbacks: run.watchers,
});
const { y } = await model.predict(test.x);

const yearBack = windowsOf(scaled.values, boundary, degrees.length, { lookBack: 365, horizon: 1 });
run.finish(model, {
  scores: { rmse: rmse(y.data) },
  baselines: {
    'the day before': rmse(repeatLast(test)),
    'a year before': rmse(seasonalNaive(yearBack, 365)),
    linear: rmse(linearForecast(training, test)),
  },
});

/** In degrees. */
function rmse(forecast: ArrayLike<number>): number {
  return Math.sqrt(squaredError(test, forecast)) * scaled.deviation;
}
