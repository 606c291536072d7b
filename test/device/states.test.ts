import { describe, expect, it } from 'vitest';
import { dense, languageModelStream, embedding, lstm, type Model, sequential } from '../../src/index.js';
import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';

const x = [[1, 2, 3]];
const y = [[2, 3, 4]];
const loss = 'crossEntropy';
const stream = languageModelStream({ tokens: [1, 2, 3, 4, 1, 2, 3, 4, 1], batchSize: 2, timeSteps: 2 });

/** Every method, called with what it takes. */
const methods = {
  fit: (model: Model) => model.fit({ x, y }, { loss, verbose: 'silent' }),
  trainStep: (model: Model) => model.trainStep({ x, y }, { loss, optimizer: 'adam' }),
  gradients: (model: Model) => model.gradients({ x, y }, { loss }),
  evaluate: (model: Model) => model.evaluate({ x, y }, { loss }),
  'evaluate of a stream': (model: Model) => model.evaluate(stream, { loss }),
  predict: (model: Model) => model.predict(x),
  predictSync: async (model: Model) => model.predictSync(x),
  'a step of a stream': async (model: Model) => model.stream().step(Int32Array.of(1)),
  getWeights: (model: Model) => model.getWeights(),
  setWeights: (model: Model) => model.setWeights({}),
  resetStates: (model: Model) => model.resetStates(),
  save: async (model: Model) => {
    const folder = await mkdtemp(join(tmpdir(), 'states-'));
    try {
      await model.save(join(folder, 'model.safetensors'));
    } finally {
      await rm(folder, { recursive: true });
    }
  },
  summary: async (model: Model) => model.summary(),
  config: async (model: Model) => [
    model.config,
    model.parameters,
    model.inputShape,
    model.outputShape,
    model.device,
  ],
  dispose: (model: Model) => model.dispose(),
};

type Method = keyof typeof methods;

/** Method × state: `ok` or the code of the error. */
const table: Record<Method, { new: string; busy: string; aborted: string; disposed: string }> = {
  fit: { new: 'ok', busy: 'ERR_BUSY', aborted: 'ok', disposed: 'ERR_DISPOSED' },
  trainStep: { new: 'ok', busy: 'ERR_BUSY', aborted: 'ok', disposed: 'ERR_DISPOSED' },
  gradients: { new: 'ok', busy: 'ERR_BUSY', aborted: 'ok', disposed: 'ERR_DISPOSED' },
  evaluate: { new: 'ok', busy: 'ok', aborted: 'ok', disposed: 'ERR_DISPOSED' },
  'evaluate of a stream': { new: 'ok', busy: 'ERR_BUSY', aborted: 'ok', disposed: 'ERR_DISPOSED' },
  predict: { new: 'ok', busy: 'ok', aborted: 'ok', disposed: 'ERR_DISPOSED' },
  predictSync: { new: 'ok', busy: 'ERR_BUSY', aborted: 'ok', disposed: 'ERR_DISPOSED' },
  'a step of a stream': { new: 'ok', busy: 'ERR_BUSY', aborted: 'ok', disposed: 'ERR_DISPOSED' },
  getWeights: { new: 'ok', busy: 'ok', aborted: 'ok', disposed: 'ERR_DISPOSED' },
  setWeights: { new: 'ok', busy: 'ERR_BUSY', aborted: 'ok', disposed: 'ERR_DISPOSED' },
  resetStates: { new: 'ok', busy: 'ERR_BUSY', aborted: 'ok', disposed: 'ERR_DISPOSED' },
  save: { new: 'ok', busy: 'ok', aborted: 'ok', disposed: 'ERR_DISPOSED' },
  summary: { new: 'ok', busy: 'ok', aborted: 'ok', disposed: 'ok' },
  config: { new: 'ok', busy: 'ok', aborted: 'ok', disposed: 'ok' },
  dispose: { new: 'ok', busy: 'ok', aborted: 'ok', disposed: 'ok' },
};

const newModel = () =>
  sequential([embedding({ vocabSize: 5, size: 4 }), lstm({ hiddenSize: 8 }), dense({ units: 5 })], {
    threads: 1,
  });

/** Calls a method in a state and tells the outcome; `fitting` is how a fit that was running meanwhile ended. */
async function outcomeIn(state: keyof (typeof table)[Method], method: Method) {
  const model = await newModel();
  const abort = new AbortController();
  let fitting: Promise<string> | undefined;
  if (state === 'busy' || state === 'aborted') {
    const endless = { loss, epochs: 1e9, verbose: 'silent', signal: abort.signal } as const;
    fitting = outcome(model.fit({ x, y }, endless));
    await new Promise((resolve) => setTimeout(resolve, 2));
  }
  if (state === 'aborted') {
    abort.abort();
    await fitting;
  }
  if (state === 'disposed') await model.dispose();
  const called = await outcome(methods[method](model));
  abort.abort();
  const ended = await fitting;
  await model.dispose();
  return { called, ended };
}

function outcome(promise: Promise<unknown>): Promise<string> {
  return promise.then(
    () => 'ok',
    (error: unknown) => (error as { code: string }).code,
  );
}

const cells = Object.entries(table).flatMap(([method, states]) =>
  Object.entries(states).map(([state, expected]) => ({ method, state, expected })),
) as { method: Method; state: 'new' | 'busy' | 'aborted' | 'disposed'; expected: string }[];

describe('method × state', () => {
  it.each(cells)('$method on a model that is $state: $expected', async ({ method, state, expected }) => {
    const { called, ended } = await outcomeIn(state, method);
    expect(called).toBe(expected);
    const endings = { new: undefined, disposed: undefined, busy: 'ERR_ABORTED', aborted: 'ERR_ABORTED' };
    expect(ended).toBe(state === 'busy' && method === 'dispose' ? 'ERR_DISPOSED' : endings[state]);
  });

  // One step of this takes a good part of a second, and far longer than it takes to submit it.
  const tokens = (id: number) => ({ data: new Int32Array(4000).fill(id), shape: [4, 1000] });
  const long = { x: tokens(1), y: tokens(2) };
  const slowModel = () =>
    sequential([embedding({ vocabSize: 5, size: 4 }), lstm({ hiddenSize: 256 }), dense({ units: 5 })], {
      threads: 1,
    });

  it('dispose ends every call that is under way with DisposedError', async () => {
    const model = await slowModel();
    const calls = [
      ...Array.from({ length: 4 }, () => model.trainStep(long, { loss, optimizer: 'adam' })),
      model.predict(long.x),
      model.evaluate(long, { loss }),
    ].map(outcome);
    await model.dispose();
    expect(await Promise.all(calls)).toEqual(calls.map(() => 'ERR_DISPOSED'));
  });

  it('an aborted step changes nothing, and the next one is the first', async () => {
    await using model = await slowModel();
    const before = await model.getWeights();
    const abort = new AbortController();
    const step = model.trainStep(long, { loss, optimizer: 'adam', signal: abort.signal });
    abort.abort();
    expect(await outcome(step)).toBe('ERR_ABORTED');
    expect(await model.getWeights()).toEqual(before);
    expect((await model.trainStep({ x, y }, { loss, optimizer: 'adam' })).step).toBe(1);
  });
});
