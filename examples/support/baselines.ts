/** What simpler methods come to: a model that is no better has learnt nothing from the order of its input. */
import type { RowList } from './rows.js';

/** Share of the most frequent class of the training rows in the test rows. */
export function largestClass(train: RowList<unknown, number>, test: RowList<unknown, number>): number {
  const counts = new Map<number, number>();
  for (const y of train.y) counts.set(y, (counts.get(y) ?? 0) + 1);
  const [largest] = [...counts].reduce((a, b) => (b[1] > a[1] ? b : a));
  return test.y.filter((y) => y === largest).length / test.y.length;
}

/** Accuracy of the class whose mean over all steps and sequences is nearest to the mean over a sequence's steps. */
export function nearestMean(
  train: RowList<readonly ArrayLike<number>[], number>,
  test: RowList<readonly ArrayLike<number>[], number>,
): number {
  const means = [...byClass(train)].map(([y, rows]) => ({ y, mean: meanOf(rows.map(meanOf)) }));
  const nearest = (x: ArrayLike<number>): number =>
    means.map(({ y, mean }) => ({ y, d: distance(mean, x) })).reduce((a, b) => (b.d < a.d ? b : a)).y;
  return test.x.filter((x, row) => nearest(meanOf(x)) === test.y[row]).length / test.x.length;
}

function byClass<X>({ x, y }: RowList<X, number>): Map<number, X[]> {
  const rows = new Map<number, X[]>();
  y.forEach((label, row) => {
    const own = rows.get(label);
    if (own === undefined) rows.set(label, [x[row]!]);
    else own.push(x[row]!);
  });
  return rows;
}

function meanOf(steps: readonly ArrayLike<number>[]): number[] {
  return Array.from(
    { length: steps[0]!.length },
    (_, channel) => steps.reduce((sum, step) => sum + step[channel]!, 0) / steps.length,
  );
}

function distance(a: ArrayLike<number>, b: ArrayLike<number>): number {
  let sum = 0;
  for (let i = 0; i < a.length; i++) sum += (a[i]! - b[i]!) ** 2;
  return sum;
}

/** Accuracy of multinomial naive Bayes over counts of tokens, each count and one more (Manning et al. 2008, section 13.2). */
export function naiveBayes(
  train: RowList<ArrayLike<number>, number>,
  test: RowList<ArrayLike<number>, number>,
  vocabSize: number,
): number {
  const classes = [...byClass(train)].map(([y, rows]) => {
    const counts = new Float64Array(vocabSize).fill(1);
    for (const x of rows) for (const id of Array.from(x)) counts[id]! += 1;
    const total = counts.reduce((a, b) => a + b, 0);
    return { y, prior: Math.log(rows.length / train.x.length), logs: counts.map((n) => Math.log(n / total)) };
  });
  const likeliest = (x: ArrayLike<number>): number =>
    classes
      .map(({ y, prior, logs }) => ({ y, p: Array.from(x).reduce((sum, id) => sum + logs[id]!, prior) }))
      .reduce((a, b) => (b.p > a.p ? b : a)).y;
  return test.x.filter((x, row) => likeliest(x) === test.y[row]).length / test.x.length;
}

/** Accuracy of each token's most frequent label, and of the most frequent label of all for tokens not seen before. */
export function mostFrequentLabel(
  train: RowList<ArrayLike<number>, ArrayLike<number>>,
  test: RowList<ArrayLike<number>, ArrayLike<number>>,
): number {
  const counts = new Map<number, Map<number, number>>();
  const all = new Map<number, number>();
  train.x.forEach((x, row) =>
    Array.from(x).forEach((id, t) => {
      const label = train.y[row]![t]!;
      const own = counts.get(id) ?? new Map<number, number>();
      counts.set(id, own.set(label, (own.get(label) ?? 0) + 1));
      all.set(label, (all.get(label) ?? 0) + 1);
    }),
  );
  const largest = (of: Map<number, number>): number => [...of].reduce((a, b) => (b[1] > a[1] ? b : a))[0];
  const best = new Map([...counts].map(([id, own]) => [id, largest(own)]));
  const other = largest(all);
  let right = 0;
  let total = 0;
  test.x.forEach((x, row) =>
    Array.from(x).forEach((id, t) => {
      right += Number((best.get(id) ?? other) === test.y[row]![t]);
      total++;
    }),
  );
  return right / total;
}

/** Nats a token of the tokens' own frequencies, each count and one more. */
export function unigramNats(train: ArrayLike<number>, test: ArrayLike<number>, vocabSize: number): number {
  const counts = new Float64Array(vocabSize).fill(1);
  for (const id of Array.from(train)) counts[id]! += 1;
  const total = counts.reduce((a, b) => a + b, 0);
  return -Array.from(test).reduce((sum, id) => sum + Math.log(counts[id]! / total), 0) / test.length;
}
