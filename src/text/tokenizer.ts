import { describe } from '../config/describe.js';
import { settings, whole } from '../config/fields.js';
import { parseOptions } from '../config/parseConfig.js';
import { isList } from '../data/rows.js';
import { isId } from '../data/sequences.js';
import { ConfigError, DataError } from '../errors.js';
import type { Vocabulary } from './vocabulary.js';

/** A tokenizer of any origin. */
export interface Tokenizer {
  encode(text: string): ArrayLike<number>;
  decode(ids: number[]): string;
}

/** What {@link tokenizerVocabulary} takes beside the tokenizer. */
export interface TokenizerOptions {
  /** Number of ids: one more than the largest. */
  readonly size: number;
}

const schema = settings({ size: whole(1) });

/** Whether a value can be called as a tokenizer. */
export function isTokenizer(value: unknown): value is Tokenizer {
  if (typeof value !== 'object' || value === null) return false;
  return ['encode', 'decode'].every((name) => typeof Reflect.get(value, name) === 'function');
}

const kinds: readonly unknown[] = ['character', 'word', 'bytePair', 'custom'];

/** Whether a tokenizer is a vocabulary of this package. */
export function isVocabulary(tokenizer: Tokenizer): tokenizer is Vocabulary {
  return 'toJSON' in tokenizer && 'size' in tokenizer && kinds.includes(Reflect.get(tokenizer, 'kind'));
}

/**
 * A tokenizer of the caller's as a vocabulary. Its ids are checked; it is not saved with a model, so `loadModel` takes it
 * again as `vocabulary`.
 *
 * @throws ConfigError for an object without `encode` and `decode`. `encode` throws DataError for what is no id.
 * @example
 * ```ts
 * const vocabulary = tokenizerVocabulary(tokenizer, { size: 50_257 });
 * ```
 */
export function tokenizerVocabulary(tokenizer: Tokenizer, options: TokenizerOptions): Vocabulary {
  const { size } = parseOptions(schema, options, 'tokenizerVocabulary');
  if (!isTokenizer(tokenizer)) {
    const expected = 'an object with encode and decode';
    throw new ConfigError(`tokenizer: expected ${expected}, received ${describe(tokenizer)}`, {
      path: 'tokenizer',
      expected,
      received: tokenizer,
    });
  }
  return Object.freeze({
    kind: 'custom' as const,
    size,
    tokens: Object.freeze([]),
    unknownId: undefined,
    paddingId: undefined,
    special: Object.freeze({}),
    encode: (text: string) => checkedIds(tokenizer.encode(text), size),
    decode: (ids: ArrayLike<number>) => tokenizer.decode(Array.from(ids)),
    toJSON: () => ({ kind: 'custom' as const, size }),
  });
}

function checkedIds(ids: unknown, size: number): Int32Array {
  if (!isList(ids)) throw wrongIds('tokenizer.encode', 'an array of ids', ids);
  return Int32Array.from(ids, (id, index) => {
    if (isId(id, size)) return id;
    throw wrongIds(`tokenizer.encode, id ${index}`, `a whole number from 0 to ${size - 1}`, id);
  });
}

function wrongIds(name: string, expected: string, received: unknown): DataError {
  return new DataError(`${name}: expected ${expected}, received ${describe(received)}`, {
    name,
    expected,
    received,
  });
}
