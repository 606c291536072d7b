import { describe, expect, it } from 'vitest';
import { quantile } from '../../../src/index.js';
import { targetsFor, type TargetInput } from '../../../src/data/targets.js';
import type { Loss } from '../../../src/losses/loss.js';
import { judge, type ClassJudgement, type Judged, type ValueJudgement } from '../../../src/report/judge.js';

/** Outputs [N][T][K] (or [N][1][K] without steps) beside targets. */
function judged(
  outputs: readonly (readonly (readonly number[])[])[],
  y: TargetInput,
  {
    loss,
    perStep = false,
    targets = 1,
    areProbabilities = false,
  }: { loss: Loss; perStep?: boolean; targets?: number; areProbabilities?: boolean },
): Judged {
  const channels = outputs[0]![0]!.length;
  const lengths = Int32Array.from(outputs, (steps) => steps.length);
  const maxLength = Math.max(...lengths);
  const flat = new Float32Array(outputs.length * maxLength * channels);
  outputs.forEach((steps, n) => steps.forEach((own, t) => flat.set(own, (n * maxLength + t) * channels)));
  const ignoreIndex = loss.kind === 'crossEntropy' ? loss.ignoreIndex : undefined;
  const packed = targetsFor(y, { loss: loss.kind, classes: targets, perStep, lengths, ignoreIndex });
  return { outputs: flat, channels, perStep, maxLength, lengths, targets: packed, loss, areProbabilities };
}

const ln2 = Math.LN2;

describe('classes', () => {
  it('are counted by their largest output, the worst row first', () => {
    const outputs = [[[0.5, 0.25, 0.25]], [[0.125, 0.75, 0.125]], [[0.25, 0.25, 0.5]]];
    const one = judged(outputs, [0, 2, 2], {
      loss: { kind: 'crossEntropy', labelSmoothing: 0 } as Loss,
      targets: 3,
      areProbabilities: true,
    });
    const { confusion, examples } = judge(one, 2) as ClassJudgement;
    expect(confusion).toEqual([
      [1, 0, 0],
      [0, 0, 0],
      [0, 1, 1],
    ]);
    expect(examples).toHaveLength(2);
    // -log ⅛ = 3 log 2, and of the two rows with -log ½ the first.
    expect(examples[0]).toMatchObject({ row: 1, actual: 2, predicted: 1, probability: 0.75 });
    expect(examples[0]!.loss).toBeCloseTo(3 * ln2, 12);
    expect(examples[1]).toMatchObject({ row: 0, actual: 0, predicted: 0 });
  });

  it('come from logits as well', () => {
    // softmax of 0 and log 3 is ¼ and ¾.
    const one = judged([[[0, Math.log(3)]]], [0], { loss: { kind: 'crossEntropy' } as Loss, targets: 2 });
    const { examples } = judge(one, 1) as ClassJudgement;
    expect(examples[0]!.probability).toBeCloseTo(0.75, 6);
    expect(examples[0]!.loss).toBeCloseTo(2 * ln2, 6);
  });

  it('of sequences count live steps alone, without the ignored ones, and name the worst step', () => {
    const outputs = [
      [[0.75, 0.25]],
      [
        [0.5, 0.5],
        [0.25, 0.75],
        [0.75, 0.25],
      ],
    ];
    const loss = { kind: 'crossEntropy', ignoreIndex: -1 } as Loss;
    const one = judged(outputs, [[0], [-1, 0, 0]], {
      loss,
      perStep: true,
      targets: 2,
      areProbabilities: true,
    });
    const { confusion, examples } = judge(one, 9) as ClassJudgement;
    expect(confusion).toEqual([
      [2, 1],
      [0, 0],
    ]);
    expect(examples[0]).toMatchObject({ row: 1, actual: 0, predicted: 1, wrong: 1, steps: 2 });
    expect(examples[0]!.loss).toBeCloseTo((Math.log(4) + Math.log(4 / 3)) / 2, 6);
    expect(examples[1]).toMatchObject({ row: 0, wrong: 0, steps: 1 });
  });

  it('of one sigmoid output are two', () => {
    const loss = { kind: 'binaryCrossEntropy' } as const;
    const one = judged([[[0.25]], [[0.75]], [[0.25]]], [0, 0, 1], { loss, areProbabilities: true });
    const { confusion, examples } = judge(one, 3) as ClassJudgement;
    expect(confusion).toEqual([
      [1, 1],
      [1, 0],
    ]);
    expect(examples.map(({ row }) => row)).toEqual([1, 2, 0]);
    expect(examples[0]!.loss).toBeCloseTo(2 * ln2, 12);
  });
});

describe('numbers', () => {
  it('are judged by their mean absolute error', () => {
    const one = judged(
      [[[1, 2]], [[5, 5]]],
      [
        [1, 4],
        [5, 6],
      ],
      { loss: { kind: 'mse' }, targets: 2 },
    );
    const judgement = judge(one, 5) as ValueJudgement;
    expect(judgement.rows.map(({ loss }) => loss)).toEqual([1, 0.5]);
    expect(judgement).toMatchObject({ isScalar: false, perStep: false, interval: undefined });
    expect(judgement.rows[1]).toMatchObject({ target: [5, 6], prediction: [5, 5] });
  });

  it('of quantiles have the outermost as their interval', () => {
    const loss = quantile({ quantiles: [0.125, 0.5, 0.875] });
    const one = judged([[[1, 2, 3]], [[1, 2, 3]], [[0, 8, 9]], [[4, 5, 6]]], [3, 4, 9, 2], { loss });
    const judgement = judge(one, 5) as ValueJudgement;
    expect(judgement.isScalar).toBe(true);
    expect(judgement.interval).toEqual({ level: 0.75, covered: 0.5 });
    expect(judgement.rows[0]).toEqual({ row: 0, loss: 1, target: [3], prediction: [2], low: [1], high: [3] });
  });

  it('of a normal distribution have 1.96 deviations to both sides', () => {
    // Channels are mean and log variance: 10 and log 4.
    const one = judged([[[10, Math.log(4)]]], [13], { loss: { kind: 'gaussianNll', full: false } });
    const judgement = judge(one, 1) as ValueJudgement;
    expect(judgement.rows[0]!.low![0]).toBeCloseTo(10 - 2 * 1.959964, 5);
    expect(judgement.rows[0]!.high![0]).toBeCloseTo(10 + 2 * 1.959964, 5);
    expect(judgement.interval).toEqual({ level: 0.95, covered: 1 });
  });

  it('of sequences show the first target of each live step', () => {
    const one = judged(
      [
        [[1, 9]],
        [
          [2, 9],
          [3, 9],
        ],
      ],
      [
        [[1, 9]],
        [
          [2, 9],
          [4, 9],
        ],
      ],
      { loss: { kind: 'mae' }, perStep: true, targets: 2 },
    );
    const judgement = judge(one, 1) as ValueJudgement;
    expect(judgement.rows[1]).toEqual({ row: 1, loss: 0.25, target: [2, 4], prediction: [2, 3] });
  });
});

it('labels that are on or off each by itself are neither', () => {
  const one = judged([[[0.5, 0.5]]], [[0, 1]], { loss: { kind: 'binaryCrossEntropy' }, targets: 2 });
  expect(judge(one, 1)).toBeUndefined();
});
