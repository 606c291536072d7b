import { describe } from '../config/describe.js';
import { ConfigError, DataError } from '../errors.js';
import type { GatheredBatch } from './batches.js';
import { isList, unexpected } from './rows.js';
import { isId } from './sequences.js';

export interface LanguageModelStreamOptions {
  /** One long text as ids. */
  readonly tokens: ArrayLike<number>;
  /** N: how many places of the text are read side by side. */
  readonly batchSize: number;
  /** T: steps that gradients reach back. */
  readonly timeSteps: number;
  /** Leaves out what does not fill T steps at the end; false gives a last, shorter batch. Default true. */
  readonly dropLast?: boolean;
}

/**
 * A text cut into batches for training with truncated back-propagation: N contiguous parts are read side by
 * side, T steps a batch, and each batch goes on where the one before ended, so states can be carried over.
 */
export interface LanguageModelStream {
  readonly kind: 'stream';
  readonly batchSize: number;
  readonly timeSteps: number;
  /** Batches in one pass. */
  readonly steps: number;
  /** The largest id in the text: a model's vocabulary must be larger. */
  readonly largestId: number;
  /** Batch k, 0 <= k < steps: tokens [N, T], targets [N, T] the tokens one place on. Its arrays are reused by the next call. */
  batch(k: number): GatheredBatch;
}

/**
 * Makes batches of a text. Of L tokens each of the N parts has S = floor((L - 1) / N), part n starting at n·S;
 * a pass has floor(S / T) batches, or ceil(S / T) without `dropLast`.
 *
 * @example
 * const stream = languageModelStream({ tokens: vocabulary.encode(text), batchSize: 32, timeSteps: 64 });
 * await model.fit(stream, { loss: 'crossEntropy', epochs: 3 });
 *
 * @throws ConfigError for sizes that are no whole numbers from 1.
 * @throws DataError for ids that are no whole numbers from 0, and for fewer than one batch of them.
 */
export function languageModelStream(options: LanguageModelStreamOptions): LanguageModelStream {
  const { batchSize, timeSteps, dropLast = true } = options;
  requireSize('batchSize', batchSize);
  requireSize('timeSteps', timeSteps);
  const ids = checkedIds(options.tokens);
  const partLength = Math.floor((ids.length - 1) / batchSize);
  const steps = dropLast ? Math.floor(partLength / timeSteps) : Math.ceil(partLength / timeSteps);
  if (steps < 1) {
    const expected = `at least ${batchSize * (dropLast ? timeSteps : 1) + 1} ids for ${batchSize} x ${timeSteps} a batch`;
    throw new DataError(`tokens: expected ${expected}, received ${ids.length}`, {
      name: 'tokens',
      expected,
      received: ids.length,
    });
  }
  const tokens = new Int32Array(batchSize * timeSteps);
  const targets = new Int32Array(batchSize * timeSteps);
  return Object.freeze({
    kind: 'stream' as const,
    batchSize,
    timeSteps,
    steps,
    largestId: ids.reduce((a, b) => Math.max(a, b), 0),
    batch(k: number): GatheredBatch {
      if (!isId(k, steps)) throw wrongNumber('batch', `a whole number from 0 to ${steps - 1}`, k);
      const length = Math.min(timeSteps, partLength - k * timeSteps);
      for (let n = 0; n < batchSize; n++) {
        const start = n * partLength + k * timeSteps;
        tokens.set(ids.subarray(start, start + length), n * length);
        targets.set(ids.subarray(start + 1, start + 1 + length), n * length);
      }
      const size = batchSize * length;
      return {
        rows: batchSize,
        batch: { batchSize, timeSteps: length, tokens: tokens.subarray(0, size) },
        targets: { ids: targets.subarray(0, size) },
      };
    },
  });
}

function requireSize(name: string, value: unknown): void {
  if (!isId(value, Number.MAX_SAFE_INTEGER) || value === 0)
    throw wrongNumber(name, 'a whole number from 1', value);
}

function wrongNumber(path: string, expected: string, received: unknown): ConfigError {
  return new ConfigError(`${path}: expected ${expected}, received ${describe(received)}`, {
    path,
    expected,
    received,
  });
}

function checkedIds(tokens: unknown): Int32Array {
  if (!isList(tokens)) throw unexpected('tokens', 'an Int32Array or an array of ids', describe(tokens));
  return Int32Array.from(tokens, (id, index) => {
    if (isId(id, 0x8000_0000)) return id;
    const expected = 'a whole number from 0';
    throw new DataError(`tokens[${index}]: expected ${expected}, received ${describe(id)}`, {
      name: 'tokens',
      expected,
      received: id,
      index,
    });
  });
}
