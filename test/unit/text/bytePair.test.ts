import { describe, expect, it } from 'vitest';

import { ConfigError, DataError } from '../../../src/errors.js';
import { bytePairVocabulary, tokenizerVocabulary } from '../../../src/index.js';

// The words of Sennrich et al. 2016, figure 1, and their counts; line ends keep blanks out of the words.
const words = { low: 5, lower: 2, newest: 6, widest: 3 };
const text = Object.entries(words)
  .map(([word, count]) => `${word}\n`.repeat(count))
  .join('');

/** Counts all pairs anew for each merge, as algorithm 1 of the paper does. */
function plainMerges(counted: Readonly<Record<string, number>>, limit: number): string[] {
  let list = Object.entries(counted).map(([word, count]) => ({ symbols: [...word], count }));
  const order = new Map<string, number>();
  const rank = (symbol: string) => order.get(symbol) ?? symbol.charCodeAt(0);
  const merges: string[] = [];
  while (merges.length < limit) {
    const pairs = new Map<string, { left: string; right: string; count: number }>();
    for (const { symbols, count } of list) {
      for (let at = 0; at + 1 < symbols.length; at++) {
        const [left, right] = [symbols[at]!, symbols[at + 1]!];
        const key = JSON.stringify([left, right]);
        pairs.set(key, { left, right, count: (pairs.get(key)?.count ?? 0) + count });
      }
    }
    const [best] = [...pairs.values()]
      .filter(({ count }) => count >= 2)
      .sort((a, b) => b.count - a.count || rank(a.left) - rank(b.left) || rank(a.right) - rank(b.right));
    if (best === undefined) break;
    order.set(best.left + best.right, 256 + merges.length);
    merges.push(best.left + best.right);
    list = list.map(({ symbols, count }) => {
      const next: string[] = [];
      for (const symbol of symbols) {
        // The pair's first symbol waits at the end for its second one.
        if (symbol === best.right && next.at(-1) === best.left) next.splice(-1, 1, best.left + best.right);
        else next.push(symbol);
      }
      return { symbols: next, count };
    });
  }
  return merges;
}

describe('bytePairVocabulary', () => {
  it('merges the most frequent pair, again and again', () => {
    const { tokens } = bytePairVocabulary(text, { maxSize: 262 });
    // By hand: e·s 9, es·t 9, l·o 7, lo·w 7; then e·w, n·e and w·est 6 each, of which e comes first; then n·ew.
    expect(tokens.slice(256)).toEqual(['es', 'est', 'lo', 'low', 'ew', 'new']);
  });

  it('merges as counting anew each time does', () => {
    const many: Record<string, number> = { ...words };
    // Words of few letters, so that pairs overlap and recur: aaaa, abab, ...
    for (let k = 0; k < 60; k++) {
      const word = (k * 7919).toString(3).replaceAll('0', 'a').replaceAll('1', 'b').replaceAll('2', 'c');
      many[word] = (many[word] ?? 0) + (k % 5) + 1;
    }
    const source = Object.entries(many)
      .map(([word, count]) => `${word}\n`.repeat(count))
      .join('');
    const { tokens } = bytePairVocabulary(source, { maxSize: 400 });
    const expected = plainMerges(many, 144);
    expect(expected.length).toBeGreaterThan(50);
    expect(tokens.slice(256)).toEqual(expected);
  });

  it('encodes with the earliest merges first', () => {
    const vocabulary = bytePairVocabulary(text, { maxSize: 262 });
    const pieces = (part: string) => [...vocabulary.encode(part)].map((id) => vocabulary.tokens[id]);
    expect(pieces('lowest')).toEqual(['low', 'est']);
    expect(pieces('newer')).toEqual(['new', 'e', 'r']);
  });

  it.each([
    ['nothing', ''],
    ['blanks, tabs and lines', '  two   three \t\n\n  x \r\n'],
    ['letters of many scripts', 'Größe naïve Ελλάδα Привет こんにちは 안녕 हिन्दी العربية'],
    ['signs outside the basic plane', '🙂👩‍👩‍👧‍👦 𝒳 🇩🇪'],
    ['combining marks and controls', 'e\u0301 \u0000\u0007\u200b\u00a0\ufeff\uffff'],
    ['a word without end', 'ab'.repeat(5000)],
    ['what looks like a special token', '<eos><pad>'],
  ])('gives back %s', (_, sample) => {
    const vocabulary = bytePairVocabulary(text, { maxSize: 300, padding: true, special: ['<eos>'] });
    expect(vocabulary.decode(vocabulary.encode(sample))).toBe(sample);
    const own = bytePairVocabulary(`${sample} ${sample}`, { maxSize: 1000 });
    expect(own.decode(own.encode(sample))).toBe(sample);
  });

  it('gives back every code point', () => {
    const vocabulary = bytePairVocabulary(text, { maxSize: 300 });
    let all = '';
    for (let point = 0; point <= 0x10_ffff; point += point < 0x3000 ? 1 : 251) {
      if (point < 0xd800 || point > 0xdfff) all += String.fromCodePoint(point);
    }
    expect(vocabulary.decode(vocabulary.encode(all))).toBe(all);
  });

  it('has special tokens before the bytes, which no text is encoded to', () => {
    const vocabulary = bytePairVocabulary(text, { maxSize: 300, padding: true, special: ['<eos>'] });
    expect(vocabulary.paddingId).toBe(0);
    expect(vocabulary.special).toEqual({ '<eos>': 1 });
    expect(vocabulary.unknownId).toBeUndefined();
    expect([...vocabulary.encode('a<eos>')].every((id) => id >= 2)).toBe(true);
    expect(vocabulary.decode([0, 97 + 2, 1, 0])).toBe('a<eos>');
  });

  it('stops where no pair is frequent enough', () => {
    expect(bytePairVocabulary('abc abd', { maxSize: 1000 }).tokens.slice(256)).toEqual(['ab']);
    expect(bytePairVocabulary('abc', { maxSize: 1000 }).size).toBe(256);
  });

  it('refuses what cannot be', () => {
    expect(() => bytePairVocabulary(text, { maxSize: 255 })).toThrow(ConfigError);
    expect(() => bytePairVocabulary(text, { maxSize: 256, padding: true })).toThrow(
      'bytePairVocabulary.maxSize: expected a whole number from 257, received 256',
    );
    expect(() => bytePairVocabulary('', { maxSize: 300 })).toThrow(DataError);
    expect(() => bytePairVocabulary(text, { maxSize: 300 }).decode([300])).toThrow(DataError);
  });
});

describe('tokenizerVocabulary', () => {
  const letters = {
    encode: (part: string) => [...part].map((letter) => letter.charCodeAt(0) - 97),
    decode: (ids: number[]) => String.fromCharCode(...ids.map((id) => id + 97)),
  };

  it('encodes and decodes with the tokenizer', () => {
    const vocabulary = tokenizerVocabulary(letters, { size: 26 });
    expect(vocabulary.encode('bad')).toEqual(Int32Array.of(1, 0, 3));
    expect(vocabulary.decode(Int32Array.of(1, 0, 3))).toBe('bad');
    expect(vocabulary.toJSON()).toEqual({ kind: 'custom', size: 26 });
  });

  it('refuses ids that are none, and objects that are no tokenizer', () => {
    const vocabulary = tokenizerVocabulary(letters, { size: 2 });
    expect(() => vocabulary.encode('abc')).toThrow(
      'tokenizer.encode, id 2: expected a whole number from 0 to 1',
    );
    const silent = tokenizerVocabulary({ ...letters, encode: () => undefined as never }, { size: 2 });
    expect(() => silent.encode('a')).toThrow(DataError);
    expect(() => tokenizerVocabulary({} as never, { size: 2 })).toThrow(ConfigError);
  });
});
