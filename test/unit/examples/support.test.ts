import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';

import { afterAll, describe, expect, it } from 'vitest';

import {
  largestClass,
  mostFrequentLabel,
  naiveBayes,
  nearestMean,
  unigramNats,
} from '../../../examples/support/baselines.js';
import { linearForecast } from '../../../examples/support/linear.js';
import { shuffled, splitRows } from '../../../examples/support/rows.js';
import { readWikiText, tokenCount } from '../../../examples/support/wikiText.js';
import {
  absoluteError,
  repeatLast,
  seasonalNaive,
  squaredError,
  standardised,
  windowsOf,
} from '../../../examples/support/windows.js';

describe('the simpler methods that examples compare with', () => {
  it('give the share of the largest training class among the test rows', () => {
    const rows = (y: number[]) => ({ x: y, y });
    expect(largestClass(rows([0, 1, 1]), rows([1, 0, 1, 1]))).toBe(0.75);
  });

  it('choose the class whose mean is nearest', () => {
    const train = {
      x: [
        [[0], [2]],
        [[10], [12]],
      ],
      y: [4, 5],
    };
    const test = { x: [[[3]], [[8], [9], [10]], [[7]]], y: [4, 5, 4] };
    expect(nearestMean(train, test)).toBeCloseTo(2 / 3, 12);
  });

  // Class 0 has the tokens 0 0 1, class 1 the tokens 1 2: (3/6)(2/6) against (1/5)(2/5) for [0, 1].
  it('choose the likeliest class by counts of tokens', () => {
    const train = {
      x: [
        [0, 0, 1],
        [1, 2],
      ],
      y: [0, 1],
    };
    expect(naiveBayes(train, { x: [[0, 1], [2], [2, 2, 1]], y: [0, 1, 1] }, 3)).toBe(1);
    expect(naiveBayes(train, { x: [[0, 1]], y: [1] }, 3)).toBe(0);
  });

  it("choose a token's most frequent label, and the most frequent of all for a new token", () => {
    const train = { x: [[1, 1, 1, 2, 2]], y: [[7, 7, 8, 9, 9]] };
    expect(mostFrequentLabel(train, { x: [[1, 2, 3]], y: [[7, 9, 7]] })).toBe(1);
  });

  // Counts and one more: 3/5 and 2/5.
  it('give the nats of frequencies', () => {
    expect(unigramNats([0, 0, 1], [0, 1], 2)).toBeCloseTo(-(Math.log(3 / 5) + Math.log(2 / 5)) / 2, 12);
  });
});

describe('windows of a series', () => {
  const series = [1, 2, 4, 7, 11, 16];

  it('end before the place that is given and may know what lies before the first', () => {
    const { x, y } = windowsOf(series, 3, 6, { lookBack: 2, horizon: 2 });
    expect(x.shape).toEqual([2, 2, 1]);
    expect(Array.from(x.data)).toEqual([2, 4, 4, 7]);
    expect(Array.from(y.data)).toEqual([7, 11, 11, 16]);
  });

  it('can be relative to their last known value', () => {
    const { x, y } = windowsOf(series, 3, 5, { lookBack: 2, horizon: 2, relative: true });
    expect(Array.from(x.data)).toEqual([-2, 0]);
    expect(Array.from(y.data)).toEqual([3, 7]);
  });

  it('are forecast by the last value and by the season before', () => {
    const windows = windowsOf(series, 3, 6, { lookBack: 3, horizon: 3 });
    expect(Array.from(repeatLast(windows))).toEqual([4, 4, 4]);
    expect(Array.from(seasonalNaive(windows, 2))).toEqual([2, 4, 2]);
    expect(squaredError(windows, repeatLast(windows))).toBeCloseTo((9 + 49 + 144) / 3, 5);
    expect(absoluteError(windows, repeatLast(windows))).toBeCloseTo((3 + 7 + 12) / 3, 5);
  });

  // Of squares each value is 3 times the last less 3 times the one before and once the one before that.
  it('are forecast exactly by least squares where a linear rule makes the series', () => {
    const squares = Array.from({ length: 40 }, (_, t) => (t / 10) ** 2);
    const options = { lookBack: 3, horizon: 1 };
    const [train, test] = [windowsOf(squares, 0, 30, options), windowsOf(squares, 30, 40, options)];
    expect(Math.sqrt(squaredError(test, linearForecast(train, test)))).toBeLessThan(0.05);
    expect(Math.sqrt(squaredError(test, repeatLast(test)))).toBeGreaterThan(0.5);
  });

  it('are scaled by the training part alone', () => {
    const { mean, deviation, values } = standardised([1, 3, 100], [1, 3]);
    expect([mean, deviation]).toEqual([2, 1]);
    expect(values).toEqual([-1, 1, 98]);
  });
});

describe('splitting rows', () => {
  it('keeps every row once and depends on the seed alone', () => {
    const rows = { x: Array.from({ length: 50 }, (_, n) => n), y: Array.from({ length: 50 }, (_, n) => -n) };
    const [train, rest] = splitRows(rows, 0.2, 3);
    expect([train.x.length, rest.x.length]).toEqual([40, 10]);
    expect([...train.x, ...rest.x].sort((a, b) => a - b)).toEqual(rows.x);
    expect(rest.y.every((y, n) => y === -rest.x[n]!)).toBe(true);
    expect(splitRows(rows, 0.2, 3)).toEqual([train, rest]);
    expect(shuffled(50, 4)).not.toEqual(shuffled(50, 3));
  });
});

describe('WikiText-2 as ids', () => {
  const folder = mkdtempSync(join(tmpdir(), 'wikiText-'));
  afterAll(() => rmSync(folder, { recursive: true }));
  const write = (file: string, text: string): void => writeFileSync(join(folder, file), text);
  write('train.txt', ' \n a b <unk> a \n \n a b c\n');
  write('valid.txt', ' c a \n');
  write('test.txt', ' b \n d \n');

  it('are all words, and one more at the end of each line', () => {
    // <eos> 1, a 2, b 3, c 4.
    expect(readWikiText(folder, 'all')).toEqual({
      training: Int32Array.of(1, 2, 3, 0, 2, 1, 1, 2, 3, 4, 1),
      validation: Int32Array.of(4, 2, 1),
      test: Int32Array.of(3, 1, 0, 1),
      vocabSize: 5,
    });
  });

  it('are the first words, with those that these have three times, and a quarter of the others', () => {
    // Of <eos> a b <unk> a <eos> <eos> a: <eos> 1, a 2.
    expect(readWikiText(folder, 8)).toEqual({
      training: Int32Array.of(1, 2, 0, 0, 2, 1, 1, 2),
      validation: Int32Array.of(0, 2),
      test: Int32Array.of(0, 1),
      vocabSize: 3,
    });
  });

  it('are counted by a number or by all', () => {
    expect([tokenCount(undefined, 5), tokenCount('7', 5), tokenCount('all', 5)]).toEqual([5, 7, 'all']);
  });
});
