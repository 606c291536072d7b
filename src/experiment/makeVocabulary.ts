import { bytePairVocabulary } from '../text/bytePair.js';
import { characterVocabulary, wordVocabulary, type Vocabulary } from '../text/vocabulary.js';
import type { VocabularyConfig } from './dataConfig.js';

/** The vocabulary of texts that a config asks for. */
export function makeVocabulary(
  { kind, ...options }: VocabularyConfig,
  texts: string | readonly string[],
): Vocabulary {
  if (kind === 'character') return characterVocabulary(texts, options);
  if (kind === 'word') return wordVocabulary(texts, options);
  return bytePairVocabulary(texts, options as Parameters<typeof bytePairVocabulary>[1]);
}
