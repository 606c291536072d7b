import type { ScoredRows } from './metricSums.js';

/**
 * Area under the ROC curve of one class: the weight of pairs (a row of the class, another row) in which the first has
 * the larger score, equal scores counting ½, over the weight of all such pairs. NaN where there are none.
 */
export function areaUnderRoc(
  scores: ArrayLike<number>,
  positive: (row: number) => boolean,
  weights: ArrayLike<number>,
): number {
  const order = Array.from({ length: scores.length }, (_, row) => row).sort(
    (a, b) => scores[a]! - scores[b]!,
  );
  let below = 0;
  let positives = 0;
  let pairs = 0;
  for (let start = 0; start < order.length;) {
    let end = start;
    let negativeHere = 0;
    let positiveHere = 0;
    for (; end < order.length && scores[order[end]!] === scores[order[start]!]; end++) {
      const row = order[end]!;
      if (positive(row)) positiveHere += weights[row]!;
      else negativeHere += weights[row]!;
    }
    if (end === start) return NaN; // a score that is not a number
    pairs += positiveHere * (below + negativeHere / 2);
    below += negativeHere;
    positives += positiveHere;
    start = end;
  }
  return positives * below === 0 ? NaN : pairs / (positives * below);
}

/**
 * Mean area over classes or labels; one column of scores is that of class 1.
 *
 * @param probabilities Scores of several classes are made probabilities first: they are logits.
 */
export function meanAreaUnderRoc(
  { scores, labels, weights }: ScoredRows,
  average: 'macro' | 'weighted',
  logits: boolean,
): number {
  const columns = scores[0]?.length ?? 0;
  const perLabel = typeof labels[0] !== 'number';
  const isOf = (k: number) => (row: number) => {
    const label = labels[row]!;
    if (typeof label === 'number') return label === (columns === 1 ? 1 : k);
    return label[k]! > 0.5;
  };
  const rows = logits && columns > 1 && !perLabel ? scores.map(softmax) : scores;
  let sum = 0;
  let sizes = 0;
  for (let k = 0; k < columns; k++) {
    const positive = isOf(k);
    const size = average === 'macro' ? 1 : weights.reduce((a, w, row) => a + (positive(row) ? w : 0), 0);
    sum +=
      size *
      areaUnderRoc(
        rows.map((row) => row[k]!),
        positive,
        weights,
      );
    sizes += size;
  }
  return sum / sizes;
}

/** In float64. */
export function softmax(logits: ArrayLike<number>): Float64Array {
  const row = Float64Array.from(logits);
  const largest = row.reduce((a, b) => Math.max(a, b), -Infinity);
  const powers = row.map((z) => Math.exp(z - largest));
  const sum = powers.reduce((a, b) => a + b, 0);
  return powers.map((power) => power / sum);
}
