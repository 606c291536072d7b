// Compiled, never run: what is right is accepted, and each @ts-expect-error that what is wrong is not.
import {
  dataTable,
  dense,
  forecast,
  type FittedSeries,
  leastSquares,
  type Loss,
  lstm,
  seasonalNaive,
  sequential,
  timeSeries,
  type Vocabulary,
} from '../../src/index.js';

type Equal<A, B> = (<T>() => T extends A ? 1 : 2) extends <T>() => T extends B ? 1 : 2 ? true : false;
function same<A, B>(_proof: Equal<A, B>): void {}

const table = dataTable({ time: ['2024-01', '2024-02'], load: Float64Array.of(1, 2), price: [3, 4] });

export async function accepted(): Promise<void> {
  const descriptor = timeSeries({
    lookBack: 24,
    targets: ['load'],
    known: ['price', 'time'],
    time: 'time',
    calendar: ['month'],
    scaler: { load: 'log' },
    missing: { load: 'linear', price: 0 },
  });
  const { series, train, validation } = descriptor.split(table, { validation: 0.2, gap: 1 });
  await using model = await sequential(
    [lstm({ hiddenSize: 4, returnSequences: false }), dense({ units: 2 })],
    {
      inputSize: series.inputSize,
      series,
      labels: ['a', 'b'],
    },
  );
  await model.fit(train, { loss: 'mse', validationData: validation });
  const { y, quantiles } = await forecast(model, table, { from: '2024-02', to: new Date(0) });
  same<typeof y.data, Float64Array>(true);
  void quantiles?.shape;
  await forecast(leastSquares(train, { series }), table);
  void seasonalNaive(series, table, { season: 12 }).actual;
  same<typeof model.series, FittedSeries | undefined>(true);
  same<typeof model.loss, Loss | undefined>(true);
  same<typeof model.vocabulary, Vocabulary | undefined>(true);
  same<typeof model.labels, readonly string[] | undefined>(true);
}

export function refused(): void {
  // @ts-expect-error: no look-back
  timeSeries({ targets: 'load' });
  // @ts-expect-error: no such scaler
  timeSeries({ lookBack: 1, targets: 'load', scaler: 'zscore' });
  // @ts-expect-error: a calendar has no minutes
  timeSeries({ lookBack: 1, targets: 'load', calendar: ['minute'] });
  // @ts-expect-error: a column is a list
  dataTable({ load: 5 });
  // @ts-expect-error: options are no fitted series
  void sequential([], { series: timeSeries({ lookBack: 1, targets: 'load' }) });
}
