import type { Row } from './batch.js';

export interface EmbeddingInputs {
  readonly rows: readonly Row[];
  readonly size: number;
  /** [N,T] */
  readonly tokens: ArrayLike<number>;
  /** [vocabSize, size] */
  readonly table: Float64Array;
}

/** y[row] = table[tokens[row]] */
export function embedding({ rows, size, tokens, table }: EmbeddingInputs) {
  const y = new Float64Array(tokens.length * size);
  for (const { at } of rows) {
    const entry = tokens[at]! * size;
    y.set(table.subarray(entry, entry + size), at * size);
  }
  return { y, backward };

  function backward(dy: Float64Array): Float64Array {
    const dTable = new Float64Array(table.length);
    for (const { at } of rows) {
      for (let c = 0; c < size; c++) dTable[tokens[at]! * size + c]! += dy[at * size + c]!;
    }
    return dTable;
  }
}
