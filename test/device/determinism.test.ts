import { describe, expect, it } from 'vitest';
import { adam, dense, dropout, embedding, lstm, orthogonal, sequential, uniform } from '../../src/index.js';
import { devices } from '../support/devices.js';
import { Draws } from '../support/draws.js';

const draws = new Draws('determinism');
// Large enough that threads share the work of a step.
const count = 48;
const x = { data: draws.integers(count * 20, 0, 40), shape: [count, 20] };
const seqLengths = draws.integers(count, 1, 21);
const y = Array.from(draws.integers(count, 0, 5));

describe.each(devices)('the same seed on $name', ({ options }) => {
  const train = async (seed: number) => {
    await using model = await sequential(
      [
        embedding({ vocabSize: 40, size: 24, initializer: uniform({ low: -1, high: 1 }) }),
        dropout({ rate: 0.2, sharedOverTime: true }),
        lstm({ hiddenSize: 50, projectionSize: 30, cellClip: 0.5 }),
        lstm({ hiddenSize: 50, numLayers: 2, bidirectional: true, dropout: 0.3, returnSequences: false }),
        dense({ units: 5, activation: 'softmax' }),
      ],
      { ...options, seed },
    );
    const initial = await model.getWeights();
    const history = await model.fit(
      { x, y, seqLengths },
      {
        loss: 'crossEntropy',
        epochs: 3,
        batchSize: 20,
        optimizer: adam({ clip: { globalNorm: 0.5 } }),
        validationSplit: 0.25,
        verbose: 'silent',
      },
    );
    const losses = history.epochs.map(({ loss, valLoss }) => [loss, valLoss]);
    return { initial, losses, weights: await model.getWeights(), y: (await model.predict(x)).y };
  };

  it('gives the same bits twice: weights, losses, predictions', async () => {
    expect(await train(9)).toEqual(await train(9));
  });

  it('is what decides: another seed gives other weights and losses', async () => {
    const [one, other] = [await train(9), await train(10)];
    expect(one.initial).not.toEqual(other.initial);
    expect(one.losses).not.toEqual(other.losses);
  });
});

describe('initial weights', () => {
  const start = async (options: object, threads: number) => {
    await using model = await sequential([lstm({ hiddenSize: 64, ...options })], {
      threads,
      inputSize: 30,
      seed: 1,
    });
    return model.getWeights();
  };

  it('do not depend on the number of threads', async () => {
    expect(await start({}, 1)).toEqual(await start({}, 2));
  });

  it('have orthonormal columns in R, times the gain', async () => {
    const { 'lstm.weight_hh_l0': matrix } = await start({ recurrentInitializer: orthogonal({ gain: 2 }) }, 1);
    for (let a = 0; a < 64; a += 7) {
      for (let b = 0; b < 64; b += 9) {
        let dot = 0;
        for (let row = 0; row < 256; row++) dot += matrix!.data[row * 64 + a]! * matrix!.data[row * 64 + b]!;
        expect(dot).toBeCloseTo(a === b ? 4 : 0, 4);
      }
    }
  });

  it('have orthonormal rows in a projection', async () => {
    const { 'lstm.weight_hr_l0': matrix } = await start({ projectionSize: 20 }, 1);
    expect(matrix!.shape).toEqual([20, 64]);
    for (let a = 0; a < 20; a += 3) {
      for (let b = 0; b < 20; b += 4) {
        let dot = 0;
        for (let column = 0; column < 64; column++) {
          dot += matrix!.data[a * 64 + column]! * matrix!.data[b * 64 + column]!;
        }
        expect(dot).toBeCloseTo(a === b ? 1 : 0, 5);
      }
    }
  });

  it("keep within Glorot's bound in W, and reach towards it", async () => {
    const { data } = (await start({}, 1))['lstm.weight_ih_l0']!;
    const bound = Math.sqrt(6 / (30 + 256));
    const largest = data.reduce((max, value) => Math.max(max, Math.abs(value)), 0);
    expect(largest).toBeLessThanOrEqual(bound);
    // Of 7,680 draws the largest is above 99 % of the bound but once in e^76.
    expect(largest).toBeGreaterThan(0.99 * bound);
  });

  it('put the forget bias, 1 by default, into bias_ih of the second gate alone', async () => {
    const gates = async (options: object) => {
      const weights = await start(options, 1);
      const sums = [weights['lstm.bias_ih_l0']!, weights['lstm.bias_hh_l0']!].map(({ data }) =>
        [0, 1, 2, 3].map((gate) => data.subarray(gate * 64, gate * 64 + 64).reduce((a, b) => a + b)),
      );
      return sums;
    };
    expect(await gates({})).toEqual([
      [0, 64, 0, 0],
      [0, 0, 0, 0],
    ]);
    expect(await gates({ forgetBias: 2 })).toEqual([
      [0, 128, 0, 0],
      [0, 0, 0, 0],
    ]);
  });
});
