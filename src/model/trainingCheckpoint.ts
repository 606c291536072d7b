import { z } from 'zod';
import { describe } from '../config/describe.js';
import type { NamedTensors } from '../data/tensor.js';
import { ConfigError } from '../errors.js';
import { decodeExact, encodeExact, type Exact } from '../io/exactJson.js';
import type { TrainingState } from '../training/trainingState.js';

/** A run of `fit` as a checkpoint holds it: JSON, and tensors under names of their own. */
export interface TrainingContent {
  readonly json: unknown;
  readonly tensors: NamedTensors;
}

// No parameter has a slash in its name.
const prefix = 'training/';
const prefixOf = (callback: number): string => `${prefix}${callback}/`;

export function encodeTraining(state: TrainingState): TrainingContent {
  const callbacks = state.callbacks.map(({ key, values }) => ({ key, values }));
  const tensors = state.callbacks.flatMap(({ tensors: own = {} }, index) =>
    Object.entries(own).map(([name, tensor]) => [prefixOf(index) + name, tensor] as const),
  );
  return {
    json: encodeExact({ ...state, callbacks } as unknown as Exact),
    tensors: Object.fromEntries(tensors),
  };
}

/** A file's tensors without those of a run, and those. */
export function splitTraining(all: NamedTensors): {
  readonly rest: NamedTensors;
  readonly training: NamedTensors;
} {
  const entries = Object.entries(all);
  return {
    rest: Object.fromEntries(entries.filter(([name]) => !name.startsWith(prefix))),
    training: Object.fromEntries(entries.filter(([name]) => name.startsWith(prefix))),
  };
}

/** @throws ConfigError where it is none. */
export function decodeTraining(json: unknown, tensors: NamedTensors): TrainingState | undefined {
  if (json === undefined) return undefined;
  const state = decodeExact(json);
  const { success, data, error } = schema.safeParse(state);
  if (!success) {
    const path = ['training', ...error.issues[0]!.path].join('.');
    const expected = 'what a checkpoint holds there';
    const received = describe(error.issues[0]!.input ?? json);
    throw new ConfigError(`${path}: expected ${expected}, received ${received}`, {
      path,
      expected,
      received,
    });
  }
  const callbacks = data.callbacks.map(({ key, values }, index) => {
    const own = Object.entries(tensors).filter(([name]) => name.startsWith(prefixOf(index)));
    const named = own.map(([name, tensor]) => [name.slice(prefixOf(index).length), tensor]);
    return {
      key,
      values: values as Exact,
      tensors: named.length === 0 ? undefined : Object.fromEntries(named),
    };
  });
  // Not what was parsed: an epoch's record keeps the order of its values.
  return { ...(state as unknown as TrainingState), callbacks };
}

const count = z.int().nonnegative();
const number = z.custom<number>((value) => typeof value === 'number');
const object = z.custom<object>(
  (value) => typeof value === 'object' && value !== null && !Array.isArray(value),
);

const outcomeSchema = z.strictObject({
  result: z.looseObject({
    loss: number,
    gradNorm: number,
    applied: z.boolean(),
    step: count,
    elements: number,
    rows: number,
  }),
  learningRate: number,
  units: number,
});

const schema = z.strictObject({
  identity: z.strictObject({ data: object, fit: object }),
  epoch: count,
  batch: count,
  step: count,
  batches: count.optional(),
  sums: z.looseObject({ elements: number, rows: number, weightedLoss: number }),
  ahead: z.array(outcomeSchema),
  open: z
    .strictObject({
      hook: z.enum(['onBatchEnd', 'onEpochEnd']),
      logs: object,
      callbacks: z.array(z.string()),
    })
    .optional(),
  epochs: z.array(z.looseObject({ epoch: count, loss: number, learningRate: number, seconds: number })),
  steps: count,
  skippedSteps: count,
  seconds: number,
  averaging: z.strictObject({ losses: z.array(number), begun: z.boolean() }).optional(),
  callbacks: z.array(z.strictObject({ key: z.string(), values: z.unknown().optional() })),
});
