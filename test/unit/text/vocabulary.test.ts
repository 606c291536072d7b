import { describe, expect, it } from 'vitest';

import { CheckpointError, ConfigError, DataError } from '../../../src/errors.js';
import { bytePairVocabulary } from '../../../src/text/bytePair.js';
import { characterVocabulary, vocabularyFromJSON, wordVocabulary } from '../../../src/text/vocabulary.js';

describe('characterVocabulary', () => {
  it('gives each character an id after the unknown one', () => {
    const vocabulary = characterVocabulary('banana');
    expect(vocabulary.size).toBe(4);
    expect([...vocabulary.encode('nab')]).toEqual([3, 1, 2]);
    expect(vocabulary.decode([2, 1, 3])).toBe('ban');
  });

  it('takes a character outside the basic plane as one', () => {
    const vocabulary = characterVocabulary('a😀');
    expect([...vocabulary.encode('😀a')]).toEqual([2, 1]);
    expect(vocabulary.decode(vocabulary.encode('😀a'))).toBe('😀a');
  });

  it('gives what it does not know the id 0', () => {
    const vocabulary = characterVocabulary('ab');
    expect([...vocabulary.encode('xb')]).toEqual([0, 2]);
    expect(vocabulary.decode([0, 2])).toBe('\uFFFDb');
  });

  it('leaves rare characters out', () => {
    expect(characterVocabulary(['aab', 'bc'], { minFrequency: 2 }).tokens).toEqual(['\uFFFD', 'a', 'b']);
  });

  it.each([-1, 3, 1.5, Number.NaN])('refuses to decode the id %d', (id) => {
    expect(() => characterVocabulary('ab').decode([1, id])).toThrow(DataError);
  });

  it('refuses an empty text', () => {
    expect(() => characterVocabulary('')).toThrow(DataError);
  });

  it('keeps the most frequent characters where its size is limited', () => {
    const vocabulary = characterVocabulary('zzzbba', { maxSize: 3 });
    expect(vocabulary.tokens).toEqual(['\uFFFD', 'b', 'z']);
  });

  it('has padding and special tokens after the unknown one, which no text is encoded to', () => {
    const vocabulary = characterVocabulary('<eos>', {
      padding: true,
      special: ['<bos>', '<eos>'],
      maxSize: 6,
    });
    expect(vocabulary.tokens).toEqual(['\uFFFD', '<pad>', '<bos>', '<eos>', '<', '>']);
    expect(vocabulary.unknownId).toBe(0);
    expect(vocabulary.paddingId).toBe(1);
    expect(vocabulary.special).toEqual({ '<bos>': 2, '<eos>': 3 });
    expect([...vocabulary.encode('<eos>')]).toEqual([4, 0, 0, 0, 5]);
    expect(vocabulary.decode([2, 4, 1, 1, 3])).toBe('<bos><<eos>');
  });

  it.each([
    [{ minFrequency: 0 }, 'characterVocabulary.minFrequency: expected a whole number from 1, received 0'],
    [
      { maxSize: 2, padding: true },
      'maxSize: expected more than the 2 ids of unknown and special tokens, received 2',
    ],
    [{ special: ['<a>', '<a>'] }, 'characterVocabulary.special: expected tokens that differ'],
    [{ special: ['<pad>'] }, 'characterVocabulary.special: expected tokens that differ'],
    [{ maxsize: 5 }, "did you mean 'maxSize'?"],
  ])('refuses the options %j', (options, message) => {
    expect(() => characterVocabulary('abc', options as object)).toThrow(ConfigError);
    expect(() => characterVocabulary('abc', options as object)).toThrow(message);
  });
});

describe('wordVocabulary', () => {
  it('orders words by how often they come, then by their letters', () => {
    const vocabulary = wordVocabulary("the cat, the dog: don't well-known 42");
    expect(vocabulary.tokens).toEqual(['<unk>', 'the', ',', '42', ':', 'cat', 'dog', "don't", 'well-known']);
  });

  it('joins words with blanks', () => {
    const vocabulary = wordVocabulary('a b a');
    expect(vocabulary.decode(vocabulary.encode('b  a c'))).toBe('b a <unk>');
  });

  it('takes text that is split already as it stands, its unknown and special words included', () => {
    const text = 'the <unk> is it - <eos>\n the end\u00a0\ufeff , <eos>';
    const vocabulary = wordVocabulary(text, { split: 'whitespace', special: ['<eos>'] });
    expect(vocabulary.tokens).toEqual(['<unk>', '<eos>', 'the', ',', '-', 'end', 'is', 'it', '\ufeff']);
    expect([...vocabulary.encode('the <unk> end <eos>')]).toEqual([2, 0, 5, 1]);
  });

  it('has no more ids than were asked for', () => {
    const vocabulary = wordVocabulary('a a a b b c c d', { maxSize: 3 });
    expect(vocabulary.tokens).toEqual(['<unk>', 'a', 'b']);
  });
});

describe('vocabularyFromJSON', () => {
  it.each([
    characterVocabulary('héllo😀'),
    wordVocabulary('one two two'),
    characterVocabulary('abc', { padding: true }),
    wordVocabulary('one-two <s>', { split: 'whitespace', padding: true, special: ['<s>'] }),
    bytePairVocabulary('one two one two', { maxSize: 260, special: ['<s>'] }),
  ])('gives the same vocabulary again', (made) => {
    const again = vocabularyFromJSON(JSON.parse(JSON.stringify(made)));
    expect(again.kind).toBe(made.kind);
    expect(again.tokens).toEqual(made.tokens);
    expect(again.special).toEqual(made.special);
    expect(again.paddingId).toBe(made.paddingId);
    expect(again.encode('one <s> two')).toEqual(made.encode('one <s> two'));
  });

  it.each([
    ['nothing', undefined],
    ['another kind', { kind: 'syllable', tokens: ['a'] }],
    ['tokens that are no texts', { kind: 'word', tokens: [1] }],
    ['a token twice', { kind: 'word', tokens: ['a', 'a'] }],
    ['an unknown field', { kind: 'word', tokens: ['a'], more: 1 }],
    ['a special token among the others', { kind: 'word', tokens: ['a'], special: ['a'] }],
    ["a tokenizer of the caller's", { kind: 'custom', size: 4 }],
    ['a merge of what is not there yet', { kind: 'bytePair', merges: [[97, 256]] }],
    [
      'a merge twice',
      {
        kind: 'bytePair',
        merges: [
          [97, 98],
          [97, 98],
        ],
      },
    ],
    [
      'tokens that double with each merge',
      {
        kind: 'bytePair',
        merges: Array.from({ length: 40 }, (_, k) => (k === 0 ? [97, 97] : [255 + k, 255 + k])),
      },
    ],
  ])('refuses %s', (_, json) => {
    expect(() => vocabularyFromJSON(json)).toThrow(CheckpointError);
  });
});
