import { describe } from '../config/describe.js';
import { ConfigError, DataError } from '../errors.js';
import type { GatheredBatch } from './batches.js';
import { randomLengths, shortestLength } from './randomLengths.js';
import { isList, unexpected } from './rows.js';
import { isId } from './sequences.js';

export interface LanguageModelStreamOptions {
  /** One long text as ids. */
  readonly tokens: ArrayLike<number>;
  /** N: how many places of the text are read side by side. */
  readonly batchSize: number;
  /** T: steps that gradients reach back. */
  readonly timeSteps: number;
  /** Leaves out what does not fill a batch at the end; false gives a last, shorter batch. Default true. */
  readonly dropLast?: boolean | undefined;
  /**
   * `random`: each batch draws its length around T, so that passes cut the text at different places, and `fit` multiplies the
   * learning rate of its step by length / T. Default `fixed`: T.
   */
  readonly lengths?: 'fixed' | 'random' | undefined;
  /** Decides random lengths. Default 0. */
  readonly seed?: number | undefined;
}

/** The batches of one pass over a text, in their order. */
export interface LanguageModelPass {
  readonly steps: number;
  /** Batch k, 0 <= k < steps: tokens [N, T], targets [N, T] the tokens one place on. Its arrays are reused by the next call. */
  batch(k: number): GatheredBatch;
}

/**
 * A text cut into batches for training with truncated back-propagation: N contiguous parts are read side by
 * side, T steps a batch, and each batch goes on where the one before ended, so states can be carried over.
 */
export interface LanguageModelStream extends LanguageModelPass {
  readonly kind: 'stream';
  readonly batchSize: number;
  readonly timeSteps: number;
  /** Batches in one pass; with random lengths in the first. */
  readonly steps: number;
  /** The largest id in the text: a model's vocabulary must be larger. */
  readonly largestId: number;
  /** Of random lengths. */
  readonly seed?: number;
  /** The pass of an epoch, counted from 0; the stream's own batches are the first's. Absent: all are the same. */
  pass?(epoch: number): LanguageModelPass;
}

/**
 * Makes batches of a text. Of L tokens each of the N parts has S = floor((L - 1) / N), part n starting at n·S;
 * a pass has floor(S / T) batches, or ceil(S / T) without `dropLast`.
 *
 * With `lengths: 'random'` batches have the lengths that AWD-LSTM has (Merity, Keskar and Socher 2018, "Regularizing and
 * Optimizing LSTM Language Models", section 4.1): max(5, floor(x)), x from N(T, 5²) with probability 0.95, else from
 * N(T/2, 5²), at most T + 33. Epoch and seed decide them, and each epoch has about S / (0.975 T) batches, though not always as
 * many. `fit` trains on them in turn, with schedules that depend on the run's length counting with those of the first;
 * `evaluate` and validation read the first pass.
 *
 * @example
 * const stream = languageModelStream({ tokens: vocabulary.encode(text), batchSize: 32, timeSteps: 64 });
 * await model.fit(stream, { loss: 'crossEntropy', epochs: 3 });
 *
 * @throws ConfigError for sizes that are no whole numbers from 1 (from 5: `timeSteps` with random lengths) and other settings.
 * @throws DataError for ids that are no whole numbers from 0, and for fewer than one batch of them.
 */
export function languageModelStream(options: LanguageModelStreamOptions): LanguageModelStream {
  const { batchSize, timeSteps, dropLast = true, seed = 0 } = options;
  requireSize('batchSize', batchSize);
  requireSize('timeSteps', timeSteps);
  const isRandom = requireLengths(options);
  const ids = checkedIds(options.tokens);
  const parts = new TextParts(ids, batchSize);
  const shortest = dropLast ? timeSteps : 1;
  if (parts.length < shortest) throw tooFew(ids.length, options, shortest);
  const fixed = (): LanguageModelPass =>
    passOf(cutsOf(parts.length, dropLast, fixedLengths(timeSteps)), (from, to) => parts.read(from, to));
  const random = (epoch: number): LanguageModelPass =>
    passOf(cutsOf(parts.length, dropLast, randomLengths({ timeSteps, seed, epoch })), (from, to) => ({
      ...parts.read(from, to),
      rateFactor: (to - from) / timeSteps,
    }));
  return Object.freeze({
    kind: 'stream' as const,
    batchSize,
    timeSteps,
    largestId: ids.reduce((a, b) => Math.max(a, b), 0),
    ...(isRandom ? { ...random(0), seed, pass: random } : fixed()),
  });
}

/** N contiguous parts of a text, each with the token that follows it. */
class TextParts {
  readonly #ids: Int32Array;
  readonly #batchSize: number;
  #tokens = new Int32Array(0);
  #targets = new Int32Array(0);
  /** S: tokens of a part. */
  readonly length: number;

  constructor(ids: Int32Array, batchSize: number) {
    this.#ids = ids;
    this.#batchSize = batchSize;
    this.length = Math.floor((ids.length - 1) / batchSize);
  }

  /** Places `from` to before `to` of every part. */
  read(from: number, to: number): GatheredBatch {
    const timeSteps = to - from;
    const size = this.#batchSize * timeSteps;
    if (size > this.#tokens.length) {
      this.#tokens = new Int32Array(size);
      this.#targets = new Int32Array(size);
    }
    for (let n = 0; n < this.#batchSize; n++) {
      const start = n * this.length + from;
      this.#tokens.set(this.#ids.subarray(start, start + timeSteps), n * timeSteps);
      this.#targets.set(this.#ids.subarray(start + 1, start + 1 + timeSteps), n * timeSteps);
    }
    return {
      rows: this.#batchSize,
      batch: { batchSize: this.#batchSize, timeSteps, tokens: this.#tokens.subarray(0, size) },
      targets: { ids: this.#targets.subarray(0, size) },
    };
  }
}

/** @param cuts Where the batches begin and, last, where the pass ends. */
function passOf(cuts: Int32Array, read: (from: number, to: number) => GatheredBatch): LanguageModelPass {
  const steps = cuts.length - 1;
  return {
    steps,
    batch(k: number): GatheredBatch {
      if (!isId(k, steps)) throw wrongSetting('batch', `a whole number from 0 to ${steps - 1}`, k);
      return read(cuts[k]!, cuts[k + 1]!);
    },
  };
}

function* fixedLengths(timeSteps: number): Generator<number, never> {
  for (;;) yield timeSteps;
}

/** Where to cut a pass over S steps. It has a first batch in any case. */
function cutsOf(partLength: number, dropLast: boolean, lengths: Iterable<number>): Int32Array {
  const cuts = [0];
  for (const length of lengths) {
    const end = cuts.at(-1)! + length;
    if (end <= partLength) cuts.push(end);
    else if (!dropLast || cuts.length === 1) cuts.push(partLength);
    if (end >= partLength) break;
  }
  return Int32Array.from(cuts);
}

/** Whether they are random. */
function requireLengths({ lengths = 'fixed', seed = 0, timeSteps }: LanguageModelStreamOptions): boolean {
  if (lengths !== 'fixed' && lengths !== 'random') {
    throw wrongSetting('lengths', "'fixed' or 'random'", lengths);
  }
  if (!isId(seed, Number.MAX_SAFE_INTEGER)) throw wrongSetting('seed', 'a whole number from 0', seed);
  const isRandom = lengths === 'random';
  if (isRandom && timeSteps < shortestLength) {
    throw wrongSetting('timeSteps', `a whole number from ${shortestLength} with random lengths`, timeSteps);
  }
  return isRandom;
}

function requireSize(name: string, value: unknown): void {
  if (!isId(value, Number.MAX_SAFE_INTEGER) || value === 0)
    throw wrongSetting(name, 'a whole number from 1', value);
}

function tooFew(
  received: number,
  { batchSize, timeSteps }: LanguageModelStreamOptions,
  shortest: number,
): DataError {
  const expected = `at least ${batchSize * shortest + 1} ids for ${batchSize} x ${timeSteps} a batch`;
  const message = `tokens: expected ${expected}, received ${received}`;
  return new DataError(message, { name: 'tokens', expected, received });
}

function wrongSetting(path: string, expected: string, received: unknown): ConfigError {
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
