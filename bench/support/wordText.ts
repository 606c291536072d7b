import { readFile, writeFile } from 'node:fs/promises';
import { join } from 'node:path';

import type { Inputs } from './contender.js';
import { wordNetwork } from './cudaContender.js';
import type { WordModel } from './cudaShapes.js';

/**
 * The words of a text as ids in the order in which they first occur, each line ended by `<eos>` as is the custom for
 * WikiText; cut off after `limit` words.
 */
export function wordIds(text: string, limit: number): { ids: Int32Array; vocabSize: number } {
  const numbers = new Map<string, number>();
  const ids: number[] = [];
  for (const line of text.split('\n')) {
    for (const word of [...line.split(' ').filter((one) => one !== ''), '<eos>']) {
      const id = numbers.get(word) ?? numbers.size;
      numbers.set(word, id);
      if (ids.length < limit) ids.push(id);
    }
  }
  return { ids: Int32Array.from(ids), vocabSize: numbers.size };
}

/** Files for the epoch: token ids, and weights of a new network. */
export async function prepareWords(
  path: string,
  folder: string,
  { limit = Number.POSITIVE_INFINITY, hiddenSize = 650 } = {},
): Promise<{ words: WordModel; inputs: Inputs; wordsPerEpoch: number }> {
  const { ids, vocabSize } = wordIds(await readFile(path, 'utf8'), limit);
  const tokensPath = join(folder, 'words.tokens');
  await writeFile(tokensPath, ids);
  const [batchSize, timeSteps] = [20, 35];
  const words = {
    tokensPath,
    vocabSize,
    hiddenSize,
    numLayers: 2,
    dropout: 0.5,
    batchSize,
    timeSteps,
  };
  const weightsPath = join(folder, 'words.safetensors');
  await using model = await wordNetwork(words);
  await model.save(weightsPath, { includeOptimizer: false });
  const steps = Math.floor(Math.floor((ids.length - 1) / batchSize) / timeSteps);
  const inputs = { weightsPath, xPath: '', yPath: '' };
  return { words, inputs, wordsPerEpoch: steps * timeSteps * batchSize };
}
