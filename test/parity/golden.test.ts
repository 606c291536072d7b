import { describe, expect, it } from 'vitest';
import { assertClose } from '../support/compare.js';
import { expectLike } from '../support/expectLike.js';
import { decode, decodeAll, lstmGolden, readGolden, trainingGolden } from '../support/golden.js';
import { oracleTolerance } from '../support/tolerances.js';
import {
  batchOf,
  gradientsOf,
  lossOf,
  lstm,
  newOptimizerState,
  sequenceRows,
  update,
  type LossKind,
  type LossSettings,
  type NetworkInputs,
  type Node,
  type Targets,
  type Tensors,
  type Update,
} from './oracle.js';

// The oracle against PyTorch in float64; golden/makeGolden.py makes the files and holds seed and version.

describe.each(lstmGolden())('nn.LSTM, $id', (golden) => {
  it('is what the oracle computes, with every gradient', () => {
    const inputs = decodeAll(golden.inputs) as Record<keyof typeof golden.inputs, Float64Array>;
    const batch = batchOf(golden.batchSize, golden.timeSteps, golden.lengths ?? undefined);
    const config = { ...golden.config, dropout: 0 };
    const { y, hn, cn, backward } = lstm(config, decodeAll(golden.weights), batch, inputs);
    expectLike({ y, hn, cn }, golden.outputs, oracleTolerance.golden);
    const { dx, dh0, dc0, weights } = backward(inputs);
    expectLike({ dx, dh0, dc0 }, golden.gradients, oracleTolerance.golden);
    expectLike(weights, golden.weightGradients, oracleTolerance.golden);
  });
});

interface LossGolden {
  readonly id: string;
  readonly loss: LossSettings & { readonly kind: LossKind };
  readonly predictions: number[][][];
  readonly targets: number[][] | number[][][];
  readonly value: number;
  readonly gradient: number[][][];
}

// golden/makeLosses.py makes the file.
describe('losses of PyTorch and scikit-learn', () => {
  const { lengths, cases } = readGolden<{ lengths: number[]; cases: LossGolden[] }>('losses.json');
  it.each(cases)('$id', ({ loss: { kind, ...settings }, predictions, targets, value, gradient }) => {
    const rows = sequenceRows(batchOf(3, 4, lengths));
    const given = (targets as number[][]).flat(2);
    const byIds = typeof targets[0]![0] === 'number';
    const wanted = {
      loss: kind,
      settings,
      ...(byIds ? { ids: given } : { values: Float64Array.from(given) }),
    };
    const z = Float64Array.from(predictions.flat(2));
    const result = lossOf(wanted, rows, predictions[0]![0]!.length, z);
    const tolerance = oracleTolerance.golden;
    assertClose([result.loss], [value], { name: 'loss', tolerance });
    assertClose(result.gradient, gradient.flat(2), { name: 'gradient', tolerance });
  });
});

describe('twenty training steps of PyTorch are what the oracle computes', () => {
  const { adam, sgd } = trainingGolden();
  const lstmNode = { kind: 'lstm', name: 'lstm', numLayers: 1, bias: 'double', dropout: 0 } as const;
  const head = { kind: 'dense', name: 'fc', activation: 'linear', useBias: true } as const;

  it('Adam with clipping by global norm: embedding, LSTM, linear, crossEntropy', () => {
    const nodes: Node[] = [
      { kind: 'embedding', name: 'embedding', vocabSize: adam.vocabSize, size: adam.size },
      { ...lstmNode, hiddenSize: adam.hiddenSize, bidirectional: false, returnSequences: true },
      { ...head, units: adam.vocabSize },
    ];
    const batch = batchOf(adam.batchSize, adam.timeSteps);
    const steps = adam.x.map((x, i): Step => [
      { batch, x, inputSize: 0 },
      { loss: 'crossEntropy', ids: adam.y[i]! },
    ]);
    follow(adam, nodes, steps, { kind: 'adam', ...adam.optimizer });
  });

  it('SGD with Nesterov momentum: LSTM in both directions, linear, mse', () => {
    const nodes: Node[] = [
      { ...lstmNode, hiddenSize: sgd.hiddenSize, bidirectional: true, returnSequences: false },
      { ...head, units: sgd.units },
    ];
    const batch = batchOf(sgd.batchSize, sgd.timeSteps);
    const steps = sgd.x.map((x, i): Step => [
      { batch, x: decode(x), inputSize: sgd.inputSize },
      { loss: 'mse', values: decode(sgd.y[i]!) },
    ]);
    follow(sgd, nodes, steps, { kind: 'sgd', ...sgd.optimizer });
  });

  type Step = [NetworkInputs, Targets];

  function follow(golden: typeof adam | typeof sgd, nodes: Node[], steps: Step[], config: Update): void {
    const params: Tensors = decodeAll(golden.start);
    const state = newOptimizerState(params);
    const losses: number[] = [];
    const norms: number[] = [];
    for (const [inputs, targets] of steps) {
      const { loss, gradients } = gradientsOf(nodes, params, inputs, targets);
      losses.push(loss);
      norms.push(update(params, gradients, state, config).gradNorm);
    }
    expect(steps).toHaveLength(20);
    assertClose(losses, golden.losses, { name: 'golden losses', tolerance: oracleTolerance.golden });
    assertClose(norms, golden.norms, { name: 'golden norms', tolerance: oracleTolerance.golden });
    expectLike(params, golden.end, oracleTolerance.golden);
  }
});
