import { describe, expect, it } from 'vitest';

import { kFold, split } from '../../src/index.js';
import { readGolden } from '../support/golden.js';

interface Golden {
  readonly sizes: readonly { count: number; share: number; train: number; validation: number }[];
  readonly stratified: readonly { labels: number[]; share: number; train: number[]; validation: number[] }[];
  readonly groups: readonly { groups: number[]; share: number; validationGroups: number }[];
  readonly plainFolds: readonly { count: number; folds: number; validation: number[][] }[];
  readonly stratifiedFolds: readonly { labels: number[]; folds: number; validation: number[][] }[];
  readonly groupedFolds: readonly { groups: number[]; folds: number; loads: number[] }[];
  readonly forwardFolds: readonly {
    count: number;
    options: { folds: number; gap: number; validation?: number; maxTrain?: number };
    parts: [train: number[], validation: number[]][];
  }[];
}

/** Written by golden/makeSplits.py with scikit-learn 1.9.1. */
const golden = readGolden<Golden>('splits.json');

/** Rows of each class 0 .. K-1. */
function counts(labels: readonly number[], rows: Uint32Array): number[] {
  const found = new Array<number>(Math.max(...labels) + 1).fill(0);
  for (const row of rows) found[labels[row]!]! += 1;
  return found;
}

describe("splits beside scikit-learn's", () => {
  it.each(golden.sizes)('has the sizes of train_test_split: $share of $count', (wanted) => {
    const { train, validation } = split(wanted.count, { by: 'random', validation: wanted.share });
    expect([train.length, validation.length]).toEqual([wanted.train, wanted.validation]);
  });

  it.each(golden.stratified)('has the class counts of StratifiedShuffleSplit: $share', (wanted) => {
    const { labels, share } = wanted;
    const { train, validation } = split(labels.length, {
      by: 'stratified',
      labels,
      validation: share,
      seed: 3,
    });
    expect(counts(labels, train)).toEqual(wanted.train);
    expect(counts(labels, validation)).toEqual(wanted.validation);
  });

  it.each(golden.groups)('validates as many groups as GroupShuffleSplit: $share', (wanted) => {
    const { groups, share } = wanted;
    const { validation } = split(groups.length, { by: 'group', groups, validation: share });
    expect(new Set(Array.from(validation, (row) => groups[row])).size).toBe(wanted.validationGroups);
  });
});

describe("folds beside scikit-learn's", () => {
  it.each(golden.plainFolds)('are those of KFold without shuffling: $folds of $count', (wanted) => {
    const folds = kFold(wanted.count, { kind: 'plain', folds: wanted.folds, shuffle: false });
    expect(folds.map(({ validation }) => [...validation])).toEqual(wanted.validation);
  });

  it.each(golden.stratifiedFolds)(
    'have the class counts of StratifiedKFold: $folds',
    ({ labels, ...wanted }) => {
      const folds = kFold(labels.length, { kind: 'stratified', labels, folds: wanted.folds, seed: 2 });
      // Which fold gets a class's odd row depends on the order of the classes: the counts of all folds are compared.
      const byClass = (parts: readonly number[][]) =>
        parts[0]!.map((_, k) => parts.map((part) => part[k]!).sort((a, b) => a - b));
      const found = folds.map(({ validation }) => counts(labels, validation));
      expect(byClass(found)).toEqual(byClass(wanted.validation));
      const totals = (parts: readonly number[][]) =>
        parts.map((part) => part.reduce((a, b) => a + b)).sort((a, b) => a - b);
      expect(totals(found)).toEqual(totals(wanted.validation));
    },
  );

  it.each(golden.groupedFolds)('are as large as those of GroupKFold: $folds', ({ groups, folds, loads }) => {
    const parts = kFold(groups.length, { kind: 'grouped', groups, folds });
    expect(parts.map(({ validation }) => validation.length).sort((a, b) => a - b)).toEqual(loads);
  });

  it.each(golden.forwardFolds)('are those of TimeSeriesSplit: $options', ({ count, options, parts }) => {
    const folds = kFold(count, { kind: 'forward', ...options });
    expect(folds.map(({ train, validation }) => [[...train], [...validation]])).toEqual(parts);
  });
});
