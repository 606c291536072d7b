import { describe, expect, it } from 'vitest';

import { languageModelStream } from '../../../src/data/languageModelStream.js';
import { ConfigError, DataError, ShapeError } from '../../../src/errors.js';

const tokens = Array.from({ length: 12 }, (_, index) => index);

describe('languageModelStream', () => {
  it('reads parts of the text side by side, with the next tokens as targets', () => {
    // 11 inputs in 2 parts of 5: 0..4 and 5..9.
    const stream = languageModelStream({ tokens, batchSize: 2, timeSteps: 2 });
    expect(stream).toMatchObject({ kind: 'stream', steps: 2, largestId: 11 });
    const { batch, targets, rows } = stream.batch(1);
    expect(rows).toBe(2);
    expect(batch).toEqual({ batchSize: 2, timeSteps: 2, tokens: Int32Array.of(2, 3, 7, 8) });
    expect([...targets!.ids!]).toEqual([3, 4, 8, 9]);
  });

  it('goes on in each batch where the one before ended', () => {
    const stream = languageModelStream({ tokens, batchSize: 1, timeSteps: 3 });
    const read = Array.from({ length: stream.steps }, (_, k) => [...stream.batch(k).batch.tokens!]);
    expect(read.flat()).toEqual([0, 1, 2, 3, 4, 5, 6, 7, 8]);
  });

  it('ends with a shorter batch without dropLast', () => {
    const stream = languageModelStream({ tokens, batchSize: 2, timeSteps: 2, dropLast: false });
    expect(stream.steps).toBe(3);
    const { batch, targets } = stream.batch(2);
    expect(batch).toEqual({ batchSize: 2, timeSteps: 1, tokens: Int32Array.of(4, 9) });
    expect([...targets!.ids!]).toEqual([5, 10]);
  });

  it('copies the tokens', () => {
    const own = Int32Array.from(tokens);
    const stream = languageModelStream({ tokens: own, batchSize: 1, timeSteps: 2 });
    own.fill(0);
    expect([...stream.batch(0).batch.tokens!]).toEqual([0, 1]);
  });

  it.each([
    ['a text shorter than one batch', { tokens: [1, 2, 3], batchSize: 1, timeSteps: 3 }, DataError],
    ['an empty text', { tokens: [], batchSize: 1, timeSteps: 1 }, DataError],
    ['a negative id', { tokens: [1, -1, 1], batchSize: 1, timeSteps: 1 }, DataError],
    ['a fraction', { tokens: [1, 1.5, 1], batchSize: 1, timeSteps: 1 }, DataError],
    [
      'a text instead of ids',
      { tokens: 'abc' as unknown as number[], batchSize: 1, timeSteps: 1 },
      ShapeError,
    ],
    ['no parts', { tokens, batchSize: 0, timeSteps: 1 }, ConfigError],
    ['a fraction of steps', { tokens, batchSize: 1, timeSteps: 1.5 }, ConfigError],
  ])('refuses %s', (_, options, type) => {
    expect(() => languageModelStream(options)).toThrow(type);
  });

  it('refuses a batch beyond the last', () => {
    expect(() => languageModelStream({ tokens, batchSize: 2, timeSteps: 2 }).batch(2)).toThrow(ConfigError);
  });
});
