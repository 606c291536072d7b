/** Rows of sequences with their targets, one a row. */
export interface RowList<X, Y> {
  readonly x: readonly X[];
  readonly y: readonly Y[];
}

/** The rows with these numbers, in this order. */
export function takeRows<X, Y>({ x, y }: RowList<X, Y>, rows: readonly number[]): RowList<X, Y> {
  return { x: rows.map((row) => x[row]!), y: rows.map((row) => y[row]!) };
}

/** The first `count` rows. */
export function firstRows<X, Y>({ x, y }: RowList<X, Y>, count: number): RowList<X, Y> {
  return { x: x.slice(0, count), y: y.slice(0, count) };
}

/** Puts rows into an order that the seed decides and cuts off the last `share` of them. */
export function splitRows<X, Y>(
  data: RowList<X, Y>,
  share: number,
  seed: number,
): readonly [RowList<X, Y>, RowList<X, Y>] {
  const order = shuffled(data.x.length, seed);
  const boundary = Math.round(order.length * (1 - share));
  return [takeRows(data, order.slice(0, boundary)), takeRows(data, order.slice(boundary))];
}

/** 0 to count - 1 in an order that the seed decides (Durstenfeld, "Algorithm 235: Random permutation", CACM 7, 1964). */
export function shuffled(count: number, seed: number): number[] {
  const order = Array.from({ length: count }, (_, index) => index);
  const random = splitMix(seed);
  for (let last = count - 1; last > 0; last--) {
    const other = Math.floor(random() * (last + 1));
    [order[last], order[other]] = [order[other]!, order[last]!];
  }
  return order;
}

/** Numbers from 0 to below 1 (Steele, Lea and Flood, "Fast splittable pseudorandom number generators", 2014; 32 bits). */
function splitMix(seed: number): () => number {
  let state = seed >>> 0;
  return () => {
    state = (state + 0x9e3779b9) >>> 0;
    let z = Math.imul(state ^ (state >>> 16), 0x21f0aaad);
    z = Math.imul(z ^ (z >>> 15), 0x735a2d97);
    return ((z ^ (z >>> 15)) >>> 0) / 2 ** 32;
  };
}
