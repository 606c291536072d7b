import type { DataTable } from '../data/table.js';
import { fitColumns } from './fit.js';
import { FittedSeries, type WindowData } from './fittedSeries.js';
import { resolveSeriesOptions, type ResolvedSeriesOptions, type SeriesOptions } from './options.js';
import { placeNumber, readSeries, type Place } from './seriesRows.js';
import {
  foldPlaces,
  splitPlaces,
  type PlaceRange,
  type SeriesFoldOptions,
  type SeriesPlaces,
  type SeriesSplitOptions,
} from './split.js';

/** What `split` gives. */
export interface SeriesSplit {
  /** Fitted on the training part alone. */
  readonly series: FittedSeries;
  readonly train: WindowData;
  /** Where `validation` asked for it. */
  readonly validation: WindowData | undefined;
  /** Where `test` asked for it. */
  readonly test: WindowData | undefined;
  /** Where the targets of each part lie, as `windows` and `forecast` take it. */
  readonly places: SeriesPlaces;
}

/** A fold of forward chaining. */
export interface SeriesFold {
  /** Fitted on this fold's training part alone. */
  readonly series: FittedSeries;
  readonly train: WindowData;
  readonly validation: WindowData;
  readonly places: { readonly train: PlaceRange; readonly validation: PlaceRange };
}

/** How a table of time series becomes windows: made by {@link timeSeries}. */
export interface TimeSeries {
  readonly options: ResolvedSeriesOptions;
  /**
   * Learns scalers and means from a table: from all of it, or from what lies before `to`.
   *
   * @throws DataError
   */
  fit(table: DataTable, range?: { readonly to?: Place | undefined }): FittedSeries;
  /**
   * Splits a table by time, fits on the training part and cuts the windows of each part. The targets of each part are
   * its own; validation and test windows look back over what lies before them.
   *
   * @throws ConfigError, DataError
   */
  split(table: DataTable, options: SeriesSplitOptions): SeriesSplit;
  /**
   * Folds of forward chaining: validation parts that follow each other to the table's end, each with what lies before it to
   * train on, as scikit-learn's TimeSeriesSplit. They are made one by one, as they are asked for.
   *
   * @throws ConfigError, DataError
   */
  folds(table: DataTable, options: SeriesFoldOptions): Iterable<SeriesFold>;
}

/**
 * Windows of time series for forecasting: scaled with the training part's statistics, missing values filled by what was
 * known, calendar channels added. A forecast at a step sees that step and `lookBack - 1` before it, and gives the
 * `horizon` steps after it.
 *
 * @throws ConfigError
 * @example
 * ```ts
 * const passengers = timeSeries({ lookBack: 12, targets: 'passengers', scaler: 'log', difference: 'previous' });
 * const { series, train, validation } = passengers.split(table, { validation: 48 });
 * const model = await sequential([lstm({ hiddenSize: 32, returnSequences: false }), dense({ units: series.outputSize })], {
 *   inputSize: series.inputSize,
 *   series,
 * });
 * await model.fit(train, { loss: 'mse', epochs: 100, validationData: validation });
 * const { y } = await forecast(model, table); // passengers of the month after the table's last
 * ```
 */
export function timeSeries(options: SeriesOptions): TimeSeries {
  const resolved = resolveSeriesOptions(options);
  return Object.freeze({
    options: resolved,
    fit(table: DataTable, range: { readonly to?: Place | undefined } = {}): FittedSeries {
      const read = readSeries(table, resolved);
      const to = range.to === undefined ? read.length : placeNumber(range.to, 'to', read);
      return new FittedSeries(resolved, fitColumns(read, to, resolved));
    },
    split(table: DataTable, splitOptions: SeriesSplitOptions): SeriesSplit {
      const read = readSeries(table, resolved);
      const places = splitPlaces(read.length, splitOptions);
      const series = new FittedSeries(resolved, fitColumns(read, places.train.to, resolved));
      return Object.freeze({
        series,
        places,
        train: series.windows(table, places.train),
        validation: places.validation && series.windows(table, places.validation),
        test: places.test && series.windows(table, places.test),
      });
    },
    *folds(table: DataTable, foldOptions: SeriesFoldOptions): Iterable<SeriesFold> {
      const read = readSeries(table, resolved);
      for (const places of foldPlaces(read.length, foldOptions)) {
        const series = new FittedSeries(resolved, fitColumns(read, places.train.to, resolved));
        yield Object.freeze({
          series,
          places,
          train: series.windows(table, places.train),
          validation: series.windows(table, places.validation),
        });
      }
    },
  });
}
