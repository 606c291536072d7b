import { z } from 'zod';

import { CheckpointError, ConfigError, DataError } from '../errors.js';
import { describe } from '../config/describe.js';
import { choice, settings, whole } from '../config/fields.js';
import { parseOptions } from '../config/parseConfig.js';
import { bytePairFromJSON, bytePairSchema } from './bytePair.js';
import { specialFields, specialIds, specialNames, type SpecialTokens } from './special.js';
import { refuseId } from './tokenIds.js';

/** Text to token ids and back. */
export interface Vocabulary {
  /** `custom` is a tokenizer of the caller's, see {@link tokenizerVocabulary}. */
  readonly kind: 'character' | 'word' | 'bytePair' | 'custom';
  /** Number of ids, all of them: an embedding's `vocabSize`. */
  readonly size: number;
  /** The token of each id; none of a `custom` one. */
  readonly tokens: readonly string[];
  /** What stands for tokens that are not in the vocabulary: 0, or undefined where there are none such. */
  readonly unknownId: number | undefined;
  /** What sequences may be filled up with; `decode` leaves it out. */
  readonly paddingId: number | undefined;
  /** Ids of the special tokens by name. */
  readonly special: Readonly<Record<string, number>>;
  encode(text: string): Int32Array;
  decode(ids: ArrayLike<number>): string;
  /** What {@link vocabularyFromJSON} takes. */
  toJSON(): VocabularyJSON;
}

/** What every vocabulary made of a text takes. */
export interface VocabularyOptions extends SpecialTokens {
  /** Tokens seen less often become unknown. Default 1: keep all. */
  readonly minFrequency?: number | undefined;
  /** The most ids, all counted; the most frequent tokens stay, of equal ones the first by code unit. Default: no limit. */
  readonly maxSize?: number | undefined;
}

/** What {@link wordVocabulary} takes. */
export interface WordVocabularyOptions extends VocabularyOptions {
  /**
   * `words`: runs of letters and digits with inner apostrophes and hyphens; other visible characters stand alone.
   * `whitespace`: whatever stands between blanks and line ends, for text that is split already. Default `words`.
   */
  readonly split?: WordSplit | undefined;
}

/** How text is split into words. */
export type WordSplit = 'words' | 'whitespace';

/** A vocabulary as a checkpoint holds it. */
export type VocabularyJSON = Readonly<z.output<typeof schema>>;

/** The id of every token that is not in a character or word vocabulary. */
export const unknownId = 0;

const unknownTokens = { character: '\uFFFD', word: '<unk>' } as const;

const tokenSchema = z.strictObject({
  kind: z.enum(['character', 'word']),
  /** Without the unknown and the special tokens. */
  tokens: z.array(z.string().min(1)),
  split: z.enum(['words', 'whitespace']).optional(),
  ...specialFields,
});

const schema = z.union([
  tokenSchema,
  bytePairSchema,
  z.strictObject({ kind: z.literal('custom'), size: z.int().positive() }),
]);

const optionFields = {
  minFrequency: whole(1).default(1),
  maxSize: whole(2).optional(),
  ...specialFields,
};
const optionsSchema = settings(optionFields);
const wordOptionsSchema = settings({
  ...optionFields,
  split: choice('words', 'whitespace').default('words'),
});

// Words with inner apostrophes and hyphens, numbers, and every other visible character by itself.
const wordPattern = /[\p{L}\p{M}\p{N}_]+(?:['’-][\p{L}\p{M}\p{N}_]+)*|[^\s]/gu;

// Unlike \s, Unicode's own white space has no byte-order mark.
const blankPattern = /\P{White_Space}+/gu;

/** What decides which tokens a text has and how they are joined. */
interface Splitting extends SpecialTokens {
  readonly kind: 'character' | 'word';
  readonly split?: WordSplit | undefined;
}

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
 * @throws ConfigError; DataError for a text without characters.
 */
export function characterVocabulary(
  texts: string | readonly string[],
  options: VocabularyOptions = {},
): Vocabulary {
  const { minFrequency, maxSize, ...special } = parseOptions(optionsSchema, options, 'characterVocabulary');
  const splitting = { kind: 'character' as const, ...special };
  const kept = mostFrequent(count(texts, splitting, minFrequency), maxSize, splitting);
  return makeVocabulary(splitting, kept.sort(byCodeUnit));
}

/**
 * A vocabulary of the words of a text, most frequent first: `size` ids cover as much of it as that many can.
 * Decoding joins with blanks, so it gives back the words but not their spacing.
 *
 * @throws ConfigError; DataError for a text without words.
 * @example
 * ```ts
 * const vocabulary = wordVocabulary(texts, { minFrequency: 2, maxSize: 10_000, padding: true });
 * ```
 */
export function wordVocabulary(
  texts: string | readonly string[],
  options: WordVocabularyOptions = {},
): Vocabulary {
  const { minFrequency, maxSize, ...rest } = parseOptions(wordOptionsSchema, options, 'wordVocabulary');
  const splitting = { kind: 'word' as const, ...rest };
  return makeVocabulary(splitting, mostFrequent(count(texts, splitting, minFrequency), maxSize, splitting));
}

/**
 * The vocabulary of a `toJSON()`.
 *
 * @throws CheckpointError for anything else, and for that of a tokenizer of the caller's, which JSON does not hold.
 */
export function vocabularyFromJSON(json: unknown): Vocabulary {
  const vocabulary = savedVocabulary(json);
  if (vocabulary === undefined) throw unreadable(json);
  return vocabulary;
}

/** What a checkpoint holds: undefined for a tokenizer of the caller's. @throws CheckpointError */
export function savedVocabulary(json: unknown): Vocabulary | undefined {
  const { success, data } = schema.safeParse(json);
  if (!success) throw unreadable(json);
  if (data.kind === 'custom') return undefined;
  const vocabulary = data.kind === 'bytePair' ? bytePairFromJSON(data) : tokensFromJSON(data);
  if (vocabulary === undefined) throw unreadable(json);
  return vocabulary;
}

function tokensFromJSON(data: z.output<typeof tokenSchema>): Vocabulary | undefined {
  const all = [...data.tokens, ...specialNames(data)];
  return new Set(all).size === all.length ? makeVocabulary(data, data.tokens) : undefined;
}

function unreadable(json: unknown): CheckpointError {
  const received = describe(json);
  const expected = "what a vocabulary's toJSON() gave";
  return new CheckpointError(`vocabulary: expected ${expected}, received ${received}`, {
    name: 'vocabulary',
    expected,
    received,
  });
}

function makeVocabulary(splitting: Splitting, known: readonly string[]): Vocabulary {
  const { kind, padding = false, special = [], split: words } = splitting;
  const first = 1 + specialNames(splitting).length;
  const tokens = Object.freeze([unknownTokens[kind], ...specialNames(splitting), ...known]);
  const ids = new Map(known.map((token, index) => [token, index + first]));
  const { paddingId, special: named } = specialIds(splitting, 1);
  // Text that is split already may hold its special tokens: the end of a line, for example.
  if (words === 'whitespace') for (const [token, id] of Object.entries(named)) ids.set(token, id);
  const separator = kind === 'word' ? ' ' : '';
  return Object.freeze({
    kind,
    size: tokens.length,
    tokens,
    unknownId,
    paddingId,
    special: named,
    encode: (text: string) => Int32Array.from(split(text, splitting), (token) => ids.get(token) ?? unknownId),
    decode: (list: ArrayLike<number>) =>
      Array.from(list, (id, index) => tokens[id] ?? refuseId(id, index, tokens.length))
        .filter((_, index) => list[index] !== paddingId)
        .join(separator),
    toJSON: () => ({
      kind,
      tokens: [...known],
      ...(words === 'whitespace' && { split: words }),
      ...(padding && { padding }),
      ...(special.length > 0 && { special: [...special] }),
    }),
  });
}

function split(text: string, { kind, split: words }: Splitting): readonly string[] {
  if (kind === 'character') return Array.from(text);
  return text.match(words === 'whitespace' ? blankPattern : wordPattern) ?? [];
}

function count(
  texts: string | readonly string[],
  splitting: Splitting,
  minFrequency: number,
): Map<string, number> {
  const { kind } = splitting;
  const frequencies = new Map<string, number>();
  for (const text of typeof texts === 'string' ? [texts] : texts) {
    for (const token of split(text, splitting)) frequencies.set(token, (frequencies.get(token) ?? 0) + 1);
  }
  // The unknown token stands for others, special ones have their places: none is a token of its own.
  for (const token of [unknownTokens[kind], ...specialNames(splitting)]) frequencies.delete(token);
  for (const [token, frequency] of frequencies) if (frequency < minFrequency) frequencies.delete(token);
  if (frequencies.size > 0) return frequencies;
  const expected = `a ${kind} seen ${minFrequency} times or more`;
  throw new DataError(`texts: expected ${expected}, received none`, {
    name: 'texts',
    expected,
    received: 'none',
  });
}

/** Most frequent first, as many as there are ids left. */
function mostFrequent(
  frequencies: Map<string, number>,
  maxSize: number | undefined,
  splitting: Splitting,
): string[] {
  const sorted = [...frequencies].sort(([a, n], [b, m]) => m - n || byCodeUnit(a, b));
  const reserved = 1 + specialNames(splitting).length;
  if (maxSize !== undefined && maxSize <= reserved) {
    const expected = `more than the ${reserved} ids of unknown and special tokens`;
    throw new ConfigError(`maxSize: expected ${expected}, received ${maxSize}`, {
      path: 'maxSize',
      expected,
      received: maxSize,
    });
  }
  return sorted.slice(0, maxSize && maxSize - reserved).map(([token]) => token);
}

function byCodeUnit(a: string, b: string): number {
  return a < b ? -1 : Number(a > b);
}
