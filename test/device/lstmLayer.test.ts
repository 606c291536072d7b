import { describe, expect, it } from 'vitest';
import { adam, createLstm, DisposedError, LstmLayer, sgd, StateError } from '../../src/index.js';
import { devices } from '../support/devices.js';
import { Draws } from '../support/draws.js';

const draws = new Draws('lstmLayer');
const config = { inputSize: 3, hiddenSize: 4, numLayers: 2, bidirectional: true } as const;
const tensor = (...shape: number[]) => ({
  data: Float32Array.from(draws.uniform(shape.reduce((a, b) => a * b))),
  shape,
});
const close = (values: ArrayLike<number>, digits = 5) =>
  Array.from(values, (value) => expect.closeTo(value, digits));

describe.each(devices)('an LSTM alone on $name', ({ options }) => {
  it("names its parameters as nn.LSTM's state_dict does", async () => {
    await using layer = await createLstm({ inputSize: 3, hiddenSize: 4 }, options);
    expect(Object.fromEntries(layer.parameters.map(({ name, shape }) => [name, shape]))).toEqual({
      weight_ih_l0: [16, 3],
      weight_hh_l0: [16, 4],
      bias_ih_l0: [16],
      bias_hh_l0: [16],
    });
  });

  it('gives outputs and states with their shapes, zero beyond each length', async () => {
    await using layer = await createLstm(config, options);
    const { y, hn, cn } = await layer.forward(tensor(2, 5, 3), { seqLengths: [5, 2] });
    expect([y.shape, hn.shape, cn.shape]).toEqual([
      [2, 5, 8],
      [4, 2, 4],
      [4, 2, 4],
    ]);
    expect(y.data.subarray(5 * 8 + 2 * 8).every((value) => value === 0)).toBe(true);
    expect(y.data.subarray(5 * 8, 5 * 8 + 2 * 8).some((value) => value === 0)).toBe(false);
    // The last layer's forward direction ends at the last live step: plane 2, sequence 1.
    expect(hn.data.subarray((2 * 2 + 1) * 4, (2 * 2 + 1) * 4 + 4)).toEqual(
      y.data.subarray(5 * 8 + 8, 5 * 8 + 12),
    );
  });

  it('has h of the projection and c of the hidden size', async () => {
    await using layer = await createLstm({ ...config, hiddenSize: 6, projectionSize: 4 }, options);
    const x = tensor(2, 5, 3);
    const { y, hn, cn } = await layer.forward(x, { training: true, seqLengths: [5, 2] });
    expect([y.shape, hn.shape, cn.shape]).toEqual([
      [2, 5, 8],
      [4, 2, 4],
      [4, 2, 6],
    ]);
    const { dx, dh0, dc0 } = await layer.backward({ dhn: hn, dcn: cn });
    expect([dx.shape, dh0.shape, dc0.shape]).toEqual([x.shape, hn.shape, cn.shape]);
    await expect(layer.forward(x, { h0: cn })).rejects.toThrow(
      'h0: expected shape [4, 2, 4], received [4, 2, 6]',
    );
    await expect(layer.forward(x, { c0: hn })).rejects.toThrow(
      'c0: expected shape [4, 2, 6], received [4, 2, 4]',
    );
    const refused = createLstm({ ...config, projectionSize: 4 }, options);
    await expect(refused).rejects.toThrow(
      'createLstm.projectionSize: expected a whole number below hiddenSize, received 4',
    );
  });

  it('clamps every cell at cellClip', async () => {
    const given = { inputSize: 3, hiddenSize: 16, cellClip: 0.05 };
    await using layer = await createLstm(given, options);
    await using free = await createLstm({ ...given, cellClip: undefined }, options);
    const x = tensor(4, 6, 3);
    const largest = async (one: LstmLayer) =>
      Math.max(...(await one.forward(x)).cn.data.map((value) => Math.abs(value)));
    expect(await largest(layer)).toBe(Math.fround(0.05));
    expect(await largest(free)).toBeGreaterThan(0.05);
  });

  it('goes on from h0 and c0 as if a sequence had never been cut', async () => {
    await using layer = await createLstm({ inputSize: 3, hiddenSize: 4, numLayers: 2 }, options);
    const x = tensor(1, 6, 3);
    const part = (from: number, to: number) => ({
      data: x.data.slice(from * 3, to * 3),
      shape: [1, to - from, 3],
    });
    const whole = await layer.forward(x);
    const first = await layer.forward(part(0, 4));
    const second = await layer.forward(part(4, 6), { h0: first.hn, c0: first.cn });
    expect([...second.cn.data]).toEqual(close(whole.cn.data));
    expect([...second.y.data]).toEqual(close(whole.y.data.subarray(4 * 4)));
  });

  it('back-propagates to x and to both initial states: central differences agree', async () => {
    await using layer = await createLstm(config, options);
    const inputs = { x: tensor(2, 3, 3), h0: tensor(4, 2, 4), c0: tensor(4, 2, 4) };
    const weights = { dy: tensor(2, 3, 8), dhn: tensor(4, 2, 4), dcn: tensor(4, 2, 4) };
    const dot = (a: { data: Float32Array }, b: { data: Float32Array }) =>
      a.data.reduce((sum, value, index) => sum + value * b.data[index]!, 0);
    const start = { h0: inputs.h0, c0: inputs.c0, seqLengths: [3, 2] };
    const objective = async () => {
      const { y, hn, cn } = await layer.forward(inputs.x, start);
      return dot(y, weights.dy) + dot(hn, weights.dhn) + dot(cn, weights.dcn);
    };
    await layer.forward(inputs.x, { ...start, training: true });
    const { dx, dh0, dc0 } = await layer.backward(weights);
    // float32: a step of 1e-2 leaves truncation near 1e-4 and rounding near 1e-5.
    const epsilon = 1e-2;
    for (const [input, gradient] of [
      [inputs.x, dx],
      [inputs.h0, dh0],
      [inputs.c0, dc0],
    ] as const) {
      for (const index of [0, 5, gradient.data.length - 1]) {
        const value = input.data[index]!;
        input.data[index] = value + epsilon;
        const above = await objective();
        input.data[index] = value - epsilon;
        const below = await objective();
        input.data[index] = value;
        expect(gradient.data[index]).toBeCloseTo((above - below) / (2 * epsilon), 2);
      }
    }
  });

  it('adds weight gradients up until they are zeroed or used', async () => {
    await using layer = await createLstm(config, options);
    const x = tensor(2, 3, 3);
    const dy = tensor(2, 3, 8);
    const pass = async () => {
      await layer.forward(x, { training: true });
      await layer.backward({ dy });
      return (await layer.gradients())['weight_hh_l1_reverse']!.data;
    };
    const once = await pass();
    const twice = await pass();
    expect([...twice]).toEqual(close(once.map((value) => 2 * value)));
    await layer.zeroGradients();
    expect((await layer.gradients())['weight_hh_l1_reverse']!.data.every((value) => value === 0)).toBe(true);
    expect([...(await pass())]).toEqual(close(once));
    expect(await layer.step(adam())).toMatchObject({ applied: true, step: 1 });
    expect((await layer.gradients())['weight_hh_l1_reverse']!.data.every((value) => value === 0)).toBe(true);
  });

  it('steps: p - learningRate · g', async () => {
    await using layer = await createLstm(config, options);
    await layer.forward(tensor(2, 3, 3), { training: true });
    await layer.backward({ dhn: tensor(4, 2, 4) });
    const before = await layer.getWeights();
    const gradients = await layer.gradients();
    await layer.step(sgd({ learningRate: 0.1 }));
    const after = await layer.getWeights();
    for (const [name, { data }] of Object.entries(before)) {
      const expected = data.map((value, index) => value - 0.1 * gradients[name]!.data[index]!);
      expect([...after[name]!.data]).toEqual(close(expected, 6));
    }
  });

  it('takes weights under the same names', async () => {
    await using layer = await createLstm(config, options);
    await using other = await createLstm(config, { ...options, seed: 1 });
    expect(await other.getWeights()).not.toEqual(await layer.getWeights());
    await other.setWeights(await layer.getWeights());
    expect(await other.getWeights()).toEqual(await layer.getWeights());
  });

  it('refuses a backward without its forward, and a second one', async () => {
    await using layer = await createLstm(config, options);
    await expect(layer.backward()).rejects.toThrow(StateError);
    await layer.forward(tensor(1, 2, 3));
    await expect(layer.backward()).rejects.toThrow(StateError);
    await layer.forward(tensor(1, 2, 3), { training: true });
    await layer.backward();
    await expect(layer.backward()).rejects.toThrow(StateError);
  });

  it.each<[string, unknown, unknown, string]>([
    ['another rank', [[1, 2, 3]], {}, 'x: expected shape [N, T, 3] with N and T from 1, received [1, 3]'],
    ['other channels', [[[1, 2]]], {}, 'x: expected shape [N, T, 3] with N and T from 1, received [1, 1, 2]'],
    ['no steps', { data: new Float32Array(0), shape: [2, 0, 3] }, {}, 'received [2, 0, 3]'],
    ['NaN', [[[1, Number.NaN, 3]]], {}, 'x: expected finite numbers, received NaN at element 1'],
    [
      'a length of 0',
      [[[1, 2, 3]]],
      { seqLengths: [0] },
      'seqLengths[0]: expected a whole number from 1 to 1, received 0',
    ],
    ['too many lengths', [[[1, 2, 3]]], { seqLengths: [1, 1] }, 'seqLengths: expected 1 lengths, received 2'],
    [
      'h0 of another shape',
      [[[1, 2, 3]]],
      { h0: [[[0]]] },
      'h0: expected shape [4, 1, 4], received [1, 1, 1]',
    ],
    [
      'an unknown option',
      [[[1, 2, 3]]],
      { trainning: true },
      "forward: no setting 'trainning'; did you mean 'training'?",
    ],
  ])('refuses %s', async (_name, x, forwardOptions, message) => {
    await using layer = await createLstm(config, options);
    await expect(layer.forward(x as never, forwardOptions as never)).rejects.toThrow(message);
    await expect(layer.forward(tensor(1, 2, 3))).resolves.toBeDefined();
  });

  it('answers typed errors on another object and after dispose', async () => {
    const layer = await createLstm(config, options);
    await expect(LstmLayer.prototype.forward.call({} as never, tensor(1, 1, 3))).rejects.toThrow(StateError);
    expect(() => new LstmLayer({} as never)).toThrow(StateError);
    await layer.dispose();
    await layer.dispose();
    await expect(layer.forward(tensor(1, 1, 3))).rejects.toThrow(DisposedError);
    await expect(layer.getWeights()).rejects.toThrow(DisposedError);
  });
});
