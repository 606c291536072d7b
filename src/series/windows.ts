import type { Tensor } from '../data/tensor.js';
import { DataError } from '../errors.js';
import { makeChannels, type Channel } from './channels.js';
import { FilledColumn, requireValues } from './filled.js';
import type { FittedSeries, SeriesRange, WindowData } from './fittedSeries.js';
import { numericColumns } from './options.js';
import { valueOf } from './scaler.js';
import { placeNumber, type OneSeries, type SeriesTable } from './seriesRows.js';

/** Where a forecast is made: the series, and its step that is the last one known. */
export interface Origin {
  readonly series: number;
  readonly step: number;
}

/** Windows of a table that was read: x, y, and what turns outputs back into values. */
export class SeriesWindows {
  readonly #fitted: FittedSeries;
  readonly #table: SeriesTable;
  readonly #columns: readonly Readonly<Record<string, FilledColumn>>[];
  readonly #channels: readonly (readonly Channel[])[];

  /** @throws DataError for a value without logarithm under `log`. */
  constructor(fitted: FittedSeries, table: SeriesTable) {
    const { options, columns } = fitted;
    this.#fitted = fitted;
    this.#table = table;
    this.#columns = table.series.map((one) =>
      Object.fromEntries(
        numericColumns(options).map((name) => [
          name,
          new FilledColumn(one, name, options.missing[name]!, columns[name]!),
        ]),
      ),
    );
    const scalers = Object.fromEntries(
      Object.entries(columns).map(([name, { scaler }]) => [name, scaler] as const),
    );
    this.#channels = this.#columns.map((own, index) =>
      makeChannels(options, { columns: own, scalers, times: table.series[index]!.times }),
    );
  }

  /** The series of an origin. */
  seriesOf({ series }: Origin): OneSeries {
    return this.#table.series[series]!;
  }

  /**
   * Where the windows of a range stand, series after series, every `stride` steps; without those that miss a target.
   *
   * @throws DataError where there is none, for a place that is none, for a missing target under `error`.
   */
  origins(range: SeriesRange): Origin[] {
    const { horizon, stride } = this.#fitted.options;
    const from = range.from === undefined ? 0 : placeNumber(range.from, 'from', this.#table);
    const to = range.to === undefined ? this.#table.length : placeNumber(range.to, 'to', this.#table);
    const found: Origin[] = [];
    this.#table.series.forEach(({ places }, series) => {
      const first = Math.max(this.#firstStep(), firstFrom(places, from) - 1);
      const end = firstFrom(places, to) - horizon;
      for (let step = first; step < end; step += stride) {
        if (this.#hasTargets(series, step)) found.push({ series, step });
      }
    });
    if (found.length === 0) throw this.#noWindow(`targets from place ${from} to ${to}`);
    return found;
  }

  /**
   * The last step of each series that a forecast can be made at: its last one, or with known columns `horizon` before.
   *
   * @throws DataError for a series that is too short.
   */
  lastOrigins(): Origin[] {
    const { known, horizon } = this.#fitted.options;
    const ahead = known.length > 0 ? horizon : 0;
    return this.#table.series.map(({ rows }, series) => {
      const step = rows.length - 1 - ahead;
      if (step < this.#firstStep()) throw this.#noWindow('its last step', series);
      return { series, step };
    });
  }

  /** {@link origins} of a range, or without one {@link lastOrigins}. */
  originsOf(range: SeriesRange): Origin[] {
    return range.from === undefined && range.to === undefined ? this.lastOrigins() : this.origins(range);
  }

  /** x and y of windows. */
  gather(origins: readonly Origin[]): WindowData {
    const { outputSize } = this.#fitted;
    const y = new Float32Array(origins.length * outputSize);
    origins.forEach((origin, window) => this.#writeTargets(origin, y, window * outputSize));
    return { x: this.inputs(origins), y: { data: y, shape: [origins.length, outputSize] } };
  }

  /** x of windows. */
  inputs(origins: readonly Origin[]): Tensor<Float32Array> {
    const { timeSteps, inputSize } = this.#fitted;
    const x = new Float32Array(origins.length * timeSteps * inputSize);
    origins.forEach((origin, window) => this.#writeInputs(origin, x, window * timeSteps * inputSize));
    return { data: x, shape: [origins.length, timeSteps, inputSize] };
  }

  /** What a window's steps ahead really were, [horizon * targets], NaN where that is not known. */
  actual({ series, step }: Origin): Float64Array {
    const { horizon, targets } = this.#fitted.options;
    const { values } = this.#table.series[series]!;
    return Float64Array.from({ length: horizon * targets.length }, (_, index) => {
      const at = step + 1 + Math.floor(index / targets.length);
      return values[targets[index % targets.length]!]![at] ?? Number.NaN;
    });
  }

  /** Outputs [horizon * targets] of the window at an origin in the units of the table. */
  restore({ series, step }: Origin, outputs: ArrayLike<number>): Float64Array {
    const { options, columns } = this.#fitted;
    const { targets, difference, horizon } = options;
    const restored = new Float64Array(horizon * targets.length);
    targets.forEach((name, k) => {
      const { kind, center, scale } = columns[name]!.scaler;
      const anchor = this.#columns[series]![name]!.lastLevel(step);
      let level = anchor;
      for (let index = k; index < restored.length; index += targets.length) {
        const above = outputs[index]! * scale;
        if (difference === 'none') level = above + center;
        else if (difference === 'last') level = anchor + above;
        else level += above + center;
        restored[index] = valueOf(kind, level);
      }
    });
    return restored;
  }

  // A difference from the step before needs one step more.
  #firstStep(): number {
    const { lookBack, difference } = this.#fitted.options;
    return difference === 'previous' ? lookBack : lookBack - 1;
  }

  #hasTargets(series: number, step: number): boolean {
    const { targets, horizon, missing } = this.#fitted.options;
    const one = this.#table.series[series]!;
    return targets.every((name) => {
      if (missing[name] === 'error') requireValues(one, name, step + 1, step + 1 + horizon);
      return !one.values[name]!.subarray(step + 1, step + 1 + horizon).some(Number.isNaN);
    });
  }

  #writeTargets({ series, step }: Origin, y: Float32Array, start: number): void {
    const { options, columns } = this.#fitted;
    const { targets, difference, horizon } = options;
    targets.forEach((name, k) => {
      const column = this.#columns[series]![name]!;
      const { center, scale } = columns[name]!.scaler;
      const anchor = column.lastLevel(step);
      let previous = anchor;
      for (let h = 0; h < horizon; h++) {
        const level = column.level(step + 1 + h, step + 1 + h);
        const base = difference === 'none' ? center : difference === 'last' ? anchor : previous + center;
        y[start + h * targets.length + k] = (level - base) / scale;
        previous = level;
      }
    });
  }

  #writeInputs({ series, step: now }: Origin, x: Float32Array, start: number): void {
    const { timeSteps, inputSize, options } = this.#fitted;
    const first = now + 1 - options.lookBack;
    const last = first + timeSteps - 1;
    this.#channels[series]!.forEach((channel, c) => {
      for (let t = 0; t < timeSteps; t++) x[start + t * inputSize + c] = channel(first + t, now, last);
    });
  }

  #noWindow(where: string, series?: number): DataError {
    const { lookBack, horizon } = this.#fitted.options;
    const chosen = series === undefined ? this.#table.series : [this.#table.series[series]!];
    const longest = chosen.reduce((most, { rows }) => Math.max(most, rows.length), 0);
    const id = series === undefined ? undefined : chosen[0]!.id;
    const of = id === undefined ? '' : ` of series '${id}'`;
    const expected = `a window${of} of ${this.#firstStep() + 1} steps back and ${horizon} ahead, with ${where}`;
    const received = `${longest} steps`;
    return new DataError(`table: expected ${expected}, received ${received}`, {
      name: 'table',
      expected,
      received,
      lookBack,
      horizon,
    });
  }
}

/** The first step whose place is `from` or later. */
function firstFrom(places: Float64Array, from: number): number {
  const step = places.findIndex((place) => place >= from);
  return step < 0 ? places.length : step;
}
