import { describe, it } from 'vitest';
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
import { decode, decodeAll, kerasOptimizersGolden, shapesOf } from '../support/golden.js';
import { deviceTolerance } from '../support/tolerances.js';

// Fifty updates of each of Keras' optimizers; golden/makeKerasOptimizers.py makes the file and holds seed and versions.

const golden = kerasOptimizersGolden();
const { inputSize, hiddenSize, units, batchSize: N, timeSteps: T } = golden;

const convention = 'keras';
const optimizers: Record<string, Optimizer> = {
  SGD: sgd({ learningRate: 0.05, clip: { value: 0.05 }, convention }),
  'SGD with momentum and weight decay': sgd({
    learningRate: 0.02,
    momentum: 0.9,
    weightDecay: 0.05,
    convention,
  }),
  'SGD with Nesterov momentum': sgd({
    learningRate: 0.02,
    momentum: 0.9,
    nesterov: true,
    clip: { tensorNorm: 0.2 },
    convention,
  }),
  RMSprop: rmsprop({ learningRate: 0.005, rho: 0.9, convention }),
  'centered RMSprop with momentum': rmsprop({
    learningRate: 0.002,
    rho: 0.9,
    momentum: 0.5,
    epsilon: 1e-3,
    centered: true,
    convention,
  }),
  Adagrad: adagrad({ learningRate: 0.05, initialAccumulator: 0.1, convention }),
  Adam: adam({ learningRate: 0.01, clip: { globalNorm: 0.3, epsilon: 0 }, convention }),
  'Adam with a large epsilon': adam({
    learningRate: 0.02,
    beta1: 0.8,
    beta2: 0.99,
    epsilon: 1e-2,
    convention,
  }),
  AMSGrad: adam({ learningRate: 0.02, beta2: 0.9, amsgrad: true, convention }),
  AdamW: adamW({ learningRate: 0.01, weightDecay: 0.1, convention }),
  'Adam, three batches to an update': adam({ learningRate: 0.02, accumulate: 3, convention }),
  'Adam with an exponential moving average': adam({
    learningRate: 0.01,
    average: { kind: 'ema', decay: 0.9 },
    convention,
  }),
};

describe.each(devices)("Keras' optimizers on $name", ({ options }) => {
  it.each(golden.cases)('$id: fifty updates', async ({ id, losses, end, average }) => {
    await using model = await sequential(
      [lstm({ hiddenSize, bias: 'single', returnSequences: false }), dense({ units })],
      { ...options, inputSize },
    );
    await model.setWeights(toTensors(decodeAll(golden.start), shapesOf(golden.start)));
    const seen: number[] = [];
    for (const i of losses.keys()) {
      const batch = {
        x: toTensor(decode(golden.x[i % golden.x.length]!), [N, T, inputSize]),
        y: toTensor(decode(golden.y[i % golden.y.length]!), [N, units]),
      };
      const { loss } = await model.trainStep(batch, { loss: 'mse', optimizer: optimizers[id]! });
      seen.push(loss);
    }
    assertClose(seen, losses, { name: 'losses', tolerance: deviceTolerance.fiftyUpdates });
    expectLike(dataOf(await model.getWeights()), end, deviceTolerance.fiftyUpdates);
    if (average === undefined) return;
    const averaged = await model.withAveragedWeights(() => model.getWeights());
    expectLike(dataOf(averaged), average, deviceTolerance.fiftyUpdates);
  });
});
