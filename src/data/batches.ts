import { describe } from '../config/describe.js';
import { ConfigError, DataError } from '../errors.js';
import type { Sequences } from './sequences.js';
import { sampleWeightsFor, type SampleWeightInput, type SampleWeights, type Targets } from './targets.js';

/**
 * One padded batch, to be read alone. The arrays belong to the gatherer and are written again by its next `gather`, or
 * are the data set's own.
 */
export interface GatheredBatch {
  readonly batch: {
    readonly batchSize: number;
    /** T: the longest sequence of this batch. */
    readonly timeSteps: number;
    /** [N, T], zero beyond each length. */
    readonly tokens?: Int32Array;
    /** [N, T, C], zero beyond each length. */
    readonly features?: Float32Array;
    /** [N], only where lengths differ. */
    readonly seqLengths?: Int32Array;
  };
  readonly targets?: GatheredTargets & {
    /** Of each head instead, in the heads' order. */
    readonly heads?: readonly GatheredTargets[];
  };
  readonly rows: number;
  /** What its step's learning rate is multiplied by. Default 1. */
  readonly rateFactor?: number;
}

/** What the outputs of one batch are held against. */
export interface GatheredTargets {
  /** [N] or [N, T] */
  readonly ids?: Int32Array;
  /** [N, K] or [N, T, K] */
  readonly values?: Float32Array;
  /** [N] or, where they are given by step, [N, T] */
  readonly sampleWeights?: Float32Array;
}

/** Collects rows of a data set into padded batches, in arrays that grow to the largest batch and stay. */
export class BatchGatherer {
  readonly #sequences: Sequences;
  readonly #targets: Targets | undefined;
  readonly #sampleWeights: SampleWeights | undefined;
  #inputs: Int32Array | Float32Array = new Int32Array(0);
  #labels: Int32Array | Float32Array = new Int32Array(0);

  /** `sampleWeights`: one weight >= 0 a sequence [N], or with targets by step one a step [N, T]. */
  constructor(sequences: Sequences, targets?: Targets, sampleWeights?: SampleWeightInput) {
    this.#sequences = sequences;
    this.#targets = targets;
    const { lengths } = sequences;
    this.#sampleWeights =
      sampleWeights && sampleWeightsFor(sampleWeights, { perStep: targets?.perStep === true, lengths });
  }

  /** The targets alone, padded as {@link gather} pads them. */
  gatherTargets(rowIndices: Uint32Array): GatheredTargets {
    const { lengths, timeSteps } = this.#extent(rowIndices);
    return this.#targets ? this.#gatherTargets(this.#targets, rowIndices, lengths, timeSteps) : {};
  }

  gather(rowIndices: Uint32Array): GatheredBatch {
    const { lengths, timeSteps } = this.#extent(rowIndices);
    const unequal = lengths.some((length) => length !== timeSteps);
    return {
      rows: rowIndices.length,
      batch: {
        batchSize: rowIndices.length,
        timeSteps,
        ...this.#gatherInputs(rowIndices, lengths, timeSteps),
        ...(unequal && { seqLengths: lengths }),
      },
      ...(this.#targets && { targets: this.#gatherTargets(this.#targets, rowIndices, lengths, timeSteps) }),
    };
  }

  #extent(rows: Uint32Array): { readonly lengths: Int32Array; readonly timeSteps: number } {
    const lengths = Int32Array.from(rows, (row) => this.#sequences.lengths[row]!);
    return { lengths, timeSteps: lengths.reduce((a, b) => Math.max(a, b), 0) };
  }

  #gatherInputs(rows: Uint32Array, lengths: Int32Array, timeSteps: number) {
    const { kind } = this.#sequences;
    const padded = this.#inputsInOrder(rows) ?? this.#paddedInputs(rows, lengths, timeSteps);
    return kind === 'tokens' ? { tokens: padded as Int32Array } : { features: padded as Float32Array };
  }

  /** Rows that follow each other in the data set and need no padding are a part of it. */
  #inputsInOrder(rows: Uint32Array): Int32Array | Float32Array | undefined {
    const { equalLengths, data, offsets, lengths } = this.#sequences;
    const first = rows[0]!;
    if (!equalLengths || rows.some((row, n) => row !== first + n)) return undefined;
    const start = offsets[first]! * this.#width;
    return data.subarray(start, start + rows.length * lengths[first]! * this.#width);
  }

  #paddedInputs(rows: Uint32Array, lengths: Int32Array, timeSteps: number): Int32Array | Float32Array {
    const { data, offsets } = this.#sequences;
    const width = this.#width;
    this.#inputs = withRoom(this.#inputs, data, rows.length * timeSteps * width);
    return padRows({ data, offsets, width }, rows, lengths, timeSteps, this.#inputs);
  }

  /** Numbers in a step of the input. */
  get #width(): number {
    return this.#sequences.kind === 'features' ? this.#sequences.channels : 1;
  }

  #gatherTargets(targets: Targets, rows: Uint32Array, lengths: Int32Array, timeSteps: number) {
    const { kind, perStep, width, data } = targets;
    const steps = perStep ? timeSteps : 1;
    this.#labels = withRoom(this.#labels, data, rows.length * steps * width);
    const from = { data, offsets: perStep ? this.#sequences.offsets : undefined, width };
    const padded = padRows(from, rows, perStep ? lengths : undefined, steps, this.#labels);
    const weights = this.#sampleWeights;
    return {
      ...(kind === 'ids' ? { ids: padded as Int32Array } : { values: padded as Float32Array }),
      ...(weights && { sampleWeights: this.#gatherWeights(weights, rows, lengths, timeSteps) }),
    };
  }

  #gatherWeights(
    { perStep, data }: SampleWeights,
    rows: Uint32Array,
    lengths: Int32Array,
    timeSteps: number,
  ) {
    if (!perStep) return Float32Array.from(rows, (row) => data[row]!);
    const from = { data, offsets: this.#sequences.offsets, width: 1 };
    const padded = new Float32Array(rows.length * timeSteps);
    return padRows(from, rows, lengths, timeSteps, padded) as Float32Array;
  }
}

/** Copies rows from a packed array into [N, T, width]; without offsets a row is one step, without lengths all are full. */
function padRows(
  from: { data: Int32Array | Float32Array; offsets: Float64Array | undefined; width: number },
  rows: Uint32Array,
  lengths: Int32Array | undefined,
  timeSteps: number,
  target: Int32Array | Float32Array,
): Int32Array | Float32Array {
  const { data, offsets, width } = from;
  const rowSize = timeSteps * width;
  rows.forEach((row, n) => {
    const start = (offsets ? offsets[row]! : row) * width;
    const size = (lengths ? lengths[n]! : 1) * width;
    target.set(data.subarray(start, start + size), n * rowSize);
    if (size < rowSize) target.fill(0, n * rowSize + size, (n + 1) * rowSize);
  });
  return target.subarray(0, rows.length * rowSize);
}

function withRoom<A extends Int32Array | Float32Array>(
  held: Int32Array | Float32Array,
  like: A,
  size: number,
) {
  if (held.length >= size && held instanceof Int32Array === like instanceof Int32Array) return held;
  return like instanceof Int32Array ? new Int32Array(size) : new Float32Array(size);
}

/**
 * Cuts an order of rows into batches; the last one is shorter, or with `dropLast` left out.
 *
 * @throws DataError for no rows.
 * @throws ConfigError for `dropLast` with fewer rows than `batchSize`, which would leave nothing.
 */
export function batchRows(order: Uint32Array, batchSize: number, dropLast: boolean): Uint32Array[] {
  const count = order.length;
  if (!Number.isSafeInteger(batchSize) || batchSize < 1)
    throw wrongBatchSize('a whole number from 1', batchSize);
  if (count === 0) {
    throw new DataError('data: expected at least one sequence, received none', {
      name: 'data',
      expected: 'at least one sequence',
      received: 0,
    });
  }
  if (dropLast && batchSize > count) {
    throw wrongBatchSize(`at most the ${count} sequences there are, because of dropLast`, batchSize);
  }
  const batches = dropLast ? Math.floor(count / batchSize) : Math.ceil(count / batchSize);
  return Array.from({ length: batches }, (_, k) => order.subarray(k * batchSize, (k + 1) * batchSize));
}

function wrongBatchSize(expected: string, received: unknown): ConfigError {
  return new ConfigError(`batchSize: expected ${expected}, received ${describe(received)}`, {
    path: 'batchSize',
    expected,
    received,
  });
}
