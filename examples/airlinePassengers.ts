/**
 * How many passengers next month? The logarithm's changes from month to month are stationary where the numbers are not:
 * a year of them goes in, the next comes out, and forecasts are turned back into passengers. First 96 months to learn from,
 * last 48 to test.
 *
 *   npx tsx --tsconfig tsconfig.build.json examples/airlinePassengers.ts --data FOLDER [--seed 1] [--quick] [--json]
 */
import { adam, dense, lstm, sequential } from 'cudnn-lstm';

import { csvRows } from './support/files.js';
import { linearForecast } from './support/linear.js';
import { startRun } from './support/run.js';
import { standardised, windowsOf } from './support/windows.js';

const run = startRun('series');
const settings = { epochs: run.quick ? 5 : 150, batchSize: 16, learningRate: 0.003 };

const passengers = csvRows(run.folder, 'airline-passengers.csv').map(([, count]) => Number(count));
const changes = passengers.slice(1).map((count, t) => Math.log(count / passengers[t]!));
// Change t leads from month t to month t + 1, so the first 95 lie within the training months.
const scaled = standardised(changes, changes.slice(0, 95));
const options = { lookBack: 12, horizon: 1 };
const training = windowsOf(scaled.values, 0, 95, options);
const test = windowsOf(scaled.values, 95, changes.length, options);
const actual = passengers.slice(96);
const last = passengers.slice(95, -1);
run.share({
  splits: { training, test },
  settings: { ...settings, mean: scaled.mean, deviation: scaled.deviation, actual, last },
});

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

run.finish(model, {
  scores: { rmse: rmse(inPassengers(y.data)) },
  baselines: {
    'last month': rmse(last),
    'same month a year ago': rmse(passengers.slice(96 - 12, -12)),
    linear: rmse(inPassengers(linearForecast(training, test))),
  },
});

function inPassengers(forecast: ArrayLike<number>): number[] {
  return Array.from(forecast, (change, n) => last[n]! * Math.exp(change * scaled.deviation + scaled.mean));
}

function rmse(forecast: readonly number[]): number {
  const squares = forecast.map((value, n) => (value - actual[n]!) ** 2);
  return Math.sqrt(squares.reduce((a, b) => a + b, 0) / squares.length);
}
