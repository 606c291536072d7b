import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { describe, expect, it } from 'vitest';
import {
  adam,
  dense,
  embedding,
  generate,
  languageModelStream,
  loadModel,
  lstm,
  maxNorm,
  sequential,
  wordVocabulary,
} from '../../src/index.js';
import { devices } from '../support/devices.js';

const text = 'the cat saw the dog and the dog saw the cat and the bird saw them all '.repeat(20);
const vocabulary = wordVocabulary(text);
const size = 8;

const layers = [
  embedding({ vocabSize: vocabulary.size, size, dropout: 0.1, constraint: maxNorm(2) }),
  lstm({ hiddenSize: 16, projectionSize: size }),
  dense({ units: vocabulary.size, activation: 'softmax', tiedTo: 'embedding' }),
];

describe.each(devices)('a language model with tied weights on $name', ({ options }) => {
  it('learns, holds its table once, and goes on from a file', async () => {
    await using model = await sequential(layers, { ...options, seed: 5, vocabulary });
    expect(model.parameters.map(({ name }) => name)).toEqual([
      'embedding.weight',
      'lstm.weight_ih_l0',
      'lstm.weight_hh_l0',
      'lstm.weight_hr_l0',
      'lstm.bias_ih_l0',
      'lstm.bias_hh_l0',
      'fc.bias',
    ]);
    const stream = languageModelStream({ tokens: vocabulary.encode(text), batchSize: 4, timeSteps: 10 });
    const fit = { loss: 'crossEntropy', optimizer: adam({ learningRate: 0.02 }), verbose: 'silent' } as const;
    const { epochs } = await model.fit(stream, { ...fit, epochs: 12, metrics: ['perplexity'] });
    expect(epochs.at(-1)!.perplexity!).toBeLessThan(3);
    expect(epochs[0]!.perplexity!).toBeGreaterThan(5);
    // The constraint is on the one table.
    const { 'embedding.weight': table } = await model.getWeights();
    for (let row = 0; row < vocabulary.size; row++) {
      expect(Math.hypot(...table!.data.subarray(row * size, (row + 1) * size))).toBeLessThan(2.0001);
    }

    const folder = await mkdtemp(join(tmpdir(), 'tied-'));
    try {
      const path = join(folder, 'model.safetensors');
      await model.save(path);
      await using loaded = await loadModel(path, options);
      const on = { ...fit, epochs: 13, initialEpoch: 12 };
      await Promise.all([model.fit(stream, on), loaded.fit(stream, on)]);
      expect(await loaded.getWeights()).toEqual(await model.getWeights());
      const written = await generate(loaded, { prompt: 'the cat', length: 4, seed: 1 });
      expect(written.split(' ').length).toBeGreaterThan(2);
    } finally {
      await rm(folder, { recursive: true });
    }
  });
});
