import { describe, expect, it } from 'vitest';
import { createLstm } from '../../src/index.js';
import { dataOf, sizeOf, toTensor, toTensors } from '../support/arrays.js';
import { caseTable, CELL_CLIP, DROPOUT_RATE, type LstmCase } from '../support/caseTable.js';
import { cuda, noCuda } from '../support/devices.js';
import { Draws } from '../support/draws.js';
import { deviceTolerance } from '../support/tolerances.js';
import { batchOf, lstm, lstmShapes, outputSize, type Tensors } from '../parity/oracle.js';

const SEED = 29;
const STEP = 1e-4;

/** A case's float64 function of its tensors, sum(dy·y) + sum(dhn·hn) + sum(dcn·cn), and what a device needs for it. */
function problemOf(given: LstmCase) {
  const draws = new Draws(`finite differences ${given.id}`);
  const { timeSteps: T, batchSize: N } = given;
  const config = {
    inputSize: given.inputSize,
    hiddenSize: given.hiddenSize,
    numLayers: given.numLayers,
    bidirectional: given.bidirectional,
    bias: given.bias,
    dropout: given.dropout ? DROPOUT_RATE : 0,
    projectionSize: given.projectionSize,
    ...(given.clip ? { cellClip: CELL_CLIP } : {}),
  };
  const D = config.bidirectional ? 2 : 1;
  const P = outputSize(config);
  const planes = config.numLayers * D;
  const lengths = given.ragged ? [...draws.integers(N, 1, T + 1)] : undefined;
  const batch = batchOf(N, T, lengths);
  const shapes = lstmShapes(config);
  const weights = Object.fromEntries(
    Object.entries(shapes).map(([name, shape]) => [name, draws.uniform(sizeOf(shape), -0.5, 0.5)]),
  );
  const sizes = { x: [N, T, config.inputSize], h0: [planes, N, P], c0: [planes, N, config.hiddenSize] };
  const inputs = Object.fromEntries(
    Object.entries(sizes).map(([name, shape]) => [name, draws.uniform(sizeOf(shape))]),
  );
  const dy = draws.uniform(N * T * D * P);
  const dhn = draws.uniform(inputs['h0']!.length);
  const dcn = draws.uniform(inputs['c0']!.length);
  const value = (at: Tensors): number => {
    const dropoutKey = { seed: SEED, stream: 0, step: 0 };
    const out = lstm(config, at, batch, { x: at['x']!, h0: at['h0']!, c0: at['c0']!, dropoutKey });
    return dot(dy, out.y) + dot(dhn, out.hn) + dot(dcn, out.cn);
  };
  return {
    config,
    shapes,
    sizes,
    lengths,
    at: { ...weights, ...inputs } as Tensors,
    weights,
    dy,
    dhn,
    dcn,
    value,
  };
}

function dot(a: ArrayLike<number>, b: ArrayLike<number>): number {
  let sum = 0;
  for (let i = 0; i < a.length; i++) sum += a[i]! * b[i]!;
  return sum;
}

async function gradientsOn(given: LstmCase, problem: ReturnType<typeof problemOf>): Promise<Tensors> {
  const { config, shapes, sizes, lengths, at, weights, dy, dhn, dcn } = problem;
  await using layer = await createLstm(config, { ...cuda!.options, seed: SEED });
  await layer.setWeights(toTensors(weights, shapes));
  const input = (name: keyof typeof sizes) => toTensor(at[name]!, sizes[name]);
  const seqLengths = lengths === undefined ? {} : { seqLengths: lengths };
  await layer.forward(input('x'), { h0: input('h0'), c0: input('c0'), ...seqLengths, training: true });
  const { timeSteps: T, batchSize: N } = given;
  const { dx, dh0, dc0 } = await layer.backward({
    dy: toTensor(dy, [N, T, dy.length / (N * T)]),
    dhn: toTensor(dhn, sizes.h0),
    dcn: toTensor(dcn, sizes.c0),
  });
  const inputs = { x: dx, h0: dh0, c0: dc0 };
  const all = { ...dataOf(inputs), ...dataOf(await layer.gradients()) };
  return Object.fromEntries(Object.entries(all).map(([name, values]) => [name, Float64Array.from(values)]));
}

// Every seventh case: clips, projections, both directions and unequal lengths are among them.
const cases = caseTable().filter((_, index) => index % 7 === 0);

describe.skipIf(cuda === undefined)(`gradients on ${cuda?.name ?? `cuda (skipped: ${noCuda})`}`, () => {
  it('are looked at where the cell is clipped, projected, and lengths differ', () => {
    expect(cases.some(({ clip }) => clip)).toBe(true);
    expect(cases.some(({ projectionSize }) => projectionSize > 0)).toBe(true);
    expect(cases.some(({ ragged }) => ragged)).toBe(true);
  });

  // Each tensor's gradient along one drawn direction of length 1, against two float64 values of the oracle's forward
  // pass alone: no backward pass of ours has a part in what is expected.
  it.each(cases)('of $id are central differences of the float64 forward pass', async (given) => {
    const problem = problemOf(given);
    const gradients = await gradientsOn(given, problem);
    const draws = new Draws(`directions ${given.id}`);
    for (const [name, values] of Object.entries(problem.at)) {
      const drawn = draws.uniform(values.length);
      const length = Math.sqrt(dot(drawn, drawn));
      const direction = drawn.map((v) => v / length);
      const moved = (by: number) => ({ ...problem.at, [name]: values.map((v, i) => v + by * direction[i]!) });
      const numeric = (problem.value(moved(STEP)) - problem.value(moved(-STEP))) / (2 * STEP);
      const gradient = gradients[name]!;
      const scale = Math.sqrt(dot(gradient, gradient));
      const tolerance = 10 * deviceTolerance.lstmWeightGradient(given) * scale + 1e-6 * Math.abs(numeric);
      expect(Math.abs(dot(gradient, direction) - numeric), `d${name}`).toBeLessThanOrEqual(tolerance);
    }
  });
});
