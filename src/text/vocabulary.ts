import { z } from 'zod';

import { CheckpointError, DataError } from '../errors.js';
import { describe } from '../config/describe.js';

/**
 * Text to token ids and back. Id 0 stands for every token that was not in the text the vocabulary was made of.
 */
export interface Vocabulary {
  readonly kind: 'character' | 'word';
  /** Number of ids, the unknown one included: an embedding's `vocabSize`. */
  readonly size: number;
  /** The token of each id. */
  readonly tokens: readonly string[];
  encode(text: string): Int32Array;
  decode(ids: ArrayLike<number>): string;
  /** What {@link vocabularyFromJSON} takes. */
  toJSON(): VocabularyJSON;
}

export interface VocabularyOptions {
  /** Tokens seen less often become unknown. Default 1: keep all. */
  readonly minFrequency?: number;
}

/** A vocabulary as a checkpoint holds it. */
export type VocabularyJSON = Readonly<z.output<typeof schema>>;

/** The id of every token that is not in a vocabulary. */
export const unknownId = 0;

const unknownTokens = { character: '\uFFFD', word: '<unk>' } as const;

const schema = z.strictObject({
  kind: z.enum(['character', 'word']),
  /** Without the unknown token, which is not stored. */
  tokens: z.array(z.string().min(1)),
});

// Words with inner apostrophes and hyphens, numbers, and every other visible character by itself.
const wordPattern = /[\p{L}\p{M}\p{N}_]+(?:['’-][\p{L}\p{M}\p{N}_]+)*|[^\s]/gu;

/**
 * A vocabulary of the characters (Unicode code points) of a text, in the order of their UTF-16 code units.
 *
 * @example
 * ```ts
 * const vocabulary = characterVocabulary('hello');
 * vocabulary.size; // 5: unknown, e, h, l, o
 * vocabulary.decode(vocabulary.encode('hole')); // 'hole'
 * ```
 *
 * @throws DataError for a text without characters.
 */
export function characterVocabulary(
  texts: string | readonly string[],
  options: VocabularyOptions = {},
): Vocabulary {
  const frequencies = count(texts, 'character', options);
  return makeVocabulary('character', [...frequencies.keys()].sort(byCodeUnit));
}

/**
 * A vocabulary of the words of a text, most frequent first: `size` ids cover as much of it as that many can.
 * Words are runs of letters and digits with inner apostrophes and hyphens; other visible characters stand alone.
 * Decoding joins with blanks, so it gives back the words but not their spacing.
 *
 * @throws DataError for a text without words.
 */
export function wordVocabulary(
  texts: string | readonly string[],
  options: VocabularyOptions = {},
): Vocabulary {
  const frequencies = [...count(texts, 'word', options)];
  frequencies.sort(([a, n], [b, m]) => m - n || byCodeUnit(a, b));
  return makeVocabulary(
    'word',
    frequencies.map(([word]) => word),
  );
}

/**
 * The vocabulary of a `toJSON()`.
 *
 * @throws CheckpointError for anything else.
 */
export function vocabularyFromJSON(json: unknown): Vocabulary {
  const { success, data } = schema.safeParse(json);
  if (!success || new Set(data.tokens).size !== data.tokens.length) {
    throw new CheckpointError(
      `vocabulary: expected what a vocabulary's toJSON() gave, received ${describe(json)}`,
      {
        name: 'vocabulary',
        expected: '{kind, tokens}',
        received: describe(json),
      },
    );
  }
  return makeVocabulary(data.kind, data.tokens);
}

function makeVocabulary(kind: Vocabulary['kind'], known: readonly string[]): Vocabulary {
  const tokens = Object.freeze([unknownTokens[kind], ...known]);
  const ids = new Map(known.map((token, index) => [token, index + 1]));
  const separator = kind === 'word' ? ' ' : '';
  return Object.freeze({
    kind,
    size: tokens.length,
    tokens,
    encode: (text: string) => Int32Array.from(split(text, kind), (token) => ids.get(token) ?? unknownId),
    decode: (list: ArrayLike<number>) =>
      Array.from(list, (id, index) => tokens[id] ?? unknownTokenId(id, index, tokens.length)).join(separator),
    toJSON: () => ({ kind, tokens: [...known] }),
  });
}

function unknownTokenId(id: unknown, index: number, size: number): never {
  const expected = `an id from 0 to ${size - 1}`;
  throw new DataError(`ids[${index}]: expected ${expected}, received ${describe(id)}`, {
    name: 'ids',
    expected,
    received: id,
    index,
  });
}

function split(text: string, kind: Vocabulary['kind']): readonly string[] {
  return kind === 'character' ? Array.from(text) : (text.match(wordPattern) ?? []);
}

function count(
  texts: string | readonly string[],
  kind: Vocabulary['kind'],
  { minFrequency = 1 }: VocabularyOptions,
): Map<string, number> {
  const frequencies = new Map<string, number>();
  for (const text of typeof texts === 'string' ? [texts] : texts) {
    for (const token of split(text, kind)) frequencies.set(token, (frequencies.get(token) ?? 0) + 1);
  }
  // The unknown token stands for others; it is no token of its own.
  frequencies.delete(unknownTokens[kind]);
  for (const [token, frequency] of frequencies) if (frequency < minFrequency) frequencies.delete(token);
  if (frequencies.size > 0) return frequencies;
  const expected = `a ${kind} seen ${minFrequency} times or more`;
  throw new DataError(`texts: expected ${expected}, received none`, {
    name: 'texts',
    expected,
    received: 'none',
  });
}

function byCodeUnit(a: string, b: string): number {
  return a < b ? -1 : Number(a > b);
}
