import { readFileSync } from 'node:fs';
import { join } from 'node:path';

/** WikiText-2, or its beginning, as ids. */
export interface WikiText {
  readonly training: Int32Array;
  readonly validation: Int32Array;
  readonly test: Int32Array;
  /** Ids are below it. */
  readonly vocabSize: number;
}

/**
 * Reads WikiText-2: all of it with its 33,278 words, or the first `tokens` words of the training text, the words that these
 * have three times or more, and a quarter as many words of the two other texts. Id 0 stands for unknown words, as `<unk>` does in
 * the text.
 */
export function readWikiText(folder: string, tokens: number | 'all'): WikiText {
  const count = tokens === 'all' ? Infinity : tokens;
  const text = words(folder, 'train.txt').slice(0, count);
  const ids = knownWords(text, tokens === 'all' ? 1 : 3);
  const encode = (list: readonly string[]) => Int32Array.from(list, (word) => ids.get(word) ?? 0);
  const other = (file: string) => encode(words(folder, file).slice(0, count / 4));
  return {
    training: encode(text),
    validation: other('valid.txt'),
    test: other('test.txt'),
    vocabSize: ids.size + 1,
  };
}

/** The option `--tokens`: a number of words, or 'all'. */
export function tokenCount(value: string | undefined, standard: number): number | 'all' {
  return value === 'all' ? value : Number(value ?? standard);
}

/** The words of a file, each line ending in one more. */
function words(folder: string, file: string): string[] {
  const lines = readFileSync(join(folder, file), 'utf8').replace(/\n$/, '').split('\n');
  return lines.flatMap((line) => [...line.split(' ').filter((word) => word !== ''), '<eos>']);
}

/** Ids from 1 for words seen often enough. */
function knownWords(list: readonly string[], atLeast: number): ReadonlyMap<string, number> {
  const counts = new Map<string, number>();
  for (const word of list) if (word !== '<unk>') counts.set(word, (counts.get(word) ?? 0) + 1);
  const known = [...counts].filter(([, count]) => count >= atLeast);
  return new Map(known.map(([word], index) => [word, index + 1]));
}
