import { describe, expect, it } from 'vitest';

import { CheckpointError, DataError } from '../../../src/errors.js';
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
});

describe('vocabularyFromJSON', () => {
  it.each([characterVocabulary('héllo😀'), wordVocabulary('one two two')])(
    'gives the same vocabulary again',
    (made) => {
      const again = vocabularyFromJSON(JSON.parse(JSON.stringify(made)));
      expect(again.kind).toBe(made.kind);
      expect(again.tokens).toEqual(made.tokens);
    },
  );

  it.each([
    ['nothing', undefined],
    ['another kind', { kind: 'syllable', tokens: ['a'] }],
    ['tokens that are no texts', { kind: 'word', tokens: [1] }],
    ['a token twice', { kind: 'word', tokens: ['a', 'a'] }],
    ['an unknown field', { kind: 'word', tokens: ['a'], more: 1 }],
  ])('refuses %s', (_, json) => {
    expect(() => vocabularyFromJSON(json)).toThrow(CheckpointError);
  });
});
