import { z } from 'zod';

import { settings, whole } from '../config/fields.js';
import { parseOptions } from '../config/parseConfig.js';
import { DataError } from '../errors.js';
import { learnMerges, type Merge } from './bytePairTraining.js';
import { specialFields, specialIds, specialNames, type SpecialTokens } from './special.js';
import { refuseId } from './tokenIds.js';
import type { Vocabulary } from './vocabulary.js';

/** What {@link bytePairVocabulary} takes. */
export interface BytePairOptions extends SpecialTokens {
  /** The most ids: 256 bytes, the special tokens and the pairs that are merged. */
  readonly maxSize: number;
  /** Pairs seen less often are not merged. Default 2. */
  readonly minFrequency?: number | undefined;
}

const bytes = 256;
/** Longer than any piece of text; it keeps a file from naming tokens that double in length with each merge. */
const longestToken = 1024;

/** Of a byte-pair vocabulary in a file. */
export const bytePairSchema = z.strictObject({
  kind: z.literal('bytePair'),
  /** Symbols below 256 are bytes, symbol 256 + k is merge k. */
  merges: z.array(z.tuple([z.int().nonnegative(), z.int().nonnegative()])),
  ...specialFields,
});

type BytePairJSON = Readonly<z.output<typeof bytePairSchema>>;

const optionsSchema = settings({
  maxSize: whole(bytes),
  minFrequency: whole(1).default(2),
  ...specialFields,
});

// A word, number or run of signs with the blank before it; of more white space the last blank goes with what follows. No
// piece is longer than 64 characters, so that no text takes time that grows with its square.
const piecePattern = / ?[\p{L}\p{M}]{1,64}| ?\p{N}{1,64}| ?[^\s\p{L}\p{M}\p{N}]{1,64}|\s{1,64}(?!\S)|\s/gu;

/**
 * A vocabulary of the pieces that a text is best made of: it begins with the 256 bytes and merges, again and again, the
 * pair of neighbours seen most often within words (Sennrich, Haddow and Birch, "Neural machine translation of rare words
 * with subword units", 2016, algorithm 1; on the bytes of UTF-8, words with the blank before them, as in Radford et al.
 * 2019). There is no unknown token: every text comes back from its ids, but for halves of surrogate pairs.
 *
 * Of pairs seen equally often the one of lower symbols is merged first. Ids: special tokens, bytes, merges.
 *
 * @throws ConfigError for a `maxSize` without room for bytes and special tokens; DataError for an empty text.
 * @example
 * ```ts
 * const vocabulary = bytePairVocabulary(text, { maxSize: 2000 });
 * vocabulary.decode(vocabulary.encode('naïve 🙂')); // 'naïve 🙂'
 * ```
 */
export function bytePairVocabulary(texts: string | readonly string[], options: BytePairOptions): Vocabulary {
  const parsed = parseOptions(optionsSchema, options, 'bytePairVocabulary');
  const { maxSize, minFrequency, ...special } = parsed;
  const reserved = bytes + specialNames(special).length;
  parseOptions(settings({ maxSize: whole(reserved) }), { maxSize }, 'bytePairVocabulary');
  const frequencies = new Map<string, number>();
  for (const text of typeof texts === 'string' ? [texts] : texts) {
    for (const piece of piecesOf(text)) frequencies.set(piece, (frequencies.get(piece) ?? 0) + 1);
  }
  if (frequencies.size === 0) {
    const expected = 'at least one character';
    throw new DataError(`texts: expected ${expected}, received none`, {
      name: 'texts',
      expected,
      received: 'none',
    });
  }
  const encoder = new TextEncoder();
  const words = [...frequencies].map(([piece, count]) => ({ symbols: [...encoder.encode(piece)], count }));
  return makeBytePair({
    kind: 'bytePair',
    ...special,
    merges: learnMerges(words, maxSize - reserved, minFrequency),
  })!;
}

/** Undefined for merges that no training gives. */
export function bytePairFromJSON(json: BytePairJSON): Vocabulary | undefined {
  return makeBytePair(json);
}

function makeBytePair(json: BytePairJSON): Vocabulary | undefined {
  const { merges, padding = false, special = [] } = json;
  const spelt = spelling(merges);
  const ranks = rankOf(merges);
  if (spelt === undefined || ranks === undefined) return undefined;
  const names = specialNames(json);
  const first = names.length;
  const tokens = Object.freeze([
    ...names,
    ...spelt.map((token) => new TextDecoder().decode(Uint8Array.from(token))),
  ]);
  const { paddingId, special: named } = specialIds(json, 0);
  const encoder = new TextEncoder();
  const spellings = [
    ...names.map((token) => encoder.encode(token)),
    ...spelt.map((token) => Uint8Array.from(token)),
  ];
  const pieces = new PieceEncoder(ranks);
  return Object.freeze({
    kind: 'bytePair' as const,
    size: tokens.length,
    tokens,
    unknownId: undefined,
    paddingId,
    special: named,
    encode: (text: string) => pieces.encode(text, first),
    decode: (ids: ArrayLike<number>) => decodeBytes(ids, spellings, paddingId),
    toJSON: () => ({
      kind: 'bytePair' as const,
      merges: merges.map(([a, b]): [number, number] => [a, b]),
      ...(padding && { padding }),
      ...(special.length > 0 && { special: [...special] }),
    }),
  });
}

/** The text of ids whose bytes are `spellings`, padding left out. @throws DataError */
function decodeBytes(
  ids: ArrayLike<number>,
  spellings: readonly Uint8Array[],
  paddingId: number | undefined,
): string {
  let length = 0;
  for (let index = 0; index < ids.length; index++) {
    const spelt = spellings[ids[index]!] ?? refuseId(ids[index], index, spellings.length);
    if (ids[index] !== paddingId) length += spelt.length;
  }
  const all = new Uint8Array(length);
  let at = 0;
  for (let index = 0; index < ids.length; index++) {
    if (ids[index] === paddingId) continue;
    all.set(spellings[ids[index]!]!, at);
    at += spellings[ids[index]!]!.length;
  }
  return new TextDecoder('utf-8', { ignoreBOM: true }).decode(all);
}

/** The bytes of each symbol; undefined where a merge names one that is not there yet, or one becomes too long. */
function spelling(merges: readonly Merge[]): readonly (readonly number[])[] | undefined {
  const spelt: (readonly number[])[] = Array.from({ length: bytes }, (_, byte) => [byte]);
  for (const [a, b] of merges) {
    const [left, right] = [spelt[a], spelt[b]];
    if (left === undefined || right === undefined || left.length + right.length > longestToken)
      return undefined;
    spelt.push([...left, ...right]);
  }
  return spelt;
}

/** The number of each merge by its pair; undefined where a pair comes twice. */
function rankOf(merges: readonly Merge[]): ReadonlyMap<number, number> | undefined {
  const ranks = new Map(merges.map(([a, b], rank) => [pairKey(a, b), rank]));
  return ranks.size === merges.length ? ranks : undefined;
}

function pairKey(a: number, b: number): number {
  return a * 0x400_0000 + b;
}

function piecesOf(text: string): readonly string[] {
  return text.match(piecePattern) ?? [];
}

/** Symbols of texts: in each piece the earliest merge first, until none is left. */
class PieceEncoder {
  readonly #ranks: ReadonlyMap<number, number>;
  readonly #encoder = new TextEncoder();
  /** Pieces met before; texts repeat their words. */
  #known = new Map<string, readonly number[]>();

  constructor(ranks: ReadonlyMap<number, number>) {
    this.#ranks = ranks;
  }

  /** Symbols, `first` added to each. */
  encode(text: string, first: number): Int32Array {
    const pieces = piecesOf(text).map((piece) => this.#piece(piece));
    const symbols = new Int32Array(pieces.reduce((sum, { length }) => sum + length, 0));
    let at = 0;
    for (const piece of pieces) for (const symbol of piece) symbols[at++] = symbol + first;
    return symbols;
  }

  #piece(piece: string): readonly number[] {
    const known = this.#known.get(piece);
    if (known !== undefined) return known;
    const symbols = [...this.#encoder.encode(piece)];
    for (let at = this.#earliest(symbols); at >= 0; at = this.#earliest(symbols)) {
      const rank = this.#ranks.get(pairKey(symbols[at]!, symbols[at + 1]!))!;
      symbols.splice(at, 2, bytes + rank);
    }
    // A bound on memory; what is forgotten is only computed again.
    if (this.#known.size >= 100_000) this.#known = new Map();
    this.#known.set(piece, symbols);
    return symbols;
  }

  /** Where the earliest merge applies first; -1 for nowhere. */
  #earliest(symbols: readonly number[]): number {
    let [best, place] = [Infinity, -1];
    for (let at = 0; at + 1 < symbols.length; at++) {
      const rank = this.#ranks.get(pairKey(symbols[at]!, symbols[at + 1]!)) ?? Infinity;
      if (rank < best) [best, place] = [rank, at];
    }
    return place;
  }
}
