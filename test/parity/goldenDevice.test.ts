import { describe, expect, it } from 'vitest';
import { adam, createLstm, dense, embedding, lstm, sequential, sgd, type Model } from '../../src/index.js';
import { dataOf, toTensor, toTensors } from '../support/arrays.js';
import { assertClose } from '../support/compare.js';
import { devices } from '../support/devices.js';
import { expectLike } from '../support/expectLike.js';
import {
  decode,
  decodeAll,
  lstmGolden,
  shapesOf,
  trainingGolden,
  type GoldenArrays,
} from '../support/golden.js';
import { deviceTolerance } from '../support/tolerances.js';

// Each device against PyTorch in float64; golden/makeGolden.py makes the files and holds seed and version.

const weightsOf = (arrays: GoldenArrays) => toTensors(decodeAll(arrays), shapesOf(arrays));

describe.each(devices)('PyTorch on $name', ({ options }) => {
  it.each(lstmGolden())('nn.LSTM, $id', async (golden) => {
    const { batchSize, timeSteps, lengths } = golden;
    await using layer = await createLstm(golden.config, options);
    await layer.setWeights(weightsOf(golden.weights));
    const { x, h0, c0, dy, dhn, dcn } = weightsOf(golden.inputs) as Record<
      keyof typeof golden.inputs,
      ReturnType<typeof toTensor>
    >;
    const seqLengths = lengths === null ? {} : { seqLengths: lengths };
    const length = { numLayers: golden.config.numLayers, timeSteps, batchSize };
    const { y, hn, cn } = await layer.forward(x, { h0, c0, training: true, ...seqLengths });
    expectLike(dataOf({ y, hn, cn }), golden.outputs, deviceTolerance.lstmForward(length));
    const { dx, dh0, dc0 } = await layer.backward({ dy, dhn, dcn });
    expectLike(dataOf({ dx, dh0, dc0 }), golden.gradients, deviceTolerance.lstmGradient(length));
    const gradients = dataOf(await layer.gradients());
    expectLike(gradients, golden.weightGradients, deviceTolerance.lstmWeightGradient(length));
  });

  it('twenty steps of Adam with clipping by global norm', async () => {
    const golden = trainingGolden().adam;
    const { vocabSize, size, hiddenSize, batchSize: N, timeSteps: T } = golden;
    await using model = await sequential(
      [embedding({ vocabSize, size }), lstm({ hiddenSize }), dense({ units: vocabSize })],
      options,
    );
    await follow(model, golden, deviceTolerance.trainedByAdam, (i) => {
      const ids = (values: number[]) => ({ data: Int32Array.from(values), shape: [N, T] });
      const batch = { x: ids(golden.x[i]!), y: ids(golden.y[i]!) };
      return model.trainStep(batch, { loss: 'crossEntropy', optimizer: adam(golden.optimizer) });
    });
  });

  it('twenty steps of SGD with Nesterov momentum', async () => {
    const golden = trainingGolden().sgd;
    const { inputSize, hiddenSize, units } = golden;
    await using model = await sequential(
      [lstm({ hiddenSize, bidirectional: true, returnSequences: false }), dense({ units })],
      { ...options, inputSize },
    );
    await follow(model, golden, deviceTolerance.trainedBySgd, (i) => {
      const [x, y] = [golden.x[i]!, golden.y[i]!].map((array) => toTensor(decode(array), array.shape)) as [
        ReturnType<typeof toTensor>,
        ReturnType<typeof toTensor>,
      ];
      return model.trainStep({ x, y }, { loss: 'mse', optimizer: sgd(golden.optimizer) });
    });
  });
});

type Training = ReturnType<typeof trainingGolden>['adam' | 'sgd'];

async function follow(
  model: Model,
  golden: Training,
  weightTolerance: number,
  step: (i: number) => Promise<{ readonly loss: number; readonly gradNorm: number; readonly step: number }>,
): Promise<void> {
  await model.setWeights(weightsOf(golden.start));
  const losses: number[] = [];
  const norms: number[] = [];
  for (let i = 0; i < golden.losses.length; i++) {
    const result = await step(i);
    expect(result.step).toBe(i + 1);
    losses.push(result.loss);
    norms.push(result.gradNorm);
  }
  assertClose(losses, golden.losses, { name: 'golden losses', tolerance: deviceTolerance.training });
  assertClose(norms, golden.norms, { name: 'golden norms', tolerance: deviceTolerance.training });
  expectLike(dataOf(await model.getWeights()), golden.end, weightTolerance);
}
