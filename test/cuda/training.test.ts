import { describe, expect, it } from 'vitest';
import {
  adam,
  ConfigError,
  dense,
  dropout,
  embedding,
  lstm,
  sequential,
  type DeviceOptions,
} from '../../src/index.js';
import { dataOf } from '../support/arrays.js';
import { assertClose } from '../support/compare.js';
import { cuda, noCuda } from '../support/devices.js';
import { Draws } from '../support/draws.js';
import { deviceTolerance } from '../support/tolerances.js';

const draws = new Draws('cuda training');
const [N, T] = [16, 24];
const x = { data: Int32Array.from(draws.integers(N * T, 0, 50)), shape: [N, T] };
const seqLengths = [...draws.integers(N, 1, T + 1)];
const y = [...draws.integers(N, 0, 5)];
const steps = 20;

/** Losses, norms and final weights of a text classifier that is trained with every kind of dropout. */
async function train(options: DeviceOptions) {
  await using model = await sequential(
    [
      embedding({ vocabSize: 50, size: 24 }),
      dropout({ rate: 0.2, sharedOverTime: true }),
      lstm({ hiddenSize: 40, numLayers: 2, bidirectional: true, dropout: 0.3, returnSequences: false }),
      dropout({ rate: 0.1 }),
      dense({ units: 5, activation: 'softmax' }),
    ],
    { ...options, seed: 3 },
  );
  const optimizer = adam({ learningRate: 1e-3, clip: { globalNorm: 0.5 } });
  const results = [];
  for (let k = 0; k < steps; k++)
    results.push(await model.trainStep({ x, y, seqLengths }, { loss: 'crossEntropy', optimizer }));
  return { results, weights: dataOf(await model.getWeights()) };
}

describe.skipIf(cuda === undefined)(`training on ${cuda?.name ?? `cuda (skipped: ${noCuda})`}`, () => {
  it('draws the dropout that the CPU draws, so losses, norms and weights are the CPU’s', async () => {
    const wanted = await train({ device: 'cpu', threads: 1 });
    const actual = await train(cuda!.options);
    for (const [k, { loss, gradNorm }] of wanted.results.entries()) {
      const tolerance = deviceTolerance.training;
      assertClose([actual.results[k]!.loss], [loss], { name: `loss of step ${k + 1}`, tolerance });
      // Float32 sums in another order, over gradients that partly cancel.
      assertClose([actual.results[k]!.gradNorm], [gradNorm], {
        name: `norm of step ${k + 1}`,
        tolerance: deviceTolerance.network,
      });
    }
    for (const [name, values] of Object.entries(wanted.weights)) {
      assertClose(actual.weights[name]!, values, { name, tolerance: deviceTolerance.trainedByAdam });
    }
  });

  const algorithms = ['standard', 'persistStatic', 'persistDynamic', 'smallH'] as const;
  it.each(algorithms)(
    'the algorithm %s gives the same bits each time, or is refused',
    async (rnnAlgorithm) => {
      const run = () => train({ ...cuda!.options, rnnAlgorithm });
      const refused = (error: unknown) => {
        if (rnnAlgorithm !== 'standard' && error instanceof ConfigError) return 'refused';
        throw error;
      };
      expect(await run().catch(refused)).toEqual(await run().catch(refused));
    },
  );
});
