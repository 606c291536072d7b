import { describe, expect, it } from 'vitest';
import { createLstm } from '../../src/index.js';
import { dataOf, sizeOf, toTensor, toTensors } from '../support/arrays.js';
import { caseTable, CELL_CLIP, DROPOUT_RATE, type LstmCase } from '../support/caseTable.js';
import { assertClose, assertZeroWhere } from '../support/compare.js';
import { devices } from '../support/devices.js';
import { Draws } from '../support/draws.js';
import { deviceTolerance } from '../support/tolerances.js';
import {
  batchOf,
  lstm,
  lstmShapes,
  outputSize,
  type Batch,
  type LstmConfig,
  type Tensors,
} from './oracle.js';

const SEED = 71;

/** One case with its numbers. Padding holds large numbers, so that whatever reads it shows. */
interface Numbers {
  readonly config: LstmConfig;
  readonly batch: Batch;
  readonly shapes: Record<string, readonly number[]>;
  readonly weights: Tensors;
  readonly x: Float64Array;
  readonly dy: Float64Array;
  readonly states?: { readonly h0: Float64Array; readonly c0: Float64Array };
  readonly dhn: Float64Array;
  readonly dcn: Float64Array;
}

function numbersOf(given: LstmCase): Numbers {
  const { inputSize, hiddenSize, projectionSize, numLayers, bidirectional, bias } = given;
  const { timeSteps: T, batchSize: N } = given;
  const draws = new Draws(given.id);
  const config = {
    inputSize,
    hiddenSize,
    numLayers,
    bidirectional,
    bias,
    dropout: given.dropout ? DROPOUT_RATE : 0,
    projectionSize,
    ...(given.clip ? { cellClip: CELL_CLIP } : {}),
  };
  const batch = batchOf(N, T, given.ragged ? draws.integers(N, 1, T + 1) : undefined);
  const shapes = lstmShapes(config);
  const reach = 1 / Math.sqrt(hiddenSize);
  const weights = Object.fromEntries(
    Object.entries(shapes).map(([name, shape]) => [name, draws.uniform(sizeOf(shape), -reach, reach)]),
  );
  const directions = bidirectional ? 2 : 1;
  const hSize = numLayers * directions * N * outputSize(config);
  const cSize = numLayers * directions * N * hiddenSize;
  const padded = (channels: number) =>
    draws.uniform(N * T * channels).map((v, i) => (isLive(batch, channels)(i) ? v : 1000 * v));
  return {
    config,
    batch,
    shapes,
    weights,
    x: padded(inputSize),
    dy: padded(directions * outputSize(config)),
    ...(given.states ? { states: { h0: draws.uniform(hSize), c0: draws.uniform(cSize) } } : {}),
    dhn: draws.uniform(hSize),
    dcn: draws.uniform(cSize),
  };
}

/** Whether element i of an array [N,T,channels] lies within its sequence's length. */
function isLive({ timeSteps, lengths }: Batch, channels: number): (i: number) => boolean {
  return (i) => {
    const row = Math.floor(i / channels);
    return row % timeSteps < lengths[Math.floor(row / timeSteps)]!;
  };
}

/** What the oracle gives: at inference, and in the training pass that draws dropout at `step`. */
function oracleOf({ config, batch, weights, x, dy, states, dhn, dcn }: Numbers, step: number) {
  const inference = lstm(config, weights, batch, { x, ...states });
  const dropoutKey = { seed: SEED, stream: 0, step };
  const training = lstm(config, weights, batch, { x, ...states, dropoutKey });
  return { inference, training, gradients: training.backward({ dy, dhn, dcn }) };
}

function tensorsOf({ config, batch, x, dy, states, dhn, dcn }: Numbers) {
  const { inputSize: C, hiddenSize: H, numLayers, bidirectional } = config;
  const P = outputSize(config);
  const D = bidirectional ? 2 : 1;
  const { batchSize: N, timeSteps: T, lengths } = batch;
  const h = (values: Float64Array) => toTensor(values, [numLayers * D, N, P]);
  const c = (values: Float64Array) => toTensor(values, [numLayers * D, N, H]);
  const equal = lengths.every((length) => length === T);
  return {
    x: toTensor(x, [N, T, C]),
    given: {
      ...(states === undefined ? {} : { h0: h(states.h0), c0: c(states.c0) }),
      ...(equal ? {} : { seqLengths: [...lengths] }),
    },
    gradients: { dy: toTensor(dy, [N, T, D * P]), dhn: h(dhn), dcn: c(dcn) },
  };
}

describe.each(caseTable())('LSTM $id', (given) => {
  const numbers = numbersOf(given);
  const { config, batch } = numbers;
  const rerun = `CUDNN_LSTM_CASE=${given.id} npx vitest run test/parity/lstm.test.ts`;
  const tensors = tensorsOf(numbers);
  let cached: ReturnType<typeof oracleOf> | undefined;
  const expected = () => (cached ??= oracleOf(numbers, 0));

  const close = (
    prefix: string,
    tolerance: number,
    actual: Record<string, ArrayLike<number>>,
    wanted: Tensors,
  ) => {
    expect(Object.keys(actual).sort()).toEqual(Object.keys(wanted).sort());
    for (const [name, values] of Object.entries(wanted)) {
      const shape = numbers.shapes[name];
      const place = shape === undefined ? {} : { shape };
      assertClose(actual[name]!, values, { name: `${prefix}${name}`, tolerance, rerun, ...place });
    }
  };

  it.each(devices)('agrees with the oracle on $name', async ({ options }) => {
    await using layer = await createLstm(config, { ...options, seed: SEED });
    await layer.setWeights(toTensors(numbers.weights, numbers.shapes));

    const wanted = expected();
    const forward = deviceTolerance.lstmForward(given);
    const inference = dataOf(pick(await layer.forward(tensors.x, tensors.given), 'y', 'hn', 'cn'));
    close('inference ', forward, inference, pick(wanted.inference, 'y', 'hn', 'cn'));

    const out = dataOf(
      pick(await layer.forward(tensors.x, { ...tensors.given, training: true }), 'y', 'hn', 'cn'),
    );
    close('', forward, out, pick(wanted.training, 'y', 'hn', 'cn'));
    const width = outputSize(config) * (config.bidirectional ? 2 : 1);
    assertZeroWhere(out['y']!, isLive(batch, width), { name: 'y', rerun });

    const back = dataOf(pick(await layer.backward(tensors.gradients), 'dx', 'dh0', 'dc0'));
    close('', deviceTolerance.lstmGradient(given), back, pick(wanted.gradients, 'dx', 'dh0', 'dc0'));
    assertZeroWhere(back['dx']!, isLive(batch, config.inputSize), { name: 'dx', rerun });
    const gradients = dataOf(await layer.gradients());
    close('d', deviceTolerance.lstmWeightGradient(given), gradients, wanted.gradients.weights);
  });
});

describe.each(devices)('passes of one layer follow each other on $name', ({ options }) => {
  const given: LstmCase = {
    id: 'passes',
    numLayers: 2,
    timeSteps: 5,
    batchSize: 4,
    inputSize: 3,
    hiddenSize: 6,
    projectionSize: 4,
    bidirectional: true,
    bias: 'double',
    ragged: true,
    states: true,
    dropout: true,
    clip: true,
  };
  const numbers = numbersOf(given);
  const tensors = tensorsOf(numbers);
  const tolerance = deviceTolerance.lstmWeightGradient(given);

  it('draws anew in each training pass, adds its gradients up, and starts over after zeroGradients', async () => {
    await using layer = await createLstm(numbers.config, { ...options, seed: SEED });
    await layer.setWeights(toTensors(numbers.weights, numbers.shapes));
    const sums: Tensors[] = [];
    for (let step = 0; step < 3; step++) {
      if (step === 2) await layer.zeroGradients();
      await layer.forward(tensors.x, { ...tensors.given, training: true });
      await layer.backward(tensors.gradients);
      const { weights } = oracleOf(numbers, step).gradients;
      const before = step === 1 ? sums[0] : undefined;
      sums.push(
        Object.fromEntries(Object.entries(weights).map(([name, g]) => [name, add(g, before?.[name])])),
      );
      const actual = dataOf(await layer.gradients());
      for (const [name, g] of Object.entries(sums[step]!)) {
        assertClose(actual[name]!, g, { name: `pass ${step} d${name}`, tolerance });
      }
    }
  });

  it('takes an absent output gradient as zeros', async () => {
    await using layer = await createLstm(numbers.config, { ...options, seed: SEED });
    await layer.setWeights(toTensors(numbers.weights, numbers.shapes));
    const names = ['dy', 'dhn', 'dcn'] as const;
    for (const [step, name] of names.entries()) {
      await layer.zeroGradients();
      await layer.forward(tensors.x, { ...tensors.given, training: true });
      const back = await layer.backward({ [name]: tensors.gradients[name] });
      const { training } = oracleOf(numbers, step);
      const wanted = training.backward({ [name]: numbers[name] });
      for (const part of ['dx', 'dh0', 'dc0'] as const) {
        assertClose(back[part].data, wanted[part], { name: `${part} of ${name} alone`, tolerance });
      }
    }
  });
});

function add(a: Float64Array, b: Float64Array | undefined): Float64Array {
  return b === undefined ? a : a.map((value, i) => value + b[i]!);
}

function pick<T, K extends keyof T>(from: T, ...names: K[]): Pick<T, K> {
  return Object.fromEntries(names.map((name) => [name, from[name]])) as Pick<T, K>;
}
