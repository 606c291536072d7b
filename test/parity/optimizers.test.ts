import { describe, expect, it } from 'vitest';
import {
  adagrad,
  adam,
  adamW,
  dense,
  lstm,
  rmsprop,
  sequential,
  sgd,
  type Optimizer,
} from '../../src/index.js';
import { dataOf, toTensor, toTensors } from '../support/arrays.js';
import { assertClose } from '../support/compare.js';
import { devices } from '../support/devices.js';
import { expectLike } from '../support/expectLike.js';
import { decode, decodeAll, optimizersGolden, shapesOf } from '../support/golden.js';
import { deviceTolerance } from '../support/tolerances.js';

// Fifty steps of each of PyTorch's optimizers; golden/makeOptimizers.py makes the file and holds seed and version.

const golden = optimizersGolden();
const { inputSize, hiddenSize, units, batchSize: N, timeSteps: T, steps } = golden;

const coupled = { decay: 'coupled' } as const;
// PyTorch's ASGD with lambd, alpha and t0 is gradient descent whose rate falls, with decoupled decay lambd. Its mean
// holds the parameters from update t0 + 2 on, counted from 1: its mu of a step is made at the end of the one before.
const asgdRate = (update: number) => 0.05 / (1 + 0.01 * 0.05 * update) ** 0.75;
const asgd = (update: number) =>
  sgd({
    learningRate: asgdRate(update),
    weightDecay: 0.01,
    ...(update + 1 >= 22 && { average: { kind: 'mean' } as const }),
  });

const optimizers: Record<string, Optimizer | ((update: number) => Optimizer)> = {
  SGD: sgd({ learningRate: 0.05 }),
  'SGD with momentum and weight decay': sgd({
    learningRate: 0.02,
    momentum: 0.9,
    weightDecay: 0.01,
    ...coupled,
    clip: { globalNorm: 0.5 },
  }),
  'SGD with Nesterov momentum': sgd({
    learningRate: 0.02,
    momentum: 0.9,
    nesterov: true,
    clip: { value: 0.05 },
  }),
  Adam: adam({ learningRate: 0.01 }),
  'Adam with weight decay': adam({
    learningRate: 0.01,
    beta1: 0.8,
    beta2: 0.99,
    epsilon: 1e-4,
    weightDecay: 0.02,
    ...coupled,
    clip: { globalNorm: 0.3 },
  }),
  AMSGrad: adam({ learningRate: 0.02, beta2: 0.9, amsgrad: true }),
  AdamW: adamW({ learningRate: 0.01, weightDecay: 0.1, clip: { globalNorm: 0.3 } }),
  'AdamW with groups': adamW({
    learningRate: 0.01,
    weightDecay: 0.1,
    groups: [{ parameters: '*.bias*', learningRateScale: 0.2, weightDecay: 0 }],
  }),
  RMSprop: rmsprop({ learningRate: 0.005, rho: 0.9 }),
  'centered RMSprop with momentum': rmsprop({
    learningRate: 0.002,
    rho: 0.9,
    epsilon: 1e-3,
    momentum: 0.5,
    centered: true,
    weightDecay: 0.01,
    ...coupled,
  }),
  Adagrad: adagrad({ learningRate: 0.05 }),
  'Adagrad with an initial accumulator': adagrad({
    learningRate: 0.1,
    initialAccumulator: 0.1,
    weightDecay: 0.01,
    ...coupled,
  }),
  ASGD: asgd,
  'Adam with an exponential moving average': adam({
    learningRate: 0.01,
    average: { kind: 'ema', decay: 0.9 },
  }),
  'Adam, three batches to an update': adam({ learningRate: 0.02, accumulate: 3 }),
};

describe.each(devices)("PyTorch's optimizers on $name", ({ options }) => {
  it.each(golden.cases)('$id: fifty updates', async ({ id, losses, norms, end, average }) => {
    const optimizer = optimizers[id]!;
    await using model = await sequential([lstm({ hiddenSize, returnSequences: false }), dense({ units })], {
      ...options,
      inputSize,
    });
    await model.setWeights(toTensors(decodeAll(golden.start), shapesOf(golden.start)));
    const passes = losses.length / steps;
    const [seen, seenNorms]: [number[], number[]] = [[], []];
    for (const i of losses.keys()) {
      const batch = {
        x: toTensor(decode(golden.x[i % golden.x.length]!), [N, T, inputSize]),
        y: toTensor(decode(golden.y[i % golden.y.length]!), [N, units]),
      };
      const update = Math.floor(i / passes);
      const own = typeof optimizer === 'function' ? optimizer(update) : optimizer;
      const { loss, gradNorm, step } = await model.trainStep(batch, { loss: 'mse', optimizer: own });
      const updates = (i + 1) % passes === 0;
      expect(step).toBe(updates ? update + 1 : update);
      seen.push(loss);
      seenNorms.push(gradNorm);
    }
    assertClose(seen, losses, { name: 'losses', tolerance: deviceTolerance.fiftyUpdates });
    // Batches whose gradients wait have none.
    const expectedNorms = norms.flatMap((norm) => [...new Array<number>(passes - 1).fill(0), norm]);
    assertClose(seenNorms, expectedNorms, { name: 'norms', tolerance: deviceTolerance.fiftyUpdates });
    expectLike(dataOf(await model.getWeights()), end, deviceTolerance.fiftyUpdates);
    if (average === undefined) return;
    const averaged = await model.withAveragedWeights(() => model.getWeights());
    expectLike(dataOf(averaged), average, deviceTolerance.fiftyUpdates);
    expectLike(dataOf(await model.getWeights()), end, deviceTolerance.fiftyUpdates);
  });
});
