import { availableParallelism } from 'node:os';
import { describe, expect, it, vi } from 'vitest';
import {
  adam,
  BusyError,
  dense,
  devices,
  dropout,
  embedding,
  lstm,
  sequential,
  sgd,
  type DeviceOptions,
  type Model,
  type OptimizerInput,
} from '../../src/index.js';
import { assertClose } from '../support/compare.js';
import { cuda, isRealGpu, noCuda } from '../support/devices.js';
import { Draws } from '../support/draws.js';
import { deviceTolerance } from '../support/tolerances.js';

const draws = new Draws('devices');
const tokens = { data: Int32Array.from(draws.integers(4 * 6, 0, 11)), shape: [4, 6] };
const targets = { data: Int32Array.from(draws.integers(4 * 6, 0, 11)), shape: [4, 6] };
const cpu = { device: 'cpu', threads: 1 } as const;

// Dropout draws, moments and carried states all decide the next step.
function build(options: DeviceOptions): Promise<Model> {
  const layers = [
    embedding({ vocabSize: 11, size: 9 }),
    lstm({ hiddenSize: 13, numLayers: 2, dropout: 0.3 }),
    dropout({ rate: 0.2 }),
    dense({ units: 11, activation: 'softmax' }),
  ];
  return sequential(layers, { seed: 5, ...options });
}

function step(model: Model, optimizer: OptimizerInput = adam({ clip: { globalNorm: 1 } })) {
  return model.trainStep({ x: tokens, y: targets, carryStates: true }, { loss: 'crossEntropy', optimizer });
}

describe('devices()', () => {
  it('lists the CPU with its instruction sets, then the GPUs or why there is none', async () => {
    const [first, ...others] = await devices();
    const instructionSets = first?.device === 'cpu' ? first.instructionSets : [];
    expect(instructionSets.at(-1)).toBe('baseline');
    expect(first).toMatchObject({
      device: 'cpu',
      available: true,
      name: expect.stringMatching(/./) as string,
      threads: Math.min(availableParallelism(), 256),
      instructionSet: instructionSets[0],
    });
    expect(others.length).toBeGreaterThan(0);
    const unexplained = others.filter(
      (one) =>
        one.device === 'cpu' || one.places.length === 0 || (!one.available && one.install.length === 0),
    );
    expect(unexplained).toEqual([]);
  });
});

describe('model.device', () => {
  it('tells what was taken and why', async () => {
    await using named = await build(cpu);
    expect(named.device).toMatchObject({ kind: 'cpu', device: 'cpu', threads: 1 });
    expect(named.device.reason).toBe("asked for by device: 'cpu'");
    await using auto = await build({ device: 'auto' });
    expect(auto.device.kind).toBe(isRealGpu ? 'cuda' : 'cpu');
    expect(auto.device.reason).toMatch(isRealGpu ? 'the first GPU' : /^no GPU: ./);
    expect(Object.isFrozen(auto.device)).toBe(true);
  });
});

describe('model.memory()', () => {
  it('counts the model and all models of its device', async () => {
    await using model = await build({ device: 'cpu', threads: 2 });
    const before = model.memory();
    // Parameters and gradients; the LSTM's block may begin at a multiple of 256 bytes.
    expect(before.parameterBytes).toBeGreaterThanOrEqual(8 * model.parameterCount);
    await step(model);
    const after = model.memory();
    // Adam's two moments are there now.
    expect(after.parameterBytes).toBe(2 * before.parameterBytes);
    expect(after.activationBytes).toBeGreaterThan(0);
    const other = await build({ device: 'cpu', threads: 2 });
    const both = model.memory().device;
    // It has room for packed weights from the start.
    const { parameterBytes, activationBytes } = other.memory();
    expect(both.usedBytes).toBe(after.device.usedBytes + parameterBytes + activationBytes);
    expect(both.peakBytes).toBeGreaterThanOrEqual(both.usedBytes);
    await other.dispose();
    expect(model.memory().device.usedBytes).toBe(after.device.usedBytes);
    expect(() => other.memory()).toThrow('disposed');
  });
});

/** Where a model goes, and how far its numbers may stray there; 0: not a bit. */
const routes: { name: string; to: DeviceOptions; tolerance: number }[] = [
  { name: 'the CPU with other threads', to: { device: 'cpu', threads: 2 }, tolerance: 0 },
  ...(cuda === undefined
    ? []
    : [{ name: cuda.name, to: cuda.options, tolerance: deviceTolerance.trainedByAdam }]),
];

describe.each(routes)('a model that moves to $name', ({ to, tolerance }) => {
  it.each<[string, OptimizerInput]>([
    ['Adam', 'adam'],
    ['SGD with momentum', sgd({ learningRate: 0.1, momentum: 0.9 })],
    ['plain SGD', sgd({ learningRate: 0.1 })],
  ])('trains on with %s as if it had stayed', async (_, optimizer) => {
    await using stays = await build(cpu);
    await using moves = await build(cpu);
    for (const model of [stays, moves]) for (let k = 0; k < 3; k++) await step(model, optimizer);
    expect(await moves.to(to)).toBe(moves);
    expect(moves.device.kind).toBe(to.device === 'cpu' ? 'cpu' : 'cuda');
    expect(await moves.getWeights()).toEqual(await stays.getWeights());
    for (let k = 0; k < 3; k++) {
      const [a, b] = [await step(stays, optimizer), await step(moves, optimizer)];
      assertClose([b.loss, b.gradNorm], [a.loss, a.gradNorm], { name: `step ${a.step}`, tolerance });
      expect(b.step).toBe(a.step);
    }
    const weights = await moves.getWeights();
    for (const [name, { data }] of Object.entries(await stays.getWeights()))
      assertClose(weights[name]!.data, data, { name, tolerance });
  });

  it('comes back with the same bits', async () => {
    await using model = await build(cpu);
    await using other = await build(cpu);
    for (const one of [model, other]) for (let k = 0; k < 2; k++) await step(one);
    await model.to(to);
    await model.to(cpu);
    expect(await model.getWeights()).toEqual(await other.getWeights());
    expect(await step(model)).toEqual(await step(other));
  });
});

describe('moving', () => {
  it('waits for the calls under way, refuses those made meanwhile, and goes on after', async () => {
    await using model = await build(cpu);
    const steps = [step(model), step(model)];
    const prediction = model.predict(tokens);
    const moved = model.to({ device: 'cpu', threads: 2 });
    await expect(model.predict(tokens)).rejects.toBeInstanceOf(BusyError);
    await expect(step(model)).rejects.toThrow('trainStep: the model is busy with to; await that first');
    await expect(model.to('cpu')).rejects.toBeInstanceOf(BusyError);
    const [first, second] = await Promise.all(steps);
    expect([first!.step, second!.step]).toEqual([1, 2]);
    await expect(prediction).resolves.toHaveProperty('y');
    await moved;
    expect((await step(model)).step).toBe(3);
  });

  it('gives BusyError while fit runs', async () => {
    await using model = await build(cpu);
    let refused: unknown;
    const onEpochEnd = async () => {
      refused = await model.to('cpu').catch((error: unknown) => error);
    };
    await model.fit(
      { x: tokens, y: targets },
      { loss: 'crossEntropy', epochs: 1, verbose: 'silent', callbacks: [{ onEpochEnd }] },
    );
    expect(refused).toMatchObject({ code: 'ERR_BUSY', details: { operation: 'to', running: 'fit' } });
  });

  it('leaves the model where it is when the device cannot be had', async () => {
    vi.stubEnv('CUDNN_LSTM_CUDA_LIBRARY', '/none.so');
    await using model = await build(cpu);
    const before = await model.getWeights();
    await expect(model.to('cuda')).rejects.toMatchObject({ code: 'ERR_DEVICE_UNAVAILABLE' });
    await expect(model.to('gpu' as never)).rejects.toMatchObject({ code: 'ERR_CONFIG' });
    vi.unstubAllEnvs();
    expect(model.device.device).toBe('cpu');
    expect(await model.getWeights()).toEqual(before);
    expect((await step(model)).step).toBe(1);
  });

  it('to where it is already changes nothing', async () => {
    await using model = await build(cpu);
    await step(model);
    const { parameterBytes } = model.memory();
    await model.to(cpu);
    expect(model.memory().parameterBytes).toBe(parameterBytes);
    expect((await step(model)).step).toBe(2);
  });

  it('ends with DisposedError when the model is disposed of meanwhile, and leaves no memory behind', async () => {
    await using witness = await build({ device: 'cpu', threads: 2 });
    const { usedBytes } = witness.memory().device;
    const model = await build(cpu);
    const outcome = model.to({ device: 'cpu', threads: 2 }).catch((error: unknown) => error);
    await model.dispose();
    expect(await outcome).toMatchObject({ code: 'ERR_DISPOSED' });
    expect(witness.memory().device.usedBytes).toBe(usedBytes);
  });
});

describe.skipIf(cuda === undefined)(`options of the CUDA device (skipped without one: ${noCuda})`, () => {
  const device = 'cuda:0';

  it.skipIf(isRealGpu)('a stand-in is named as one, and auto leaves it alone', async () => {
    const listing = (await devices()).find((one) => one.device === device);
    expect(listing).toMatchObject({ available: true, standIn: true, name: 'stand-in (no GPU)' });
    await using model = await build({ device: 'auto' });
    expect(model.device.device).toBe('cpu');
    expect(model.device.reason).toContain("stand-in, which 'auto' never takes");
  });

  it('are told by model.device', async () => {
    const options = { precision: 'fp32', memoryLimit: 1e8, rnnAlgorithm: 'standard' } as const;
    await using model = await build({ device, ...options });
    expect(model.device).toMatchObject({ kind: 'cuda', device, ...options });
    expect(model.memory().device.limitBytes).toBe(1e8);
  });

  it('memoryLimit ends in OutOfMemoryError with the numbers; other models go on', async () => {
    const memoryLimit = 1_000_000;
    await using small = await build({ device, memoryLimit });
    await step(small);
    const { usedBytes } = small.memory().device;
    const large = sequential([lstm({ hiddenSize: 500 })], { inputSize: 10, device, memoryLimit });
    const error = await large.catch((error: unknown) => error);
    expect(error).toMatchObject({ code: 'ERR_OUT_OF_MEMORY', freeBytes: memoryLimit - usedBytes });
    expect((error as { requestedBytes: number }).requestedBytes).toBeGreaterThan(4 * 4 * 500 * 510);
    expect(small.memory().device.usedBytes).toBe(usedBytes);
    expect((await step(small)).step).toBe(2);
  });

  it('an index beyond the last one says how many there are', async () => {
    await expect(build({ device: 'cuda:77' })).rejects.toThrow(/^device 'cuda:77': there (is|are) \d+ GPU/);
  });
});
