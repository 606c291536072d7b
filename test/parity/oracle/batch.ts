/** A user's batch: N sequences, padded to T, batch-major. Beyond a sequence's length nothing is read. */
export interface Batch {
  readonly batchSize: number;
  readonly timeSteps: number;
  /** [N], each 1..T. */
  readonly lengths: readonly number[];
}

export function batchOf(batchSize: number, timeSteps: number, lengths?: ArrayLike<number>): Batch {
  return {
    batchSize,
    timeSteps,
    lengths: lengths === undefined ? Array<number>(batchSize).fill(timeSteps) : Array.from(lengths),
  };
}

/** One live row of an activation. */
export interface Row {
  /** Its row in the batch-major array: n·T + t of a sequence output, n of a vector output. */
  readonly at: number;
  /** Its row on the device, which keeps live rows only: time-major, longest sequence first. */
  readonly packed: number;
  readonly n: number;
  /** The place of sequence n when the longest stands first (stable). */
  readonly rank: number;
}

/** The sequences, longest first; equal lengths keep their order. */
export function longestFirst({ lengths }: Batch): number[] {
  return lengths.map((_, n) => n).sort((a, b) => lengths[b]! - lengths[a]! || a - b);
}

/** The rows of [N,T,·] that live, in packed order. */
export function sequenceRows(batch: Batch): Row[] {
  const order = longestFirst(batch);
  const rows: Row[] = [];
  for (let t = 0; t < batch.timeSteps; t++) {
    order.forEach((n, rank) => {
      if (t < batch.lengths[n]!) rows.push({ at: n * batch.timeSteps + t, packed: rows.length, n, rank });
    });
  }
  return rows;
}

/** The rows of [N,·]: all of them. */
export function vectorRows(batch: Batch): Row[] {
  return longestFirst(batch).map((n, rank) => ({ at: n, packed: rank, n, rank }));
}
