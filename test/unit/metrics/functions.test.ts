import { describe, expect, it } from 'vitest';
import {
  accuracyScore,
  bitsPerCharacterScore,
  classificationReport,
  ConfigError,
  confusionMatrix,
  f1Score,
  intervalCoverageScore,
  mase,
  meanAbsoluteError,
  meanAbsolutePercentageError,
  meanAbsoluteScaledError,
  meanSquaredError,
  naiveScale,
  perplexityScore,
  precisionScore,
  r2Score,
  recallScore,
  rocAuc,
  rocAucScore,
  rootMeanSquaredError,
  ShapeError,
  symmetricMeanAbsolutePercentageError,
  topK,
  topKAccuracyScore,
} from '../../../src/index.js';
import { normalHalfWidth } from '../../../src/metrics/normalQuantile.js';
import { readGolden } from '../../support/golden.js';

interface Golden {
  readonly weights: number[] | null;
  // eslint-disable-next-line @typescript-eslint/no-explicit-any
  readonly [kind: string]: any;
}

const argmax = (row: number[]) => row.indexOf(Math.max(...row));
const softmax = (row: number[]) => {
  const powers = row.map(Math.exp);
  const sum = powers.reduce((a, b) => a + b);
  return powers.map((power) => power / sum);
};

// scikit-learn's values, made by golden/makeMetrics.py.
describe.each(readGolden<{ cases: Golden[] }>('metrics.json').cases)(
  'scores of arrays are scikit-learn’s',
  (given) => {
    const options = given.weights === null ? {} : { weights: given.weights };

    it('of classes', () => {
      const { logits, targets, ...wanted } = given['multiclass'];
      const predicted = logits.map(argmax);
      const probabilities = logits.map(softmax);
      expect(accuracyScore(targets, predicted, options)).toBeCloseTo(wanted.accuracy, 12);
      expect(rocAucScore(targets, probabilities, options)).toBeCloseTo(wanted.rocAuc.macro, 12);
      expect(rocAucScore(targets, probabilities, { ...options, average: 'weighted' })).toBeCloseTo(
        wanted.rocAuc.weighted,
        12,
      );
      expect(perplexityScore(targets, probabilities, options)).toBeCloseTo(Math.exp(wanted.logLoss), 10);
      expect(bitsPerCharacterScore(targets, probabilities, options)).toBeCloseTo(
        wanted.logLoss / Math.LN2,
        10,
      );
      for (const average of ['micro', 'macro', 'weighted'] as const) {
        expect(precisionScore(targets, predicted, { ...options, average })).toBeCloseTo(
          wanted.precision[average],
          12,
        );
        expect(recallScore(targets, predicted, { ...options, average })).toBeCloseTo(
          wanted.recall[average],
          12,
        );
        expect(f1Score(targets, predicted, { ...options, average })).toBeCloseTo(wanted.f1[average], 12);
      }
      for (const k of [1, 2, 3])
        expect(topKAccuracyScore(targets, logits, { ...options, k })).toBeCloseTo(wanted.topK[k], 12);
      const cells = confusionMatrix(targets, predicted, { ...options, classes: 5 }).flat();
      cells.forEach((count, i) => expect(count).toBeCloseTo(wanted.confusionMatrix.flat()[i], 12));
      const report = classificationReport(targets, predicted, { ...options, classes: 5 });
      for (const part of ['precision', 'recall', 'f1', 'support'] as const)
        report[part].forEach((value, k) => expect(value).toBeCloseTo(wanted.classReport[part][k], 12));
    });

    it('of two classes, and of labels', () => {
      const { logits, targets, ...wanted } = given['binary'];
      const predicted = logits.map((z: number) => Number(z > 0));
      expect(precisionScore(targets, predicted, options)).toBeCloseTo(wanted.precision.binary, 12);
      expect(recallScore(targets, predicted, options)).toBeCloseTo(wanted.recall.binary, 12);
      expect(f1Score(targets, predicted, options)).toBeCloseTo(wanted.f1.binary, 12);
      expect(rocAucScore(targets, logits, options)).toBeCloseTo(wanted.rocAuc, 12);
      const labels = given['multilabel'];
      expect(rocAucScore(labels.targets, labels.logits, options)).toBeCloseTo(labels.rocAuc.macro, 12);
    });

    it('of numbers', () => {
      const { predictions, targets, ...wanted } = given['numbers'];
      expect(meanAbsoluteError(targets, predictions, options)).toBeCloseTo(wanted.mae, 12);
      expect(meanSquaredError(targets, predictions, options)).toBeCloseTo(wanted.mse, 12);
      expect(rootMeanSquaredError(targets, predictions, options)).toBeCloseTo(wanted.rmse, 12);
      expect(meanAbsolutePercentageError(targets, predictions, options)).toBeCloseTo(wanted.mape, 11);
      expect(r2Score(targets, predictions, options)).toBeCloseTo(wanted.r2, 11);
    });
  },
);

describe('scores by hand', () => {
  it('smape is 0 where both are 0, and at most 2', () => {
    expect(symmetricMeanAbsolutePercentageError([0, 1, 2], [0, -1, 4])).toBeCloseTo((0 + 2 + 4 / 6) / 3, 12);
  });

  it('mase divides by the naive forecast of the training series, of its season', () => {
    expect(naiveScale([1, 3, 2, 4])).toBeCloseTo(5 / 3, 12);
    expect(naiveScale([1, 3, 2, 4], { seasonality: 2 })).toBe(1);
    expect(meanAbsoluteScaledError([5, 6], [4, 8], { scale: 0.75 })).toBe(2);
    expect(meanAbsoluteScaledError([[5, 1]], [[4, 4]], { scale: [2, 6] })).toBe(0.5);
  });

  it('coverage counts both ends', () => {
    expect(intervalCoverageScore([1, 2, 3, 4], [1, 0, 4, 0], [2, 2, 5, 3])).toBe(0.5);
    expect(intervalCoverageScore([1, 2], [1, 9], [1, 9], { weights: [3, 1] })).toBe(0.75);
  });

  it('r2 without any spread is 1 if all is right, else 0', () => {
    expect(r2Score([0.1, 0.1, 0.1], [0.1, 0.1, 0.1])).toBe(1);
    expect(r2Score([0.1, 0.1, 0.1], [0.1, 0.2, 0.1])).toBe(0);
  });

  it('the area is NaN where a class has no rows or a score is no number', () => {
    expect(rocAucScore([1, 1], [0.1, 0.2])).toBeNaN();
    expect(rocAucScore([0, 1], [NaN, 0.2])).toBeNaN();
    expect(rocAucScore([0, 0, 1, 1], [0.1, 0.4, 0.35, 0.8])).toBe(0.75);
  });

  // Tables of the normal distribution.
  it.each([
    [0.6826894921370859, 1],
    [0.95, 1.959963984540054],
    [0.99, 2.5758293035489004],
    [1e-6, 1.2533141373157587e-6],
  ])('%f of a normal distribution lies within %f standard deviations', (share, halfWidth) => {
    expect(normalHalfWidth(share) / halfWidth).toBeCloseTo(1, 10);
  });
});

describe('scores refuse', () => {
  it.each([
    [() => accuracyScore([0, 1], [0]), ShapeError, 'predictions: expected 2 numbers or rows, received 1'],
    [() => accuracyScore([], []), ShapeError, 'targets: expected at least one row'],
    [() => meanAbsoluteError([1], [1], { weights: [1, 2] }), ShapeError, 'weights: expected 1'],
    [() => f1Score([0, 5], [0, 1], { classes: 3 }), ShapeError, 'expected class ids from 0 to 2, received 5'],
    [
      () => f1Score([0, 1, 2], [0, 1, 2], { average: 'binary' }),
      ConfigError,
      "another average than 'binary'",
    ],
    [() => naiveScale([1, 2], { seasonality: 2 }), ShapeError, 'series: expected more than 2 numbers'],
    [() => naiveScale([1, 2], { seasonality: 0 }), ConfigError, 'naiveScale.seasonality'],
    [() => topK({ k: 0 }), ConfigError, 'topK.k: expected a whole number from 1'],
    [() => mase({ scale: 0 }), ConfigError, 'mase.scale: expected a number above 0, or one for each target'],
    [() => rocAuc({ average: 'micro' as 'macro' }), ConfigError, 'rocAuc.average'],
  ])('%#', (call, Failure, message) => {
    expect(call).toThrow(Failure as typeof ShapeError);
    expect(call).toThrow(message);
  });
});
