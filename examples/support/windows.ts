import type { Tensor } from 'cudnn-lstm';

/** Windows of one series: what is known, and what follows. */
export interface Windows {
  /** [N, lookBack, 1] */
  readonly x: Tensor;
  /** [N, horizon] */
  readonly y: Tensor;
}

export interface WindowOptions {
  readonly lookBack: number;
  readonly horizon: number;
  /** Subtract each window's last known value from all of its values, so that the model learns what changes. */
  readonly relative?: boolean;
}

/** Every window whose values to predict lie from place `from` to before place `to`; what is known may lie before `from`. */
export function windowsOf(
  series: ArrayLike<number>,
  from: number,
  to: number,
  { lookBack, horizon, relative = false }: WindowOptions,
): Windows {
  const first = Math.max(from, lookBack);
  const count = to - horizon - first + 1;
  const x = new Float32Array(count * lookBack);
  const y = new Float32Array(count * horizon);
  for (let n = 0; n < count; n++) {
    const start = first + n;
    const base = relative ? series[start - 1]! : 0;
    for (let t = 0; t < lookBack; t++) x[n * lookBack + t] = series[start - lookBack + t]! - base;
    for (let h = 0; h < horizon; h++) y[n * horizon + h] = series[start + h]! - base;
  }
  return { x: { data: x, shape: [count, lookBack, 1] }, y: { data: y, shape: [count, horizon] } };
}

/** A series' own mean and standard deviation (of the population), and the series with mean 0 and deviation 1. */
export function standardised(series: readonly number[], training: readonly number[]) {
  const mean = training.reduce((a, b) => a + b, 0) / training.length;
  const variance = training.reduce((sum, value) => sum + (value - mean) ** 2, 0) / training.length;
  const deviation = Math.sqrt(variance);
  return { mean, deviation, values: series.map((value) => (value - mean) / deviation) };
}

/** Forecasts [N, horizon] that repeat, relative to each window, the value one season before. */
export function seasonalNaive({ x, y }: Windows, period: number): Float64Array {
  const [count, horizon] = y.shape as [number, number];
  const lookBack = x.shape[1]!;
  const forecast = new Float64Array(count * horizon);
  for (let n = 0; n < count; n++) {
    for (let h = 0; h < horizon; h++) {
      forecast[n * horizon + h] = x.data[(n + 1) * lookBack - period + (h % period)]!;
    }
  }
  return forecast;
}

/** Forecasts [N, horizon] of the last known value. */
export function repeatLast(windows: Windows): Float64Array {
  return seasonalNaive(windows, 1);
}

/** Mean of squared differences from the windows' y. */
export function squaredError({ y }: Windows, forecast: ArrayLike<number>): number {
  return meanOver(y, forecast, (d) => d * d);
}

/** Mean of absolute differences from the windows' y. */
export function absoluteError({ y }: Windows, forecast: ArrayLike<number>): number {
  return meanOver(y, forecast, Math.abs);
}

function meanOver(y: Tensor, forecast: ArrayLike<number>, of: (difference: number) => number): number {
  let sum = 0;
  for (let i = 0; i < forecast.length; i++) sum += of(forecast[i]! - y.data[i]!);
  return sum / forecast.length;
}
