import { describe, shapeText } from '../config/describe.js';
import { DataError, ShapeError } from '../errors.js';
import { checkTensor, type Tensor } from './tensor.js';

/**
 * The different names of a column, in the order of their UTF-16 code units: class k is the k-th of them.
 *
 * @throws DataError for an empty column, or an element that is no text.
 * @example
 * ```ts
 * const labels = classLabels(['spam', 'ham', 'spam']); // ['ham', 'spam']
 * ```
 */
export function classLabels(names: readonly string[]): readonly string[] {
  names.forEach((name, row) => {
    if (typeof name !== 'string' || name === '') throw wrongName(row, 'the name of a class', name);
  });
  if (names.length === 0) throw wrongName(0, 'at least one name', undefined);
  return Object.freeze([...new Set(names)].sort((a, b) => (a < b ? -1 : Number(a > b))));
}

/**
 * The class ids of names, as `crossEntropy` takes them.
 *
 * @throws DataError for a name that is no label, with its row.
 */
export function labelIds(names: readonly string[], labels: readonly string[]): Int32Array {
  const ids = new Map(labels.map((label, id) => [label, id]));
  return Int32Array.from(names, (name, row) => {
    const id = ids.get(name);
    if (id !== undefined) return id;
    throw wrongName(row, `one of ${labels.length} labels`, name);
  });
}

/**
 * The name of the likeliest class of each row; of equal ones the first. A single output is the probability of the second
 * of two labels, which 0.5 is enough for.
 *
 * @param y [N, K] scores or probabilities as `predict` gives them, or [N, 1] probabilities.
 * @param labels K names, or two for a single output: `model.labels`.
 * @throws ShapeError where the two do not fit.
 * @example
 * ```ts
 * const { y } = await model.predict(x);
 * labelNames(y, model.labels!); // ['ham', 'spam', ...]
 * ```
 */
export function labelNames(y: Tensor, labels: readonly string[]): string[] {
  const { data, shape } = checkTensor(y, 'y');
  const width = shape[1]!;
  const single = width === 1 && labels.length === 2;
  if (shape.length !== 2 || (width !== labels.length && !single)) {
    const expected = `[N, ${labels.length}] for ${labels.length} labels`;
    throw new ShapeError(`y: expected ${expected}, received ${shapeText(shape)}`, {
      name: 'y',
      expected,
      received: shape,
    });
  }
  return Array.from({ length: shape[0]! }, (_, row) => {
    if (single) return labels[Number(data[row]! >= 0.5)]!;
    let best = row * width;
    for (let at = best + 1; at < (row + 1) * width; at++) if (data[at]! > data[best]!) best = at;
    return labels[best - row * width]!;
  });
}

function wrongName(row: number, expected: string, received: unknown): DataError {
  return new DataError(`labels, row ${row}: expected ${expected}, received ${describe(received)}`, {
    name: 'labels',
    row,
    expected,
    received,
  });
}
