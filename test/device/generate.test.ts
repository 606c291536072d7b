import { afterAll, beforeAll, describe, expect, it } from 'vitest';

import {
  AbortError,
  characterVocabulary,
  dense,
  embedding,
  generate,
  languageModelStream,
  lstm,
  type Model,
  sequential,
} from '../../src/index.js';

const text = 'the cat sat on the mat. '.repeat(60);
const vocabulary = characterVocabulary(text);
let model: Model;

beforeAll(async () => {
  model = await sequential(
    [
      embedding({ vocabSize: vocabulary.size, size: 16 }),
      lstm({ hiddenSize: 48 }),
      dense({ units: vocabulary.size }),
    ],
    { device: 'cpu', threads: 1, seed: 2, vocabulary },
  );
  const stream = languageModelStream({ tokens: vocabulary.encode(text), batchSize: 4, timeSteps: 24 });
  await model.fit(stream, {
    epochs: 30,
    loss: 'crossEntropy',
    optimizer: { kind: 'adam', learningRate: 0.01, beta1: 0.9, beta2: 0.999, epsilon: 1e-8 },
    verbose: 'silent',
  });
});
afterAll(() => model.dispose());

describe('generate', () => {
  it('goes on with a text that was learned by heart', async () => {
    const prompt = 'the cat sat on the mat. the c';
    expect(await generate(model, { prompt, length: 40, temperature: 0 })).toBe(
      text.slice(prompt.length, prompt.length + 40),
    );
  });

  it('writes what reading prompt and text at once predicts', async () => {
    const prompt = 'the ';
    const written = await generate(model, { prompt, length: 12, temperature: 0 });
    const ids = vocabulary.encode(prompt + written);
    const { y } = await model.predict([ids]);
    for (let step = prompt.length - 1; step < ids.length - 1; step++) {
      const scores = y.data.subarray(step * vocabulary.size, (step + 1) * vocabulary.size);
      expect(scores.indexOf(Math.max(...scores))).toBe(ids[step + 1]);
    }
  });

  it('writes the same text for the same seed', async () => {
    const write = (seed: number) => generate(model, { prompt: 't', length: 30, temperature: 3, seed });
    expect(await write(1)).toBe(await write(1));
    expect(await write(1)).not.toBe(await write(2));
  });

  it('leaves the states that training carries alone', async () => {
    const before = await model.predict([vocabulary.encode('the cat')]);
    await generate(model, { prompt: 'sat', length: 5 });
    expect(await model.predict([vocabulary.encode('the cat')])).toEqual(before);
  });

  it('ends with AbortError when its signal says so', async () => {
    const aborter = new AbortController();
    const promise = generate(model, { prompt: 't', length: 100_000, signal: aborter.signal });
    setTimeout(() => aborter.abort(), 20);
    await expect(promise).rejects.toThrow(AbortError);
  });
});
