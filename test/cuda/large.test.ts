import { describe, expect, it } from 'vitest';
import { dense, devices, lstm, sequential, sgd } from '../../src/index.js';
import { dataOf } from '../support/arrays.js';
import { assertClose } from '../support/compare.js';
import { cuda, isRealGpu, noCuda } from '../support/devices.js';
import { Draws } from '../support/draws.js';
import { deviceTolerance } from '../support/tolerances.js';

// T·N·4H = 1000·512·4·1100 is 2.25e9 elements, beyond 2^31; activations and reserve take about 25 GB.
const [T, N, C, H] = [1000, 512, 4, 1100];
const NEEDED_BYTES = 45e9;

async function whyNot(): Promise<string | undefined> {
  if (cuda === undefined || !isRealGpu) return noCuda ?? 'no GPU is involved';
  const gpu = (await devices()).find((one) => one.device === 'cuda:0');
  const total = gpu?.available === true && gpu.device === 'cuda:0' ? gpu.totalBytes : 0;
  return total < NEEDED_BYTES ? `the card has ${total} bytes of ${NEEDED_BYTES}` : undefined;
}

const reason = await whyNot();

describe.skipIf(reason !== undefined)(
  `tensors of more than 2^31 elements (${reason ?? 'on the card'})`,
  () => {
    it('train as the same batch in two halves: the mean of their losses and of their updates', async () => {
      const draws = new Draws('large tensors');
      const data = Float32Array.from(draws.uniform(N * T * C));
      const y = [...draws.integers(N, 0, 3)];
      const half = N / 2;
      const batches = [
        { x: { data, shape: [N, T, C] }, y },
        { x: { data: data.subarray(0, half * T * C), shape: [half, T, C] }, y: y.slice(0, half) },
        { x: { data: data.subarray(half * T * C), shape: [half, T, C] }, y: y.slice(half) },
      ];
      const results = [];
      for (const batch of batches) {
        const layers = [lstm({ hiddenSize: H, returnSequences: false }), dense({ units: 3 })];
        await using model = await sequential(layers, { ...cuda!.options, inputSize: C, seed: 5 });
        const optimizer = sgd({ learningRate: 1 });
        const { loss } = await model.trainStep(batch, { loss: 'crossEntropy', optimizer });
        results.push({ loss, weights: dataOf(await model.getWeights()) });
      }
      const [whole, first, second] = results;
      const tolerance = deviceTolerance.network;
      assertClose([whole!.loss], [(first!.loss + second!.loss) / 2], { name: 'loss', tolerance });
      for (const [name, values] of Object.entries(whole!.weights)) {
        const mean = Array.from(
          values,
          (_, i) => (first!.weights[name]![i]! + second!.weights[name]![i]!) / 2,
        );
        assertClose(values, mean, { name, tolerance });
      }
      expect(Object.keys(whole!.weights).length).toBeGreaterThan(4);
    }, 300_000);
  },
);
