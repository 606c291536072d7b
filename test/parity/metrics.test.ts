import { describe, expect, it } from 'vitest';
import {
  binaryCrossEntropy,
  ConfigError,
  crossEntropy,
  dense,
  f1,
  gaussianNll,
  intervalCoverage,
  mae,
  mase,
  precision,
  quantile,
  recall,
  rocAuc,
  sequential,
  topK,
  type Average,
  type LossInput,
  type Metric,
  type Model,
} from '../../src/index.js';
import { devices, type TestDevice } from '../support/devices.js';
import { readGolden } from '../support/golden.js';

type Averages = Partial<Record<Average, number>>;

interface Scores {
  readonly precision: Averages;
  readonly recall: Averages;
  readonly f1: Averages;
}

export interface MetricsGolden {
  readonly weights: number[] | null;
  readonly multiclass: Scores & {
    readonly logits: number[][];
    readonly targets: number[];
    readonly accuracy: number;
    readonly classReport: Record<'precision' | 'recall' | 'f1' | 'support', number[]>;
    readonly confusionMatrix: number[][];
    readonly topK: Record<string, number>;
    readonly rocAuc: { readonly macro: number; readonly weighted: number };
    readonly logLoss: number;
  };
  readonly binary: Scores & {
    readonly logits: number[];
    readonly targets: number[];
    readonly accuracy: number;
    readonly confusionMatrix: number[][];
    readonly rocAuc: number;
  };
  readonly multilabel: Scores & {
    readonly logits: number[][];
    readonly targets: number[][];
    readonly rocAuc: { readonly macro: number; readonly weighted: number };
  };
  readonly numbers: Record<'mae' | 'mse' | 'rmse' | 'mape' | 'r2', number> & {
    readonly predictions: number[][];
    readonly targets: number[][];
  };
}

// scikit-learn's values, made by golden/makeMetrics.py.
const golden = readGolden<{ cases: MetricsGolden[] }>('metrics.json').cases;

/** Outputs are inputs: counts are of what is given. */
async function identity(channels: number, options: TestDevice['options']): Promise<Model> {
  const model = await sequential([dense({ units: channels, useBias: false, name: 'fc' })], {
    ...options,
    inputSize: channels,
  });
  const weight = Float32Array.from({ length: channels * channels }, (_, i) =>
    Number(i % (channels + 1) === 0),
  );
  await model.setWeights({ 'fc.weight': { data: weight, shape: [channels, channels] } });
  return model;
}

/** 40 rows as sequences of unequal lengths: counts go over live steps and over batches. */
const lengths = [7, 1, 4, 6, 2, 7, 5, 8];
function ragged<T>(rows: readonly T[]): T[][] {
  let at = 0;
  return lengths.map((length) => rows.slice(at, (at += length)));
}

async function measured(
  model: Model,
  x: number[][],
  y: unknown[],
  given: MetricsGolden,
  loss: LossInput,
  metrics: Metric[],
) {
  const { weights } = given;
  const data = {
    x: ragged(x),
    y: ragged(y) as number[][],
    ...(weights && { sampleWeights: ragged(weights) }),
  };
  return model.evaluate(data, { loss, metrics, batchSize: 3, weightedMetrics: weights !== null });
}

const averages = ['micro', 'macro', 'weighted'] as const;
const scores = { precision, recall, f1 };

describe.each(devices)('metrics on $name', ({ options }) => {
  describe.each(golden)('weights $weights.length: values are scikit-learn’s', (given) => {
    it('of several classes', async () => {
      const { logits, targets, ...wanted } = given.multiclass;
      await using model = await identity(5, options);
      const result = await measured(model, logits, targets, given, 'crossEntropy', [
        'accuracy',
        'classReport',
        'confusionMatrix',
        'perplexity',
        'bitsPerCharacter',
        'rocAuc',
        topK({ k: 2 }),
      ]);
      expect(result.accuracy).toBeCloseTo(wanted.accuracy, 12);
      expect(result.topK).toBeCloseTo(wanted.topK['2']!, 12);
      expect(result.perplexity).toBeCloseTo(Math.exp(wanted.logLoss), 4);
      expect(result.bitsPerCharacter).toBeCloseTo(wanted.logLoss / Math.LN2, 5);
      expect(result.rocAuc).toBeCloseTo(wanted.rocAuc.macro, 12);
      expect(result.confusionMatrix!.length).toBe(5);
      result.confusionMatrix!.forEach((row, k) =>
        row.forEach((count, j) => expect(count).toBeCloseTo(wanted.confusionMatrix[k]![j]!, 12)),
      );
      for (const part of ['precision', 'recall', 'f1', 'support'] as const) {
        result.classReport![part].forEach((value, k) =>
          expect(value, `${part} ${k}`).toBeCloseTo(wanted.classReport[part][k]!, 12),
        );
      }
      for (const average of averages) {
        const some = Object.values(scores).map((make) => make({ average }));
        const values = await measured(model, logits, targets, given, crossEntropy(), some);
        for (const name of ['precision', 'recall', 'f1'] as const) {
          expect(values[name], `${average} ${name}`).toBeCloseTo(wanted[name][average]!, 12);
        }
      }
      const weighted = await measured(model, logits, targets, given, 'crossEntropy', [
        rocAuc({ average: 'weighted' }),
        topK({ k: 1 }),
      ]);
      expect(weighted.rocAuc).toBeCloseTo(wanted.rocAuc.weighted, 12);
      expect(weighted.topK).toBeCloseTo(wanted.topK['1']!, 12);
    });

    it('of two classes', async () => {
      const { logits, targets, ...wanted } = given.binary;
      await using model = await identity(1, options);
      const x = logits.map((z) => [z]);
      const result = await measured(model, x, targets, given, 'binaryCrossEntropy', [
        'accuracy',
        'precision',
        'recall',
        'f1',
        'rocAuc',
        'confusionMatrix',
      ]);
      expect(result.accuracy).toBeCloseTo(wanted.accuracy, 12);
      expect(result.rocAuc).toBeCloseTo(wanted.rocAuc, 12);
      for (const name of ['precision', 'recall', 'f1'] as const)
        expect(result[name]).toBeCloseTo(wanted[name].binary!, 12);
      expect(result.confusionMatrix!.flat().map((count) => count.toFixed(9))).toEqual(
        wanted.confusionMatrix.flat().map((count) => count.toFixed(9)),
      );
      for (const average of averages) {
        const { f1: score } = await measured(model, x, targets, given, 'binaryCrossEntropy', [
          f1({ average }),
        ]);
        expect(score).toBeCloseTo(wanted.f1[average]!, 12);
      }
    });

    it('of several labels', async () => {
      const { logits, targets, ...wanted } = given.multilabel;
      await using model = await identity(3, options);
      for (const average of averages) {
        const some = Object.values(scores).map((make) => make({ average }));
        const result = await measured(model, logits, targets, given, binaryCrossEntropy(), [
          ...some,
          'rocAuc',
        ]);
        for (const name of ['precision', 'recall', 'f1'] as const)
          expect(result[name], `${average} ${name}`).toBeCloseTo(wanted[name][average]!, 12);
        expect(result.rocAuc).toBeCloseTo(wanted.rocAuc.macro, 12);
      }
    });

    it('of numbers', async () => {
      const { predictions, targets, ...wanted } = given.numbers;
      await using model = await identity(2, options);
      for (const loss of ['mse', mae(), 'huber', 'logCosh'] as const) {
        const names = ['mae', 'mse', 'rmse', 'mape', 'r2'] as const;
        const result = await measured(model, predictions, targets, given, loss, [...names]);
        // Outputs are float32: differences of about 1 from numbers of about 3.
        for (const name of names) expect(result[name]! / wanted[name], name).toBeCloseTo(1, 5);
      }
    });
  });

  it('smape, mase and interval coverage are what their equations say', async () => {
    await using model = await identity(3, options);
    const data = {
      x: [
        [
          [0, 1, 2],
          [1, 4, 9],
        ],
        [
          [-3, -1, 0],
          [5, 5, 5],
        ],
      ],
      y: [
        [2, 2],
        [-2, 6],
      ],
    };
    const loss = quantile({ quantiles: [0.1, 0.5, 0.9] });
    const metrics: Metric[] = ['smape', 'mae', mase({ scale: 0.5 }), intervalCoverage({ level: 0.8 })];
    const result = await model.evaluate(data, { loss, metrics });
    // Medians 1, 4, -1, 5 for 2, 2, -2, 6; 2 is at the upper end, -2 inside, 6 outside.
    expect(result.mae).toBeCloseTo((1 + 2 + 1 + 1) / 4, 6);
    expect(result.mase).toBeCloseTo(1.25 / 0.5, 6);
    expect(result.smape).toBeCloseTo((2 / 3 + 4 / 6 + 2 / 3 + 2 / 11) / 4, 6);
    expect(result.intervalCoverage).toBe(0.75);
    await using normal = await identity(2, options);
    // Standard deviation 1: 95 % lie within 1.96.
    const x = [
      [
        [0, 0],
        [0, 0],
        [0, 0],
      ],
    ];
    const within = await normal.evaluate(
      { x, y: [[1.95, -1.97, 0]] },
      { loss: gaussianNll(), metrics: ['mae', intervalCoverage({ level: 0.95 })] },
    );
    expect(within.intervalCoverage).toBeCloseTo(2 / 3, 12);
    expect(within.mae).toBeCloseTo((1.95 + 1.97) / 3, 6);
  });

  it('rows of ignoreIndex are in no metric', async () => {
    await using model = await identity(2, options);
    const data = {
      x: [
        [
          [1, 0],
          [0, 1],
          [5, 0],
        ],
      ],
      y: [[0, 0, 9]],
    };
    const loss = crossEntropy({ ignoreIndex: 9, labelSmoothing: 0.3, classWeights: [2, 7] });
    const metrics: Metric[] = ['accuracy', 'confusionMatrix', 'perplexity', topK({ k: 2 }), 'rocAuc'];
    const result = await model.evaluate(data, { loss, metrics });
    expect(result).toMatchObject({
      accuracy: 0.5,
      topK: 1,
      confusionMatrix: [
        [1, 1],
        [0, 0],
      ],
      rocAuc: NaN,
    });
    // log p of the target is -log(1 + 1/e) and -log(1 + e), neither weighed nor smoothed.
    expect(result.perplexity).toBeCloseTo(Math.sqrt((1 + 1 / Math.E) * (1 + Math.E)), 5);
  });

  it('fit measures training and validation data, and evaluate takes its metrics over', async () => {
    const { logits, targets } = golden[0]!.multiclass;
    await using model = await identity(5, options);
    const data = { x: ragged(logits), y: ragged(targets) };
    const settings = { loss: 'crossEntropy', metrics: ['f1', 'confusionMatrix', 'rocAuc'] } as const;
    const history = await model.fit(data, {
      ...settings,
      metrics: [...settings.metrics],
      optimizer: 'sgd',
      batchSize: 4,
      validationData: data,
      verbose: 'silent',
    });
    const [epoch] = history.epochs;
    const after = await model.evaluate(data, { batchSize: 32 });
    expect(epoch!.valF1).toBeCloseTo(after.f1!, 12);
    expect(epoch!.valConfusionMatrix).toEqual(after.confusionMatrix);
    expect(epoch!.valRocAuc).toBeCloseTo(after.rocAuc!, 12);
    expect(epoch!.confusionMatrix!.flat().reduce((a, b) => a + b)).toBe(40);
    expect(epoch!.f1).toBeGreaterThan(0);
  });

  it('metrics that do not fit loss or output are refused', async () => {
    await using model = await identity(3, options);
    const numbers = { x: [[[1, 2, 3]]], y: [[[1, 2, 3]]] };
    const classes = { x: [[[1, 2, 3]]], y: [[1]] };
    const labels = { x: [[[1, 2, 3]]], y: [[[1, 0, 1]]] };
    const refused = async (data: object, loss: LossInput, metrics: Metric[], message: RegExp) => {
      const failure = model.evaluate(data as typeof classes, { loss, metrics });
      await expect(failure).rejects.toThrow(ConfigError);
      await expect(failure).rejects.toThrow(message);
    };
    await refused(numbers, 'mse', ['f1'], /'f1' can be measured with .*, received 'mse'/);
    await refused(classes, 'crossEntropy', ['r2'], /'r2' can be measured with/);
    await refused(
      classes,
      'crossEntropy',
      [topK({ k: 4 })],
      /k of at most the 3 classes for 'topK', received 4/,
    );
    await refused(classes, 'crossEntropy', [f1({ average: 'binary' })], /another average than 'binary'/);
    await refused(labels, 'binaryCrossEntropy', ['confusionMatrix'], /one class a row for 'confusionMatrix'/);
    await refused(
      numbers,
      'mse',
      [mase({ scale: [1, 2] })],
      /a scale for each of the 3 targets for 'mase', received 2/,
    );
    const loss = quantile({ quantiles: [0.1, 0.2, 0.9] });
    const one = { x: [[[1, 2, 3]]], y: [[1]] };
    await refused(one, loss, ['mae'], /the quantile 0.5 among those of the loss/);
    await refused(
      one,
      loss,
      [intervalCoverage({ level: 0.9 })],
      /the quantiles 0.05 and 0.95 for 'intervalCoverage'/,
    );
    await refused(numbers, 'mse', ['mae', 'mae'], /each metric once/);
    await refused(numbers, 'mse', ['rsme' as 'rmse'], /did you mean 'rmse'/);
  });
});
