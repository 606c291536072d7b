import { appendFileSync } from 'node:fs';

/** How far two arrays are apart, and where most. */
export interface Difference {
  /** max |actual - expected| / max |expected|; the plain difference where every expected value is 0. */
  readonly error: number;
  readonly index: number;
  readonly actual: number;
  readonly expected: number;
  /** max |expected| */
  readonly scale: number;
}

export function worstDifference(actual: ArrayLike<number>, expected: ArrayLike<number>): Difference {
  let scale = 0;
  for (let i = 0; i < expected.length; i++) scale = Math.max(scale, Math.abs(expected[i]!));
  let index = 0;
  let distance = -1;
  for (let i = 0; i < expected.length; i++) {
    const here = Math.abs(actual[i]! - expected[i]!);
    if (Number.isNaN(here))
      return { error: Infinity, index: i, actual: actual[i]!, expected: expected[i]!, scale };
    if (here > distance) [index, distance] = [i, here];
  }
  const error = expected.length === 0 ? 0 : distance / (scale === 0 ? 1 : scale);
  return { error, index, actual: actual[index]!, expected: expected[index]!, scale };
}

export interface Comparison {
  /** What is compared, e.g. `dx`. */
  readonly name: string;
  /** Of the normalised error; from `tolerances.ts`. */
  readonly tolerance: number;
  readonly shape?: readonly number[];
  /** The line that runs this comparison again. */
  readonly rerun?: string;
}

/** Throws when the arrays are further apart than the tolerance, naming the worst element. */
export function assertClose(
  actual: ArrayLike<number>,
  expected: ArrayLike<number>,
  { name, tolerance, shape, rerun }: Comparison,
): void {
  const again = rerun === undefined ? '' : `\n  again: ${rerun}`;
  if (actual.length !== expected.length) {
    throw new Error(`${name}: ${expected.length} elements expected, got ${actual.length}${again}`);
  }
  const worst = worstDifference(actual, expected);
  record(name, worst.error, tolerance);
  if (worst.error <= tolerance) return;
  const place = shape === undefined ? `${worst.index}` : coordinates(worst.index, shape).join(', ');
  throw new Error(
    `${name}[${place}] is ${worst.actual}, expected ${worst.expected}: ` +
      `normalised error ${worst.error.toExponential(2)} > ${tolerance.toExponential(2)} ` +
      `(largest expected magnitude ${worst.scale.toExponential(2)})${again}`,
  );
}

/** Throws unless every element at the places where `live` is false is exactly 0. */
export function assertZeroWhere(
  actual: ArrayLike<number>,
  live: (index: number) => boolean,
  { name, rerun }: Pick<Comparison, 'name' | 'rerun'>,
): void {
  for (let i = 0; i < actual.length; i++) {
    if (!live(i) && actual[i] !== 0) {
      const again = rerun === undefined ? '' : `\n  again: ${rerun}`;
      throw new Error(`${name}[${i}] lies beyond its sequence's length and is ${actual[i]}, not 0${again}`);
    }
  }
}

function coordinates(index: number, shape: readonly number[]): number[] {
  const place: number[] = [];
  let rest = index;
  for (const size of [...shape].reverse()) {
    place.unshift(rest % size);
    rest = Math.floor(rest / size);
  }
  return place;
}

/** CUDNN_LSTM_MARGINS=FILE gathers every comparison's name, error and tolerance: the numbers to choose one by. */
function record(name: string, error: number, tolerance: number): void {
  const file = process.env['CUDNN_LSTM_MARGINS'];
  if (file !== undefined)
    appendFileSync(file, `${name} ${error.toExponential(2)} ${tolerance.toExponential(2)}\n`);
}
