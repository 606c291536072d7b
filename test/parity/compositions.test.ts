import { describe, expect, it } from 'vitest';
import {
  backtracking,
  cosineDecay,
  cosineRestarts,
  exponentialDecay,
  inverseTimeDecay,
  type LearningRate,
  oneCycle,
  piecewiseConstant,
  polynomialDecay,
  reduceOnPlateau,
  sequential,
  stepDecay,
  warmup,
} from '../../src/index.js';
import { dataOf, sizeOf, toTensor, toTensors } from '../support/arrays.js';
import { assertClose } from '../support/compare.js';
import { devices } from '../support/devices.js';
import { Draws } from '../support/draws.js';
import { layersOf } from '../support/networks.js';
import { optimizerOf } from '../support/optimizers.js';
import { pairwise, type Combination } from '../support/pairwise.js';
import { deviceTolerance } from '../support/tolerances.js';
import {
  batchOf,
  networkShapes,
  TooCloseToCall,
  train,
  type Clip,
  type Node,
  type ParameterRules,
  type RateRule,
  type Targets,
  type Trained,
  type Update,
  type WatchingRule,
} from './oracle.js';

// Training as a whole, through `fit`: what is set beside each other works as it does alone. Of optimizer, clip,
// regularizer, schedule, accumulation, average and loss every two occur together in some case.

const [N, T, CHANNELS, BATCHES, EPOCHS] = [3, 4, 2, 2, 6];
const SEED = 77;
const R = 0.05;

const nodesOf = ({
  dropped = false,
  regularized = false,
  units = 2,
  activation = 'linear' as const,
} = {}): Node[] => [
  {
    kind: 'lstm',
    name: 'lstm',
    hiddenSize: 3,
    numLayers: 1,
    bidirectional: false,
    bias: 'double',
    dropout: 0,
    returnSequences: true,
    ...(dropped && { weightDropout: 0.3 }),
  },
  ...(regularized ? [{ kind: 'activationRegularizer', ar: 0.1, tar: 0.2 } as const] : []),
  ...(dropped ? [{ kind: 'dropout', rate: 0.25, sharedOverTime: true } as const] : []),
  { kind: 'pool', mode: 'last' },
  { kind: 'dense', name: 'fc', units, activation, useBias: true },
];

type Rule = Omit<Update & { readonly learningRate?: number }, 'learningRate'>;
const OPTIMIZERS: readonly { readonly name: string; readonly rule: Update }[] = [
  ['Adam', { kind: 'adam', beta1: 0.9, beta2: 0.99, epsilon: 1e-3 }],
  ['AMSGrad', { kind: 'adam', beta1: 0.8, beta2: 0.7, epsilon: 1e-3, amsgrad: true }],
  ["Keras' Adam", { kind: 'adam', beta1: 0.9, beta2: 0.99, epsilon: 1e-3, convention: 'keras' }],
  ['SGD', { kind: 'sgd', momentum: 0, nesterov: false }],
  ['SGD with momentum', { kind: 'sgd', momentum: 0.9, nesterov: false }],
  ['SGD with Nesterov momentum', { kind: 'sgd', momentum: 0.8, nesterov: true }],
  ["Keras' SGD with momentum", { kind: 'sgd', momentum: 0.9, nesterov: false, convention: 'keras' }],
  ['RMSprop', { kind: 'rmsprop', rho: 0.9, epsilon: 1e-2, momentum: 0, centered: false }],
  [
    'centered RMSprop with momentum',
    { kind: 'rmsprop', rho: 0.8, epsilon: 1e-2, momentum: 0.5, centered: true },
  ],
  [
    "Keras' RMSprop with momentum",
    { kind: 'rmsprop', rho: 0.9, epsilon: 1e-2, momentum: 0.5, centered: false, convention: 'keras' },
  ],
  ['Adagrad', { kind: 'adagrad', epsilon: 1e-2, initialAccumulator: 0 }],
  ["Keras' Adagrad", { kind: 'adagrad', epsilon: 1e-2, initialAccumulator: 0.1, convention: 'keras' }],
].map(([name, rule]) => ({ name: name as string, rule: { learningRate: 0, ...(rule as Rule) } as Update }));

// Each bites in some of the steps or tensors.
const CLIPS: readonly { readonly name: string; readonly clip?: Clip }[] = [
  { name: 'no clip' },
  { name: 'global norm', clip: { globalNorm: 0.2 } },
  { name: 'tensor norm', clip: { tensorNorm: 0.1 } },
  { name: 'value', clip: { value: 0.05 } },
  { name: 'adaptive clip', clip: { adaptive: 0.1 } },
];

interface Regularizer {
  readonly name: string;
  readonly rules?: ParameterRules;
  readonly update?: Pick<Update, 'weightDecay' | 'decay'>;
  readonly dropped?: boolean;
  readonly regularized?: boolean;
}
const REGULARIZERS: readonly Regularizer[] = [
  { name: 'no regularizer' },
  {
    name: 'l1',
    rules: { penalties: { 'lstm.weight_ih_l0': { l1: 0.02, l2: 0 }, 'fc.weight': { l1: 0.03, l2: 0 } } },
  },
  {
    name: 'l2',
    rules: { penalties: { 'lstm.weight_hh_l0': { l1: 0, l2: 0.05 }, 'fc.bias': { l1: 0, l2: 0.1 } } },
  },
  { name: 'elastic net', rules: { penalties: { 'lstm.weight_hh_l0': { l1: 0.02, l2: 0.04 } } } },
  { name: 'decoupled decay', update: { weightDecay: 0.3, decay: 'decoupled' } },
  { name: 'coupled decay', update: { weightDecay: 0.1, decay: 'coupled' } },
  { name: 'activation penalties', regularized: true },
  { name: 'dropout and weight drop', dropped: true },
  {
    name: 'constraints',
    rules: {
      constraints: {
        'lstm.weight_ih_l0': { kind: 'maxNorm', limit: 0.4, axis: 'row' },
        'lstm.weight_hh_l0': { kind: 'maxNorm', limit: 0.5, axis: 'column' },
        'fc.weight': { kind: 'nonNegative' },
      },
    },
  },
  {
    name: 'a frozen head, groups',
    rules: {
      frozen: new Set(['fc.weight', 'fc.bias']),
      groups: { 'lstm.weight_hh_l0': { rate: 0.2, weightDecay: 0.5 } },
    },
  },
];

const cosine = (from: number, to: number, share: number) =>
  to + ((from - to) * (1 + Math.cos(Math.PI * share))) / 2;
/** PyTorch's OneCycleLR: max / 25 up to max at step 0.3 T - 1, down to max / 25 / 10⁴ at step T - 1. */
const cycle: RateRule = (t, total) => {
  const peak = 0.3 * total - 1;
  if (t <= peak) return cosine(R / 25, R, t / peak);
  return cosine(R, R / 25e4, (t - peak) / (total - 1 - peak));
};
interface Schedule {
  readonly name: string;
  readonly learningRate: LearningRate;
  readonly rule: RateRule | WatchingRule;
}
const watching = { initial: 2 * R, factor: 0.5, threshold: 0 };
const SCHEDULES: readonly Schedule[] = [
  { name: 'a number', learningRate: R, rule: () => R },
  {
    name: 'stepDecay',
    learningRate: stepDecay({ initial: R, every: 2, factor: 0.5 }),
    rule: (t, _, perEpoch) => R * 0.5 ** Math.floor(t / perEpoch / 2),
  },
  {
    name: 'piecewiseConstant',
    learningRate: piecewiseConstant({ boundaries: [2, 7], values: [R, R / 2, R / 5], per: 'step' }),
    rule: (t) => (t < 2 ? R : t < 7 ? R / 2 : R / 5),
  },
  {
    name: 'exponentialDecay',
    learningRate: exponentialDecay({ initial: R, factor: 0.8, every: 2, per: 'step' }),
    rule: (t) => R * 0.8 ** (t / 2),
  },
  {
    name: 'inverseTimeDecay',
    learningRate: inverseTimeDecay({ initial: R, rate: 0.5, every: 3, per: 'step' }),
    rule: (t) => R / (1 + (0.5 * t) / 3),
  },
  {
    name: 'polynomialDecay',
    learningRate: polynomialDecay({ initial: R, end: R / 10, power: 2 }),
    rule: (t, total) => R / 10 + (R - R / 10) * (1 - t / total) ** 2,
  },
  {
    name: 'cosineDecay',
    learningRate: cosineDecay({ initial: R, end: R / 10 }),
    rule: (t, total) => cosine(R, R / 10, t / total),
  },
  {
    name: 'cosineRestarts',
    learningRate: cosineRestarts({ initial: R, length: 4, multiply: 2, peakFactor: 0.5 }),
    rule: (t) => (t < 4 ? cosine(R, 0, t / 4) : cosine(R / 2, 0, (t - 4) / 8)),
  },
  { name: 'oneCycle', learningRate: oneCycle({ max: R }), rule: cycle },
  {
    name: 'warmup',
    learningRate: warmup({ length: 3, startFactor: 0.1, learningRate: cosineDecay({ initial: R }) }),
    rule: (t, total) => (t < 3 ? R * (0.1 + (0.9 * t) / 3) : cosine(R, 0, (t - 3) / (total - 3))),
  },
  {
    name: 'reduceOnPlateau',
    learningRate: reduceOnPlateau({ ...watching, monitor: 'loss', patience: 0 }),
    rule: { ...watching, goesBack: false },
  },
  {
    name: 'backtracking',
    learningRate: backtracking({ initial: 2 * R, factor: 0.5, monitor: 'loss' }),
    rule: { ...watching, goesBack: true },
  },
];

const ACCUMULATIONS = [
  { name: 'each batch', passes: 1, reduction: 'mean' },
  { name: 'the mean of 2', passes: 2, reduction: 'mean' },
  { name: 'the sum of 3', passes: 3, reduction: 'sum' },
  // The last update is never made.
  { name: 'the mean of 5', passes: 5, reduction: 'mean' },
] as const;
const AVERAGES = [
  { name: 'no average' },
  { name: 'ema', average: { kind: 'ema', decay: 0.7 } },
  { name: 'mean', average: { kind: 'mean' } },
] as const;
const LOSSES = [
  { name: 'mse', units: 2, activation: 'linear' },
  { name: 'crossEntropy', units: 3, activation: 'softmax' },
  { name: 'binaryCrossEntropy', units: 2, activation: 'sigmoid' },
] as const;

const DIMENSIONS = {
  optimizer: OPTIMIZERS,
  clip: CLIPS,
  regularizer: REGULARIZERS,
  schedule: SCHEDULES,
  accumulation: ACCUMULATIONS,
  average: AVERAGES,
  loss: LOSSES,
};
type Case = Combination<typeof DIMENSIONS>;
const CASES: readonly Case[] = pairwise(DIMENSIONS);

/** Every regularizer, schedule and accumulation beside one optimizer and one clip; averages and losses take turns. */
function* allBeside(optimizer: Case['optimizer'], clip: Case['clip']): Generator<Case> {
  let turn = OPTIMIZERS.indexOf(optimizer) + CLIPS.indexOf(clip);
  for (const regularizer of REGULARIZERS)
    for (const schedule of SCHEDULES)
      for (const accumulation of ACCUMULATIONS) {
        const average = AVERAGES[turn % AVERAGES.length]!;
        const loss = LOSSES[Math.floor(turn / AVERAGES.length) % LOSSES.length]!;
        turn++;
        yield { optimizer, clip, regularizer, schedule, accumulation, average, loss };
      }
}

const titleOf = (one: Case) =>
  Object.values(one)
    .map(({ name }) => name)
    .join(', ');

/** Start and data of a case, the same for the oracle and all devices. */
function prepared(one: Case, attempt = 0) {
  const draws = new Draws(`${titleOf(one)}${' again'.repeat(attempt)}`);
  const { units, activation, name: loss } = one.loss;
  const nodes = nodesOf({ ...one.regularizer, units, activation: activation as 'linear' });
  const shapes = networkShapes(nodes, CHANNELS);
  const start = Object.fromEntries(
    Object.entries(shapes).map(([name, shape]) => [name, draws.uniform(sizeOf(shape), -0.7, 0.7)]),
  );
  const lengths = [4, 2, 3];
  const batches = Array.from({ length: BATCHES }, () => {
    const ids = draws.integers(N, 0, units);
    const x = draws.uniform(N * T * CHANNELS, -2, 2);
    const values = draws.uniform(N * units).map((value) => (loss === 'mse' ? 2 * value : Number(value > 0)));
    const targets: Targets = loss === 'crossEntropy' ? { loss, ids } : { loss, values };
    return { x, ids, values, inputs: { batch: batchOf(N, T, lengths), x, inputSize: CHANNELS }, targets };
  });
  return { nodes, shapes, start, lengths, batches };
}

function settingsOf(one: Case, shapes: Readonly<Record<string, readonly number[]>>) {
  const { optimizer, clip, regularizer, average } = one;
  const update = {
    ...optimizer.rule,
    ...('clip' in clip && { clip: clip.clip }),
    ...regularizer.update,
    ...('average' in average && { average: average.average }),
  } as Update;
  const rowSizes = Object.fromEntries(Object.entries(shapes).map(([name, shape]) => [name, shape.at(-1)!]));
  return { update, rules: { ...regularizer.rules, rowSizes } satisfies ParameterRules };
}

function follow(one: Case, attempt: number): Trained {
  const { nodes, shapes, start, batches } = prepared(one, attempt);
  const { passes, reduction } = one.accumulation;
  const { update, rules } = settingsOf(one, shapes);
  const shared = { nodes, rules, update, passes, reduction, epochs: EPOCHS, seed: SEED };
  return train(start, batches, { ...shared, rate: one.schedule.rule });
}

it('every two choices occur together, in far fewer cases than there are combinations', () => {
  const pairs = (cases: readonly Case[]) =>
    new Set(
      cases.flatMap((one) => {
        const names = Object.values(one).map(({ name }) => name);
        return names.flatMap((a, i) => names.slice(i + 1).map((b) => `${a}|${b}`));
      }),
    ).size;
  const sizes = Object.values(DIMENSIONS).map(({ length }) => length);
  const wanted = sizes.reduce((sum, a, i) => sum + a * sizes.slice(i + 1).reduce((x, b) => x + b, 0), 0);
  expect(pairs(CASES)).toBe(wanted);
  expect(CASES.length).toBeLessThan(250);
});

async function compare(one: Case, options: (typeof devices)[number]['options'], attempt = 0): Promise<void> {
  const { nodes, shapes, start, lengths, batches } = prepared(one, attempt);
  const wanted = follow(one, attempt);
  const { update, rules } = settingsOf(one, shapes);
  const { passes, reduction } = one.accumulation;
  const optimizer = optimizerOf(update, rules, {
    learningRate: one.schedule.learningRate,
    accumulate: { passes, reduction },
  });
  await using model = await sequential(layersOf(nodes, rules), {
    ...options,
    seed: SEED,
    inputSize: CHANNELS,
  });
  await model.setWeights(toTensors(start, shapes));
  const rows = N * BATCHES;
  const isIds = one.loss.name === 'crossEntropy';
  const seen: { loss: number; gradNorm: number; learningRate: number }[] = [];
  const { epochs } = await model.fit(
    {
      x: toTensor(
        batches.flatMap(({ x }) => [...x]),
        [rows, T, CHANNELS],
      ),
      y: isIds
        ? batches.flatMap(({ ids }) => [...ids])
        : toTensor(
            batches.flatMap(({ values }) => [...values]),
            [rows, one.loss.units],
          ),
      seqLengths: batches.flatMap(() => lengths),
    },
    {
      loss: one.loss.name,
      optimizer,
      epochs: EPOCHS,
      batchSize: N,
      shuffle: false,
      verbose: 'silent',
      callbacks: [{ onBatchEnd: (logs) => void seen.push(logs) }],
    },
  );
  const tolerance = deviceTolerance.composition;
  const column = (name: 'loss' | 'gradNorm' | 'learningRate') => seen.map((step) => step[name]);
  const close = (name: string, actual: ArrayLike<number>, expected: ArrayLike<number>, limit = tolerance) =>
    assertClose(actual, expected, { name, tolerance: limit });
  // Both compute rates in double, if not in the same order.
  close(
    'rates',
    column('learningRate'),
    wanted.steps.map(({ rate }) => rate),
    1e-14,
  );
  close(
    'losses',
    column('loss'),
    wanted.steps.map(({ loss }) => loss),
  );
  close(
    'norms',
    column('gradNorm'),
    wanted.steps.map(({ gradNorm }) => gradNorm),
  );
  close(
    'losses of epochs',
    epochs.map(({ loss }) => loss),
    wanted.losses,
  );
  const weights = dataOf(await model.getWeights());
  // A parameter that ends near 0 carries the rounding of where it came from.
  const most = (values: ArrayLike<number>) => Math.max(...Array.from(values, Math.abs));
  const ofWeights = (name: string, values: ArrayLike<number>) =>
    tolerance * Math.max(1, most(start[name]!) / (most(values) || 1));
  for (const [name, values] of Object.entries(wanted.params))
    close(name, weights[name]!, values, ofWeights(name, values));
  if (update.average === undefined) return;
  // Where every epoch goes back before its gradients are as many as an update takes, there is none.
  if (wanted.averaged === 0) return;
  const averaged = dataOf(await model.withAveragedWeights(() => model.getWeights()));
  for (const [name, values] of Object.entries(wanted.average)) {
    const expected = rules.frozen?.has(name) === true ? start[name]! : values;
    close(`average of ${name}`, averaged[name]!, expected, ofWeights(name, expected));
  }
}

describe.each(devices)('training as a whole on $name', ({ options }) => {
  it.each(CASES.map((one) => [titleOf(one), one] as const))('%s', (_title, one) => compare(one, options));
});

/** With data on which the schedule's decisions are clear. */
async function compareSomehow(one: Case): Promise<void> {
  for (let attempt = 0; ; attempt++) {
    try {
      return await compare(one, devices[0]!.options, attempt);
    } catch (error) {
      if (!(error instanceof TooCloseToCall) || attempt === 4) throw error;
    }
  }
}

// Every combination of the five takes four minutes: LSTM_ALL_COMPOSITIONS=1 npx vitest run test/parity/compositions
const pairs = OPTIMIZERS.flatMap((optimizer) => CLIPS.map((clip) => ({ optimizer, clip })));
describe.skipIf(process.env.LSTM_ALL_COMPOSITIONS === undefined)(
  'every regularizer, schedule and accumulation',
  () => {
    it.each(pairs.map(({ optimizer, clip }) => [optimizer.name, clip.name, optimizer, clip] as const))(
      'beside %s and %s',
      { timeout: 600_000 },
      async (_optimizer, _clip, optimizer, clip) => {
        for (const one of allBeside(optimizer, clip)) {
          try {
            await compareSomehow(one);
          } catch (error) {
            throw new Error(titleOf(one), { cause: error });
          }
        }
      },
    );
  },
);
