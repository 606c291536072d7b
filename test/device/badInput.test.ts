import { afterAll, beforeAll, describe, expect, it, vi } from 'vitest';
import {
  adam,
  dense,
  DeviceUnavailableError,
  embedding,
  LstmError,
  lstm,
  Model,
  OutOfMemoryError,
  pool,
  sequential,
  sgd,
  StateError,
} from '../../src/index.js';

const options = { device: 'cpu', threads: 2 } as const;
const step = { loss: 'crossEntropy', optimizer: sgd({ learningRate: 0 }) } as const;
const x = [
  [
    [1, 2],
    [3, 4],
  ],
  [
    [5, 6],
    [7, 8],
  ],
];
const tokens = [
  [1, 2],
  [3, 4],
];
const y = [0, 1];

/** An array whose memory another call has taken. */
function detached(): Float32Array {
  const data = new Float32Array(8);
  structuredClone(data.buffer, { transfer: [data.buffer] });
  return data;
}

/** An array whose buffer was made smaller than the array. */
function shrunk(): Float32Array {
  const Resizable = ArrayBuffer as unknown as new (size: number, options: object) => ArrayBuffer;
  const buffer = new Resizable(32, { maxByteLength: 32 });
  const data = new Float32Array(buffer, 0, 8);
  (buffer as unknown as { resize(size: number): void }).resize(4);
  return data;
}

describe('bad input', () => {
  let features: Model;
  let reader: Model;
  let expected: unknown;

  beforeAll(async () => {
    features = await sequential([lstm({ hiddenSize: 3, returnSequences: false }), dense({ units: 3 })], {
      ...options,
      inputSize: 2,
    });
    reader = await sequential(
      [embedding({ vocabSize: 5, size: 3 }), pool({ mode: 'mean' }), dense({ units: 3 })],
      options,
    );
    expected = await features.predict(x);
  });

  afterAll(async () => {
    await features.dispose();
    await reader.dispose();
  });

  const shape = [2, 2, 2];
  it.each<[string, string, () => unknown, RegExp]>([
    ['features of rank 2', 'ERR_SHAPE', () => features.predict(tokens as never), /^x/],
    ['features of other channels', 'ERR_SHAPE', () => features.predict([[[1, 2, 3]]]), /^x/],
    ['rows whose channels differ', 'ERR_SHAPE', () => features.predict([[[1, 2], [1]]]), /row 0/],
    [
      'fewer elements than the shape says',
      'ERR_SHAPE',
      () => features.predict({ data: new Float32Array(7), shape }),
      /8/,
    ],
    ['text', 'ERR_SHAPE', () => features.predict('text' as never), /^x/],
    ['nothing', 'ERR_SHAPE', () => features.predict(undefined as never), /^x/],
    ['no sequences', 'ERR_DATA', () => features.predict([]), /at least one/],
    [
      'an empty tensor',
      'ERR_DATA',
      () => features.predict({ data: new Float32Array(0), shape: [0, 2, 2] }),
      /at least one/,
    ],
    ['a sequence without steps', 'ERR_DATA', () => features.predict([[[1, 2]], []]), /1/],
    [
      'NaN in features',
      'ERR_DATA',
      () =>
        features.predict([
          x[0]!,
          [
            [1, 2],
            [Number.NaN, 4],
          ],
        ]),
      /row 1/,
    ],
    [
      'an infinity in features',
      'ERR_DATA',
      () =>
        features.predict([
          x[0]!,
          [
            [1, 2],
            [3, -Infinity],
          ],
        ]),
      /row 1/,
    ],
    ['float64 beyond float32', 'ERR_DATA', () => features.predict([[[1e300, 0]]]), /row 0/],
    ['a detached buffer', 'ERR_SHAPE', () => features.predict({ data: detached(), shape }), /detached/],
    [
      'a buffer made smaller',
      'ERR_SHAPE',
      () => features.predict({ data: shrunk(), shape }),
      /out of bounds/,
    ],
    [
      'shared memory',
      'ERR_SHAPE',
      () => features.predict({ data: new Float32Array(new SharedArrayBuffer(32)), shape }),
      /SharedArrayBuffer/,
    ],
    [
      '64-bit integers',
      'ERR_SHAPE',
      () => features.predict({ data: new BigInt64Array(8), shape } as never),
      /BigInt64Array/,
    ],
    [
      'a negative size',
      'ERR_SHAPE',
      () => features.predict({ data: new Float32Array(8), shape: [-2, -2, 2] }),
      /shape/,
    ],
    ['a length of 0', 'ERR_DATA', () => features.predict(x, { seqLengths: [2, 0] }), /seqLengths.*1/],
    ['a length beyond T', 'ERR_DATA', () => features.predict(x, { seqLengths: [2, 3] }), /seqLengths.*1/],
    ['a broken length', 'ERR_DATA', () => features.predict(x, { seqLengths: [2, 1.5] }), /seqLengths.*1/],
    ['too few lengths', 'ERR_SHAPE', () => features.predict(x, { seqLengths: [2] }), /seqLengths/],
    ['a token beyond the vocabulary', 'ERR_DATA', () => reader.predict([[1], [5]]), /row 1/],
    ['a negative token', 'ERR_DATA', () => reader.predict([[1], [-1]]), /row 1/],
    ['a broken token', 'ERR_DATA', () => reader.predict([[1], [1.5]]), /row 1/],
    [
      'float32 tokens',
      'ERR_SHAPE',
      () => reader.predict({ data: new Float32Array(2), shape: [1, 2] }),
      /integer/,
    ],
    ['a batch size of 0', 'ERR_CONFIG', () => features.predict(x, { batchSize: 0 }), /predict.batchSize/],
    [
      'an unknown option',
      'ERR_CONFIG',
      () => features.predict(x, { batchsize: 1 } as never),
      /did you mean 'batchSize'/,
    ],
    [
      'a signal that is none',
      'ERR_CONFIG',
      () => features.predict(x, { signal: true } as never),
      /AbortSignal/,
    ],

    ['a class beyond the last', 'ERR_DATA', () => features.trainStep({ x, y: [0, 3] }, step), /row 1/],
    ['targets of another count', 'ERR_SHAPE', () => features.trainStep({ x, y: [0] }, step), /^y/],
    [
      'targets of another width',
      'ERR_SHAPE',
      () =>
        features.trainStep(
          {
            x,
            y: [
              [1, 2],
              [3, 4],
            ],
          },
          { ...step, loss: 'mse' },
        ),
      /^y/,
    ],
    ['ids for mse', 'ERR_SHAPE', () => features.trainStep({ x, y }, { ...step, loss: 'mse' }), /^y/],
    [
      'shares that do not sum to 1',
      'ERR_DATA',
      () =>
        features.trainStep(
          {
            x,
            y: [
              [1, 1, 0],
              [1, 0, 0],
            ],
          },
          step,
        ),
      /row 0/,
    ],
    [
      'probabilities beyond 1',
      'ERR_DATA',
      () =>
        features.trainStep(
          {
            x,
            y: [
              [0, 1, 2],
              [0, 0, 0],
            ],
          },
          { ...step, loss: 'binaryCrossEntropy' },
        ),
      /row 0/,
    ],
    [
      'NaN in targets',
      'ERR_DATA',
      () =>
        features.trainStep(
          {
            x,
            y: [
              [0, 0, 0],
              [0, Number.NaN, 0],
            ],
          },
          { ...step, loss: 'mse' },
        ),
      /row 1/,
    ],
    [
      'a negative weight',
      'ERR_DATA',
      () => features.trainStep({ x, y, sampleWeights: [1, -1] }, step),
      /sampleWeights row 1/,
    ],
    [
      'too few weights',
      'ERR_SHAPE',
      () => features.trainStep({ x, y, sampleWeights: [1] }, step),
      /sampleWeights/,
    ],
    ['no targets', 'ERR_SHAPE', () => features.trainStep({ x } as never, step), /no y/],
    ['no batch', 'ERR_SHAPE', () => features.trainStep(undefined as never, step), /^batch/],
    [
      'a misspelt field',
      'ERR_CONFIG',
      () => features.trainStep({ x, y, seqlengths: [1, 1] } as never, step),
      /seqlengths/,
    ],
    [
      'an unknown loss',
      'ERR_CONFIG',
      () => features.trainStep({ x, y }, { ...step, loss: 'crossentropy' as never }),
      /crossEntropy/,
    ],
    [
      'no loss',
      'ERR_CONFIG',
      () => features.trainStep({ x, y }, { optimizer: 'sgd' } as never),
      /trainStep.loss/,
    ],
    [
      'no optimizer',
      'ERR_CONFIG',
      () => features.trainStep({ x, y }, { loss: 'mse' } as never),
      /trainStep.optimizer/,
    ],
    [
      'a misspelt setting of an optimizer',
      'ERR_CONFIG',
      () => features.trainStep({ x, y }, { ...step, optimizer: { ...adam(), learnRate: 1 } as never }),
      /learnRate/,
    ],
    ['evaluate without any loss', 'ERR_CONFIG', () => reader.evaluate({ x: tokens, y }), /evaluate.loss/],
    [
      'a metric that the loss does not give',
      'ERR_CONFIG',
      () => features.evaluate({ x, y }, { loss: 'crossEntropy', metrics: ['mae'] }),
      /'mae'/,
    ],
    [
      'a batch larger than the data with dropLast',
      'ERR_CONFIG',
      () => fit({ batchSize: 3, dropLast: true }),
      /batchSize/,
    ],
    ['a validation split of everything', 'ERR_CONFIG', () => fit({ validationSplit: 1 }), /validationSplit/],
    [
      'validation data twice',
      'ERR_CONFIG',
      () => fit({ validationSplit: 0.5, validationData: { x, y } }),
      /validationSplit/,
    ],
    ['no epochs', 'ERR_CONFIG', () => fit({ epochs: 0 }), /fit.epochs/],
    ['a callback that is none', 'ERR_CONFIG', () => fit({ callbacks: [() => {}] }), /fit.callbacks/],
    ['a weight of another shape', 'ERR_SHAPE', () => features.setWeights({ 'fc.bias': [[1]] }), /\[3\]/],
    ['NaN in weights', 'ERR_DATA', () => features.setWeights({ 'fc.bias': [0, Number.NaN, 0] }), /fc.bias/],
    ['an unknown weight', 'ERR_CONFIG', () => features.setWeights({ bias: [0] }), /no parameter 'bias'/],
    ['no path', 'ERR_CONFIG', () => features.save(undefined as never), /path/],
    [
      'a path that cannot be written',
      'ERR_CHECKPOINT',
      () => features.save('/no/such/folder/model.safetensors'),
      /no.such/,
    ],
  ])('%s gives %s', async (_name, code, call, message) => {
    const failure: unknown = await (call() as Promise<unknown>).catch((error: unknown) => error);
    expect(failure).toBeInstanceOf(LstmError);
    expect(failure).toMatchObject({ code, message: expect.stringMatching(message) });
    // The model still computes what it did.
    expect(await features.predict(x)).toEqual(expected);
    // Whoever made the call finds their own file in the stack.
    expect((failure as Error).stack).toContain('badInput.test.ts');
  });

  function fit(wrong: object): Promise<unknown> {
    return features.fit({ x, y }, { loss: 'crossEntropy', verbose: 'silent', ...wrong });
  }

  it.each<[string, string, () => unknown, RegExp]>([
    [
      'a softmax head with binaryCrossEntropy',
      'softmax',
      () => 'binaryCrossEntropy',
      /'sigmoid' or 'linear'/,
    ],
    ['a sigmoid head with crossEntropy', 'sigmoid', () => 'crossEntropy', /'softmax' or 'linear'/],
    ['a relu head with crossEntropy', 'relu', () => 'crossEntropy', /layers\[1\] \(fc\)/],
  ])('%s is refused before anything is computed', async (_name, activation, loss, message) => {
    await using model = await sequential(
      [pool({ mode: 'last' }), dense({ units: 3, activation: activation as 'relu' })],
      { ...options, inputSize: 2 },
    );
    await expect(model.trainStep({ x, y }, { ...step, loss: loss() as 'mse' })).rejects.toThrow(message);
  });

  it('a model of other layers than a dense head takes mse alone', async () => {
    await using model = await sequential([lstm({ hiddenSize: 2 })], { ...options, inputSize: 2 });
    await expect(model.trainStep({ x, y: x }, { ...step, loss: 'mse' })).resolves.toMatchObject({
      elements: 8,
    });
    await expect(model.trainStep({ x, y: tokens }, step)).rejects.toThrow('received layer lstm');
  });

  it('sizes that overflow are refused, sizes beyond memory end in OutOfMemoryError', async () => {
    const build = (hiddenSize: number) => sequential([lstm({ hiddenSize })], { ...options, inputSize: 2 });
    await expect(build(1e9)).rejects.toThrow('layers[0] (lstm): expected at most 2^40 parameters');
    // 4·H·(2 + H + 2) floats in four arenas: 4 TB each.
    await expect(build(500_000)).rejects.toThrow(OutOfMemoryError);
  });

  it('an impossible device says what there is', async () => {
    const layers = [dense({ units: 1 })];
    const model = sequential(layers, { inputSize: 1, device: 'cuda:999' });
    await expect(model).rejects.toThrow(DeviceUnavailableError);
    await expect(model).rejects.toThrow("device 'cuda:999': ");
  });

  it('an unknown instruction set is named with those there are', async () => {
    vi.stubEnv('CUDNN_LSTM_INSTRUCTION_SET', 'mmx');
    try {
      await expect(sequential([dense({ units: 1 })], { inputSize: 1 })).rejects.toThrow(
        "CUDNN_LSTM_INSTRUCTION_SET: expected one of baseline, avx2, avx512, received 'mmx'",
      );
    } finally {
      vi.unstubAllEnvs();
    }
  });

  it.each([
    'fit',
    'evaluate',
    'predict',
    'trainStep',
    'gradients',
    'getWeights',
    'setWeights',
    'resetStates',
    'save',
    'dispose',
  ] as const)('%s on another object gives StateError', async (method) => {
    const call = Model.prototype[method] as (...args: unknown[]) => Promise<unknown>;
    for (const value of [{}, undefined, Object.create(features)]) {
      await expect(call.call(value, x, {})).rejects.toThrow(StateError);
    }
  });

  it('properties of another object and models made by hand give StateError', () => {
    expect(() => Reflect.get(Model.prototype, 'config')).toThrow(StateError);
    expect(() => Model.prototype.summary.call({} as never)).toThrow(StateError);
    expect(() => new Model({} as never)).toThrow(StateError);
  });
});
