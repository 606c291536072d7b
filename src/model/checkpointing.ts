import { z } from 'zod';
import { describe, shapeText } from '../config/describe.js';
import { field, flag, settings } from '../config/fields.js';
import { parseConfig, parseOptions } from '../config/parseConfig.js';
import type { NamedTensors } from '../data/tensor.js';
import { CheckpointError, ConfigError } from '../errors.js';
import { readCheckpoint, writeCheckpoint, type CheckpointContent } from '../io/checkpoint.js';
import { builtInLossSchema } from '../losses/loss.js';
import { metricsSchema } from '../metrics/metric.js';
import type { NativeCounters, NativeParameter } from '../native/binding.js';
import type { Session } from '../native/session.js';
import { seriesFromJSON } from '../series/fittedSeries.js';
import { savedVocabulary } from '../text/vocabulary.js';
import type { TrainingState } from '../training/trainingState.js';
import type { ModelContext } from './context.js';
import { labelsSchema, resolveConfig, type ResolvedModel } from './modelConfig.js';
import {
  bestState,
  bestTensors,
  parseSchedule,
  scheduleJSON,
  splitBest,
  type ScheduleJSON,
} from './scheduleCheckpoint.js';
import { holdsState, optimizerArenas, writeWaiting, type SessionState } from './sessionState.js';
import { decodeTraining, encodeTraining, splitTraining } from './trainingCheckpoint.js';
import { settledState } from './transition.js';
import { namedTensors } from './weights.js';

/** What `save` takes beside the path. */
export interface SaveOptions {
  /**
   * Also the optimiser's moments and carried states, with which training continues bit for bit, and where the last `fit`
   * is, from which `resume` goes on. Default true.
   */
  readonly includeOptimizer?: boolean | undefined;
}

/** The tensor that states carried between steps are kept in; no parameter has such a name. */
const carriedName = 'carried_states';

const saveSchema = settings({ includeOptimizer: flag.default(true) });

export async function save(context: ModelContext, path: string, options: SaveOptions): Promise<void> {
  const { includeOptimizer } = parseOptions(saveSchema, options, 'save');
  requirePath(path, 'save');
  await writeCheckpoint(path, await content(context, includeOptimizer));
}

// All reads are submitted in one turn, so no step comes between them even while the model trains.
async function content(context: ModelContext, includeOptimizer: boolean): Promise<CheckpointContent> {
  if (context.transition !== undefined) await settledState(context);
  const { session, config, vocabulary, series, labels, metadata, compiled } = context;
  const run = includeOptimizer ? context.training?.state() : undefined;
  const best = includeOptimizer ? context.best : undefined;
  const schedule = includeOptimizer ? scheduleJSON(context) : undefined;
  const optimizerState = includeOptimizer ? context.optimizerState : undefined;
  // A function of the caller's has no place in a file.
  const lasting = compiled?.loss.kind === 'custom' ? undefined : compiled;
  const [training, counters, params, carried, ...arenas] = await Promise.all([
    run?.then((state) => state && encodeTraining(state)),
    session.counters(),
    session.readArena('params'),
    includeOptimizer ? session.carriedStates() : undefined,
    ...(includeOptimizer ? savedArenas.map((name) => session.readArena(name)) : []),
  ]);
  const named = (arena: Float32Array): NamedTensors => namedTensors(session.parameters, arena);
  return {
    config,
    ...(vocabulary && { vocabulary: vocabulary.toJSON() }),
    ...(series && { series: series.toJSON() }),
    ...(labels && { labels }),
    counters: counted(counters, includeOptimizer),
    tensors: {
      ...named(params),
      ...(carried && carriedTensor(carried)),
      ...(best && bestTensors(best)),
      ...training?.tensors,
    },
    ...(includeOptimizer && { optimizer: optimizerTensors(arenas, named) }),
    ...((lasting || schedule || optimizerState || metadata || training) && {
      extra: { compiled: lasting, schedule, optimizerState, metadata, training: training?.json },
    }),
  };
}

const savedArenas = [...optimizerArenas, 'grads'] as const;

// m and v always; what else there is where an update has needed it.
function optimizerTensors(
  arenas: readonly Float32Array[],
  named: (arena: Float32Array) => NamedTensors,
): NonNullable<CheckpointContent['optimizer']> {
  const { m, v, ...others } = Object.fromEntries(savedArenas.map((name, i) => [name, arenas[i]!])) as Record<
    (typeof savedArenas)[number],
    Float32Array
  >;
  const used = Object.entries(others).filter(([, arena]) => holdsState(arena));
  return {
    m: named(m),
    v: named(v),
    ...Object.fromEntries(used.map(([name, arena]) => [name, named(arena)])),
  };
}

// A scale of 1 is that of every precision but fp16, and is left out. What counts in arenas goes with them.
function counted(
  { step, draws, lossScale, goodSteps, averaged = 0, passes = 0 }: NativeCounters,
  withArenas: boolean,
): CheckpointContent['counters'] {
  return {
    step,
    draws,
    ...(lossScale !== 1 && { lossScale, goodSteps }),
    ...(withArenas && averaged > 0 && { averaged }),
    ...(withArenas && passes > 0 && { passes }),
  };
}

function carriedTensor({ batchSize, states }: { batchSize: number; states: Float32Array }): NamedTensors {
  if (batchSize === 0) return {};
  return { [carriedName]: { data: states, shape: [batchSize, states.length / batchSize] } };
}

/** A checkpoint with its config resolved. */
export interface LoadedCheckpoint extends ResolvedModel {
  readonly content: CheckpointContent;
  readonly vocabulary: ModelContext['vocabulary'];
  readonly metadata: ModelContext['metadata'];
  readonly series: ModelContext['series'];
  readonly labels: ModelContext['labels'];
  readonly compiled: ModelContext['compiled'];
  readonly optimizerState: ModelContext['optimizerState'];
  readonly schedule: ScheduleJSON | undefined;
  /** The run of `fit` that it belongs to. */
  readonly training: TrainingState | undefined;
  /** Of what backtracking goes back to. */
  readonly best: NamedTensors;
}

/**
 * Reads a checkpoint.
 *
 * @throws CheckpointError
 */
export async function openCheckpoint(path: string): Promise<LoadedCheckpoint> {
  requirePath(path, 'loadModel');
  const checkpoint = await readCheckpoint(path);
  const { vocabulary, series, labels, extra } = checkpoint;
  const { rest: known, training } = splitTraining(checkpoint.tensors);
  const { rest, best } = splitBest(known);
  try {
    return {
      ...resolveConfig(checkpoint.config),
      content: { ...checkpoint, tensors: rest },
      best,
      schedule: parseSchedule(extra?.['schedule']),
      training: decodeTraining(extra?.['training'], training),
      vocabulary: vocabulary === undefined ? undefined : savedVocabulary(vocabulary),
      series: series === undefined ? undefined : seriesFromJSON(series),
      labels: parseConfig(labelsSchema.optional(), labels, 'labels'),
      compiled: parseOptions(compiledSchema.optional(), extra?.['compiled'], 'compiled'),
      optimizerState: parseOptions(wordSchema.optional(), extra?.['optimizerState'], 'optimizerState'),
      metadata: parseConfig(metadataSchema.optional(), extra?.['metadata'], 'metadata'),
    };
  } catch (error) {
    if (!(error instanceof ConfigError)) throw error;
    throw new CheckpointError(`${path}: ${error.message}`, { ...error.details, path }, { cause: error });
  }
}

const metadataSchema = z.record(z.string(), z.json(), { error: () => 'an object of JSON values' });

const wordSchema = field<string>('a word', (value) => typeof value === 'string');

const compiledSchema = settings({
  loss: builtInLossSchema,
  metrics: metricsSchema,
  weightedMetrics: flag.default(false),
});

/**
 * Puts a checkpoint's tensors and counters into a new session.
 *
 * @throws CheckpointError where a tensor is missing, left over or of another shape.
 */
export async function restore(
  session: Session,
  { counters, tensors, optimizer }: CheckpointContent,
): Promise<void> {
  const { [carriedName]: carried, ...params } = tensors;
  const arena = await session.readArena('params');
  await session.writeArena('params', fill(arena, session.parameters, params, 'tensor'));
  for (const name of optimizerArenas) {
    const moments = optimizer?.[name];
    if (moments === undefined) continue;
    const state = fill(arena, session.parameters, moments, `moment ${name}`);
    if (holdsState(state)) await session.writeArena(name, state);
  }
  await session.setCounters(counters);
  if (optimizer?.grads !== undefined) {
    const waiting = fill(arena, session.parameters, optimizer.grads, 'moment grads');
    await writeWaiting(session, waiting, counters);
  }
  if (carried !== undefined) await session.setCarriedStates(carried.shape[0]!, carried.data);
}

/**
 * What backtracking goes back to, where the file holds it.
 *
 * @throws CheckpointError where a tensor is missing, left over or of another shape.
 */
export async function restoreBest(
  session: Session,
  { schedule, best }: Pick<LoadedCheckpoint, 'schedule' | 'best'>,
): Promise<SessionState | undefined> {
  const { bestStep, bestAveraged } = schedule ?? {};
  if (bestStep === undefined) return undefined;
  const { length } = await session.readArena('params');
  return bestState(best, { bestStep, bestAveraged }, (tensors, kind) => {
    fill(new Float32Array(length), session.parameters, tensors, kind);
  });
}

function fill(
  arena: Float32Array,
  parameters: readonly NativeParameter[],
  tensors: NamedTensors,
  kind: string,
): Float32Array {
  arena.fill(0);
  for (const { name, shape, offset } of parameters) {
    const tensor = Object.hasOwn(tensors, name) ? tensors[name] : undefined;
    const received = tensor === undefined ? 'none' : shapeText(tensor.shape);
    if (tensor === undefined || received !== shapeText(shape)) {
      throw mismatch(`${kind} '${name}'`, `shape ${shapeText(shape)}`, received);
    }
    arena.set(tensor.data, offset);
  }
  const known = new Set(parameters.map(({ name }) => name));
  const extra = Object.keys(tensors).find((name) => !known.has(name));
  if (extra !== undefined)
    throw mismatch(`${kind} '${extra}'`, 'a parameter of that name', 'none in the config');
  return arena;
}

function mismatch(name: string, expected: string, received: string): CheckpointError {
  return new CheckpointError(`${name}: expected ${expected}, received ${received}`, {
    name,
    expected,
    received,
  });
}

function requirePath(path: unknown, operation: string): void {
  if (typeof path === 'string' && path !== '') return;
  const expected = 'the path of a file';
  throw new ConfigError(`${operation}: expected ${expected}, received ${describe(path)}`, {
    path: operation,
    expected,
    received: path,
  });
}
