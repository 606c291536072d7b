import { describe, expect, it } from 'vitest';

import {
  languageModelStream,
  type LanguageModelPass,
  type LanguageModelStreamOptions,
} from '../../../src/data/languageModelStream.js';
import { ConfigError, DataError, type LstmError, ShapeError } from '../../../src/errors.js';

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
    [
      'lengths that it does not know',
      { tokens, batchSize: 1, timeSteps: 5, lengths: 'normal' as unknown as 'random' },
      ConfigError,
    ],
    [
      'steps that are fewer than the shortest random length',
      { tokens, batchSize: 1, timeSteps: 4, lengths: 'random' },
      ConfigError,
    ],
    ['a negative seed', { tokens, batchSize: 1, timeSteps: 5, lengths: 'random', seed: -1 }, ConfigError],
    [
      'a text shorter than one batch of random lengths',
      { tokens: [1, 2, 3, 4, 5], batchSize: 1, timeSteps: 5, lengths: 'random' },
      DataError,
    ],
  ] as readonly [string, LanguageModelStreamOptions, typeof LstmError][])(
    'refuses %s',
    (_, options, type) => {
      expect(() => languageModelStream(options)).toThrow(type);
    },
  );

  it('refuses a batch beyond the last', () => {
    expect(() => languageModelStream({ tokens, batchSize: 2, timeSteps: 2 }).batch(2)).toThrow(ConfigError);
  });
});

describe('languageModelStream with random lengths', () => {
  // Ids are places, so what is read says where it stood.
  const places = Array.from({ length: 4 * 500 + 3 }, (_, index) => index);
  const options = { tokens: places, batchSize: 4, timeSteps: 30, lengths: 'random', seed: 6 } as const;
  const batchesOf = ({ steps, batch }: LanguageModelPass) =>
    Array.from({ length: steps }, (_, k) => {
      const { batch: read, targets, rateFactor } = batch(k);
      return {
        timeSteps: read.timeSteps,
        tokens: [...read.tokens!],
        targets: [...targets!.ids!],
        rateFactor,
      };
    });

  it('reads every token once and has every next one as target once, in each pass', () => {
    const stream = languageModelStream({ ...options, dropLast: false });
    for (const epoch of [0, 1, 2, 17]) {
      const batches = batchesOf(stream.pass!(epoch));
      const inOrder = (ids: number[]) => ids.sort((a, b) => a - b);
      expect(inOrder(batches.flatMap((batch) => batch.tokens))).toEqual(places.slice(0, 2000));
      expect(inOrder(batches.flatMap((batch) => batch.targets))).toEqual(places.slice(1, 2001));
      let from = 0;
      for (const { timeSteps, tokens } of batches) {
        const row = (n: number) => Array.from({ length: timeSteps }, (_, t) => n * 500 + from + t);
        expect(tokens).toEqual([0, 1, 2, 3].flatMap(row));
        from += timeSteps;
      }
    }
  });

  it('cuts each pass by itself, the same for the same seed', () => {
    const lengthsOf = (pass: LanguageModelPass) => batchesOf(pass).map(({ timeSteps }) => timeSteps);
    const [one, again] = [languageModelStream(options), languageModelStream(options)];
    expect(lengthsOf(again.pass!(3))).toEqual(lengthsOf(one.pass!(3)));
    expect(lengthsOf(one.pass!(0))).toEqual(lengthsOf(one));
    expect(lengthsOf(one.pass!(1))).not.toEqual(lengthsOf(one));
    expect(lengthsOf(languageModelStream({ ...options, seed: 7 }))).not.toEqual(lengthsOf(one));
    expect(lengthsOf(languageModelStream({ ...options, seed: 0 }))).toEqual(
      lengthsOf(languageModelStream({ ...options, seed: undefined })),
    );
  });

  it('scales the learning rate by the length of the batch', () => {
    const batches = batchesOf(languageModelStream({ ...options, dropLast: false }));
    expect(new Set(batches.map(({ timeSteps }) => timeSteps)).size).toBeGreaterThan(5);
    for (const { timeSteps, rateFactor } of batches) expect(rateFactor).toBe(timeSteps / 30);
    expect(languageModelStream({ ...options, lengths: 'fixed' }).batch(0).rateFactor).toBeUndefined();
  });

  it('leaves out a last batch that is cut short, but never the first', () => {
    for (const epoch of [0, 1, 2, 3, 4]) {
      const all = batchesOf(languageModelStream({ ...options, dropLast: false }).pass!(epoch));
      const whole = batchesOf(languageModelStream(options).pass!(epoch));
      expect(whole).toEqual(all.slice(0, whole.length));
      expect(all.length - whole.length).toBeLessThanOrEqual(1);
    }
    // The first length that is drawn is longer than this text in about half of the passes.
    const short = languageModelStream({
      ...options,
      tokens: places.slice(0, 11),
      batchSize: 1,
      timeSteps: 10,
    });
    for (let epoch = 0; epoch < 50; epoch++) {
      const batches = batchesOf(short.pass!(epoch));
      expect(batches.length).toBeGreaterThan(0);
      expect(batches.reduce((sum, { timeSteps }) => sum + timeSteps, 0)).toBeLessThanOrEqual(10);
    }
  });
});
