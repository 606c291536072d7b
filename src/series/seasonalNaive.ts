import { settings, whole } from '../config/fields.js';
import { parseOptions } from '../config/parseConfig.js';
import type { DataTable } from '../data/table.js';
import { DataError } from '../errors.js';
import type { FittedSeries, SeriesRange } from './fittedSeries.js';
import { forecastOf, type Forecast } from './forecast.js';
import { readSeries } from './seriesRows.js';
import { SeriesWindows } from './windows.js';

/** What {@link seasonalNaive} takes beside series and table. */
export interface SeasonalNaiveOptions extends SeriesRange {
  /** Steps of a season; 1 repeats the last value. Default 1. */
  readonly season?: number | undefined;
}

const seasonSchema = settings({ season: whole(1).default(1) });

/**
 * The baseline that learns nothing: each step ahead is what the same step of the last season seen was,
 * ŷ(t + h) = v(t + h - m * ceil(h / m)) with a season of m steps (Hyndman and Athanasopoulos, "Forecasting: principles and
 * practice", 3rd edition, 5.2). For a missing value the one a season before stands, and so on. The same windows, in the
 * same form, as {@link forecast} of the same range.
 *
 * @throws ConfigError; DataError as `forecast`, and where no value of the season was seen.
 * @example
 * ```ts
 * const naive = await seasonalNaive(series, table, { season: 24, ...places.test });
 * meanAbsoluteError(naive.actual.data, naive.y.data);
 * ```
 */
export function seasonalNaive(
  series: FittedSeries,
  table: DataTable,
  options: SeasonalNaiveOptions = {},
): Forecast {
  const { from, to, ...rest } = options;
  const { season } = parseOptions(seasonSchema, rest, 'seasonalNaive');
  const windows = new SeriesWindows(series, readSeries(table, series.options));
  const origins = windows.originsOf({ from, to });
  const { horizon, targets } = series.options;
  const y = new Float64Array(origins.length * series.outputSize);
  origins.forEach((origin, index) => {
    const { values } = windows.seriesOf(origin);
    for (let h = 1; h <= horizon; h++) {
      const step = origin.step + h - season * Math.ceil(h / season);
      targets.forEach((name, k) => {
        const at = index * series.outputSize + (h - 1) * targets.length + k;
        y[at] = lastSeen(values[name]!, step, season, name);
      });
    }
  });
  return forecastOf(series, windows, origins, y);
}

function lastSeen(values: Float64Array, step: number, season: number, name: string): number {
  for (let at = step; at >= 0; at -= season) if (!Number.isNaN(values[at]!)) return values[at]!;
  const expected = `a value one season of ${season} steps back, or more seasons`;
  throw new DataError(`column '${name}': expected ${expected}, received none`, {
    name,
    expected,
    received: step,
  });
}
