/** Maps values to a length in pixels, with the values that are marked. */
export interface Axis {
  readonly ticks: readonly number[];
  /** From 0 at the axis' low end to `length` at its high end. */
  place(value: number): number;
}

/** An axis from the lowest to the highest value, widened to whole ticks: 1, 2 or 5 times a power of ten. */
export function linearAxis(values: readonly number[], length: number, count: number): Axis {
  const [low, high] = extent(values);
  const size = tickSize(high - low, count);
  const from = Math.floor(low / size + 1e-9);
  const to = Math.max(Math.ceil(high / size - 1e-9), from + 1);
  const ticks = Array.from({ length: to - from + 1 }, (_, i) => (from + i) * size);
  return { ticks, place: (value) => ((value / size - from) / (to - from)) * length };
}

/** The same on a logarithmic scale, for values above 0: whole powers of ten. */
export function logAxis(values: readonly number[], length: number, count: number): Axis {
  const { ticks, place } = linearAxis(values.map(Math.log10), length, count);
  const whole = ticks.filter((tick) => Math.abs(tick - Math.round(tick)) < 1e-9);
  return { ticks: whole.map((tick) => 10 ** Math.round(tick)), place: (value) => place(Math.log10(value)) };
}

/** Epochs: whole numbers from the first to the last, as many of them as there is room for. */
export function epochAxis(first: number, last: number, length: number, count: number): Axis {
  const size = Math.max(1, tickSize(last - first, count));
  const from = Math.ceil(first / size);
  const ticks = Array.from({ length: Math.floor(last / size) - from + 1 }, (_, i) => (from + i) * size);
  const span = last - first;
  return { ticks, place: (value) => (span === 0 ? length / 2 : ((value - first) / span) * length) };
}

/** A tick's value as short as it can be read. */
export function tickText(value: number): string {
  const rounded = Number(value.toPrecision(6));
  const size = Math.abs(rounded);
  return size !== 0 && (size < 1e-3 || size >= 1e5)
    ? rounded.toExponential().replace('e+', 'e')
    : String(rounded);
}

function tickSize(span: number, count: number): number {
  const rough = span / count;
  if (!(rough > 0)) return 1;
  const power = 10 ** Math.floor(Math.log10(rough));
  return power * ([1, 2, 5].find((factor) => factor * power >= rough * (1 - 1e-9)) ?? 10);
}

// A level line is drawn in the middle of the axis.
function extent(values: readonly number[]): [number, number] {
  const low = values.reduce((a, b) => Math.min(a, b), Infinity);
  const high = values.reduce((a, b) => Math.max(a, b), -Infinity);
  if (high > low) return [low, high];
  const margin = Math.abs(low) / 2 || 1;
  return [low - margin, high + margin];
}
