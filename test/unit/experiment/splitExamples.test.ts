import { describe, expect, it } from 'vitest';
import { foldPlacesOf } from '../../../src/experiment/folds.js';
import { splitExamples, type ExampleSplit } from '../../../src/experiment/splitExamples.js';
import { DataError } from '../../../src/index.js';

/** Twelve examples of three classes and four groups, each known by its number. */
const examples = Array.from({ length: 12 }, (_, row) => row);
const labels = examples.map((row) => 'abc'[row % 3]!);
const groups = examples.map((row) => `speaker ${row % 4}`);
const how = (by: ExampleSplit['by'], rest: Partial<ExampleSplit> = {}): ExampleSplit => ({
  by,
  seed: 3,
  share: undefined,
  source: 'train.csv',
  labels: () => labels,
  group: 'speaker',
  groups: () => groups,
  ...rest,
});
const kinds = ['random', 'stratified', 'group', 'tail'] as const;
const valuesOf = (rows: readonly number[], keys: readonly string[]) => new Set(rows.map((row) => keys[row]));

describe('examples by group', () => {
  it('are never parted: of four groups a quarter is one of them', () => {
    const { train, validation } = splitExamples(examples, how('group', { share: 0.25 }));
    expect([...train, ...validation!].sort((a, b) => a - b)).toEqual(examples);
    expect(validation).toHaveLength(3);
    const [own, other] = [valuesOf(validation!, groups), valuesOf(train, groups)];
    expect([own.size, other.size]).toEqual([1, 3]);
    expect([...own].filter((name) => other.has(name))).toEqual([]);
  });

  it('name file and column where there are too few groups', () => {
    const one = how('group', { share: 0.5, groups: () => examples.map(() => 'me') });
    expect(() => splitExamples(examples, one)).toThrow(DataError);
    expect(() => splitExamples(examples, one)).toThrow(
      "train.csv, column 'speaker': split: expected more than the groups left out and 1 to validate with",
    );
    const folds = how('group', { fold: { index: 0, folds: 5 } });
    expect(() => splitExamples(examples, folds)).toThrow(
      "train.csv, column 'speaker': kFold: expected at least 5 groups, one for each fold, received 4",
    );
  });
});

describe('folds of examples', () => {
  const foldsBy = (by: ExampleSplit['by'], folds: number) =>
    foldPlacesOf(folds).map((fold) => splitExamples(examples, how(by, { fold, share: 0.5 })));

  it.each(kinds)('by %s never validate with what they train on, and are the same again', (by) => {
    const parts = foldsBy(by, 3);
    expect(parts).toHaveLength(3);
    for (const { train, validation } of parts) {
      expect(train.filter((row) => validation!.includes(row))).toEqual([]);
      expect(validation!.length).toBeGreaterThan(0);
    }
    expect(foldsBy(by, 3)).toEqual(parts);
  });

  it.each(['random', 'stratified', 'group'] as const)('by %s validate with every example once', (by) => {
    const validated = foldsBy(by, 4).flatMap(({ validation }) => validation!);
    expect(validated.sort((a, b) => a - b)).toEqual(examples);
  });

  it('by class have each class alike, by group each group whole', () => {
    for (const { validation } of foldsBy('stratified', 4)) {
      expect(validation!.map((row) => labels[row]).sort()).toEqual(['a', 'b', 'c']);
    }
    for (const { train, validation } of foldsBy('group', 4)) {
      expect(valuesOf(validation!, groups).size).toBe(1);
      expect(valuesOf(train, groups).size).toBe(3);
    }
  });

  it('of what lies in an order train on what comes before', () => {
    // Three of the last rows a fold: floor(12 / (3 + 1)).
    expect(foldsBy('tail', 3).map(({ train, validation }) => [train.length, validation])).toEqual([
      [3, [3, 4, 5]],
      [6, [6, 7, 8]],
      [9, [9, 10, 11]],
    ]);
  });

  it('are refused for a class with fewer examples than folds, which is named', () => {
    expect(() => foldsBy('stratified', 5)).toThrow(
      'train.csv: class "a": expected a row for each of 5 folds, received 4',
    );
  });
});
