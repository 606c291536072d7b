/** Choices by the name of what is chosen. */
export type Dimensions = Readonly<Record<string, readonly unknown[]>>;

/** One of each choice. */
export type Combination<D extends Dimensions> = { readonly [Name in keyof D]: D[Name][number] };

/**
 * Combinations among which every two choices of different dimensions occur together at least once: greedily, each one the
 * choices that bring the most new pairs, dimension by dimension (AETG: Cohen et al. 1997, without its random tries).
 */
export function pairwise<D extends Dimensions>(dimensions: D): Combination<D>[] {
  const names = Object.keys(dimensions);
  const sizes = names.map((name) => dimensions[name]!.length);
  const open = openPairs(sizes);
  const rows: number[][] = [];
  while (open.size > 0) rows.push(nextRow(sizes, open));
  return rows.map((row) =>
    Object.fromEntries(names.map((name, d) => [name, dimensions[name]![row[d]!]])),
  ) as Combination<D>[];
}

const pair = (a: number, i: number, b: number, j: number): string =>
  a < b ? `${a}:${i},${b}:${j}` : `${b}:${j},${a}:${i}`;

function openPairs(sizes: readonly number[]): Set<string> {
  const open = new Set<string>();
  for (let a = 0; a < sizes.length; a++) {
    for (let b = a + 1; b < sizes.length; b++) {
      for (let i = 0; i < sizes[a]!; i++) for (let j = 0; j < sizes[b]!; j++) open.add(pair(a, i, b, j));
    }
  }
  return open;
}

function nextRow(sizes: readonly number[], open: Set<string>): number[] {
  // It begins with a pair that is open, so that each row brings one at least.
  const [a, i, b, j] = [...open][0]!.split(/[:,]/).map(Number) as [number, number, number, number];
  const row = sizes.map((_, d) => (d === a ? i : d === b ? j : -1));
  for (let d = 0; d < sizes.length; d++) {
    if (row[d]! >= 0) continue;
    let most = -1;
    for (let k = 0; k < sizes[d]!; k++) {
      const gain = row.filter((chosen, other) => chosen >= 0 && open.has(pair(d, k, other, chosen))).length;
      if (gain > most) [most, row[d]] = [gain, k];
    }
  }
  for (let d = 0; d < row.length; d++) {
    for (let other = d + 1; other < row.length; other++) open.delete(pair(d, row[d]!, other, row[other]!));
  }
  return row;
}
