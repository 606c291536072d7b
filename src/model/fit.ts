import { abortSignal, choice, field, flag, fraction, settings, whole } from '../config/fields.js';
import { parseOptions } from '../config/parseConfig.js';
import type { ExampleStream } from '../data/examples.js';
import type { Sampling } from '../data/order.js';
import type { LanguageModelStream } from '../data/languageModelStream.js';
import { tailSplit } from '../data/split.js';
import { AbortError, ConfigError } from '../errors.js';
import { z } from 'zod';
import type { LossInput } from '../losses/loss.js';
import type { Metric } from '../metrics/metric.js';
import type { HeadValidationValues, HeadValues } from '../metrics/modelMetrics.js';
import type { NativeStepResult } from '../native/binding.js';
import { NonMonotonicTrigger } from '../optimizers/average.js';
import { adam, optimizerSchema, type Optimizer, type OptimizerInput } from '../optimizers/optimizer.js';
import { batchesIn, rowSource, streamSource, type BatchSource } from '../training/batchSource.js';
import { callbackName, type Callback } from '../training/callbacks.js';
import { makeDisplay, type Verbosity } from '../training/display.js';
import { streamedSource } from '../training/streamedSource.js';
import type { EpochRecord, History } from '../training/history.js';
import { recordNames, TrainingLoop, type TrainingPlan } from '../training/loop.js';
import { checkMonitor } from '../training/monitor.js';
import { RunRate } from '../training/runRate.js';
import type { TrainingState } from '../training/trainingState.js';
import { abortError, cancelledBy, throwIfAborted } from './aborting.js';
import { SessionBest } from './bestState.js';
import { save } from './checkpointing.js';
import type { ModelContext } from './context.js';
import { evaluateBatches, evaluateExamples, evaluateStream, type Evaluation } from './evaluate.js';
import { exampleGatherer } from './exampleGatherer.js';
import type { ByHead, ByHeadPartly } from './byHead.js';
import { resolveGoal, type Goal } from './goal.js';
import { modelObjective } from './modelObjective.js';
import {
  checkStream,
  isExamples,
  isStream,
  prepareLabelled,
  requireData,
  type AnyLabelledData,
  type AnyTrainingData,
  type PreparedData,
  type TrainingData,
} from './modelData.js';
import { useOptimizer, withAveragedWeights } from './optimizerState.js';
import { resumedRun, runIdentity } from './resume.js';
import { whileChanging } from './transition.js';
import { nonFinite, overflowed } from './trainStep.js';
import { checkWeights, namedTensors, overwrite } from './weights.js';

/** What `fit` takes beside the data. */
export interface FitOptions<in out Head extends string = never> {
  /** Of a model with heads one for each: `{ tag: 'crossEntropy', length: 'mse' }`. */
  readonly loss: ByHead<Head, LossInput>;
  /** With heads: what each one's mean loss is multiplied by in the sum that is learnt, each >= 0. Default 1. */
  readonly lossWeights?: ByHeadPartly<Head, number> | undefined;
  /** Default `adam()`. */
  readonly optimizer?: OptimizerInput | undefined;
  /** Measured on training and validation data. Default none. */
  readonly metrics?: ByHeadPartly<Head, readonly Metric[]> | undefined;
  /** Weigh metrics by the sample weights as well. Default false. */
  readonly weightedMetrics?: boolean | undefined;
  /** The number of the last epoch. Default 1. */
  readonly epochs?: number | undefined;
  /** Epochs that are done already, to count them and what follows from them; the history begins anew. Default 0. */
  readonly initialEpoch?: number | undefined;
  /**
   * Go on with the model's last run of `fit`: one of this process that ended before its time, or the one in the middle of
   * which its file was written. The same data and options (more `epochs` are allowed) then give the same bits and the same
   * history as a run that was never interrupted. Default false.
   */
  readonly resume?: boolean | undefined;
  /** Batches of an epoch, for schedules that depend on them, of data that does not say how many it has. */
  readonly stepsPerEpoch?: number | undefined;
  /** Batches of an example stream to read ahead of the one that is trained on. Default 1. */
  readonly prefetch?: number | undefined;
  /** Sequences a step; a stream has its own. Default 32. */
  readonly batchSize?: number | undefined;
  /** A new order of the rows each epoch; a stream keeps its order. Default true. */
  readonly shuffle?: boolean | undefined;
  /** Decides the order of rows. By default the model's seed. */
  readonly seed?: number | undefined;
  /** Leave out a last batch that is not full. Default false. */
  readonly dropLast?: boolean | undefined;
  /**
   * Let sequences of nearly one length share a batch, which saves padding; the batches come in random order. Default
   * false.
   */
  readonly bucketByLength?: boolean | undefined;
  /**
   * `balanced`: as many draws as there are rows, each class equally often. It needs classes as targets, one a sequence,
   * and `shuffle`. Default `natural`: each row once.
   */
  readonly sampling?: Sampling | undefined;
  /** Share of the rows, taken from the end before shuffling, that is kept for validation. Default 0. */
  readonly validationSplit?: number | undefined;
  /** Data that the model is evaluated on after each epoch. */
  readonly validationData?: TrainingData<Head> | undefined;
  readonly callbacks?: readonly Callback[] | undefined;
  readonly signal?: AbortSignal | undefined;
  /** Default `auto`. */
  readonly verbose?: Verbosity | undefined;
  /**
   * A step whose loss or gradient norm is not finite changes nothing; then `throw` (the default) ends `fit` with
   * NonFiniteError, `skip` goes on with the next batch.
   */
  readonly onNonFinite?: 'throw' | 'skip' | undefined;
}

/** What `fit` gives; of a model with heads their losses and metrics stand in the epochs' records too. */
export type FitHistory<Head extends string> = [Head] extends [never]
  ? History
  : Omit<History, 'epochs'> & {
      readonly epochs: readonly (EpochRecord & HeadValues<Head> & HeadValidationValues<Head>)[];
    };

const schema = settings({
  loss: z.unknown().optional(),
  lossWeights: z.unknown().optional(),
  optimizer: optimizerSchema.default(adam()),
  metrics: z.unknown().optional(),
  weightedMetrics: flag.default(false),
  epochs: whole(1).default(1),
  initialEpoch: whole(0).optional(),
  resume: flag.default(false),
  stepsPerEpoch: whole(1).optional(),
  prefetch: whole(1, 1024).optional(),
  batchSize: whole(1).optional(),
  shuffle: flag.default(true),
  seed: whole(0).optional(),
  dropLast: flag.default(false),
  bucketByLength: flag.default(false),
  sampling: choice('natural', 'balanced').default('natural'),
  validationSplit: fraction.default(0),
  validationData: field<AnyTrainingData>(
    'data',
    (value) => typeof value === 'object' && value !== null,
  ).optional(),
  callbacks: field<readonly Callback[]>(
    'an array of callbacks',
    (value) => Array.isArray(value) && value.every((one) => typeof one === 'object' && one !== null),
  ).default([]),
  signal: abortSignal.optional(),
  verbose: choice('auto', 'progress', 'lines', 'silent').default('auto'),
  onNonFinite: choice('throw', 'skip').default('throw'),
});

type ParsedOptions = Omit<ReturnType<typeof parseFitOptions>, keyof Goal> & Goal;

export async function fit(context: ModelContext, data: object, options: object): Promise<History> {
  requireData(data, 'data');
  const given = parseFitOptions(options, data);
  const goal = resolveGoal(context.chain, given, 'fit');
  const parsed = { ...given, ...goal };
  const { weightedMetrics, signal } = parsed;
  throwIfAborted(signal, 'fit');
  const parts = trainingParts(context, data, parsed);
  const identity = runIdentity(context, parsed, {
    source: parts.source,
    validates: parts.validate !== undefined,
  });
  const resumed = parsed.resume ? await resumedRun(context, identity, parsed.epochs) : undefined;
  const rate = runRate(context, parsed, { ...parts, resumed });
  const averaging = averagingParts(context, parsed, { ...parts, resumed });
  const plan = { ...parts, ...averaging, rate, identity, resumed, ...sharedParts(context, parsed) };
  context.rate = rate;
  if (parsed.initialEpoch === 0 && resumed === undefined) context.best = undefined;
  context.compiled = Object.freeze({ ...goal, weightedMetrics });
  return runPlan(context, plan);
}

async function runPlan(context: ModelContext, plan: TrainingPlan): Promise<History> {
  const { session, lifecycle } = context;
  const loop = new TrainingLoop(plan);
  context.training = loop;
  try {
    return await cancelledBy(plan.signal, session, () => loop.run());
  } catch (error) {
    if (!(error instanceof AbortError)) throw error;
    lifecycle.requireAlive('fit');
    throw abortError(plan.signal, 'fit', { history: loop.historyWith('aborted') });
  } finally {
    // What the run came to, without what it was made of.
    const state = await loop.state();
    context.training = state && { state: async () => state };
  }
}

function parseFitOptions(options: object, data: AnyTrainingData) {
  const parsed = parseOptions(schema, options, 'fit');
  if (parsed.validationSplit > 0 && parsed.validationData !== undefined) {
    throw conflict('fit.validationSplit', 'none beside validationData', parsed.validationSplit);
  }
  if (parsed.resume && parsed.initialEpoch !== undefined) {
    throw conflict('fit.initialEpoch', 'none beside resume, which knows', parsed.initialEpoch);
  }
  if (isStream(data) || isExamples(data)) checkStreamOptions(parsed, data);
  if (parsed.validationData !== undefined) requireData(parsed.validationData, 'validationData');
  return { ...parsed, batchSize: parsed.batchSize ?? 32, initialEpoch: parsed.initialEpoch ?? 0 };
}

interface StreamSettings {
  readonly batchSize?: number | undefined;
  readonly validationSplit: number;
  readonly bucketByLength: boolean;
  readonly sampling: Sampling;
  readonly optimizer: Optimizer;
}

function checkStreamOptions(
  { batchSize, validationSplit, bucketByLength, sampling, optimizer }: StreamSettings,
  stream: LanguageModelStream | ExampleStream,
): void {
  if (bucketByLength) throw conflict('fit.bucketByLength', 'false for a stream, which orders itself', true);
  if (sampling !== 'natural') {
    throw conflict('fit.sampling', "'natural' for a stream, which orders itself", sampling);
  }
  if (validationSplit > 0) {
    throw conflict('fit.validationSplit', 'none for a stream; give validationData', validationSplit);
  }
  if (batchSize !== undefined && batchSize !== stream.batchSize) {
    throw conflict('fit.batchSize', `none or ${stream.batchSize}, the stream's own`, batchSize);
  }
  const { passes } = optimizer.accumulate;
  if ('pass' in stream && passes > 1) {
    const expected = 'none beside random lengths, as each has a learning rate of its own';
    throw conflict('fit.optimizer.accumulate', expected, passes);
  }
}

function conflict(path: string, expected: string, received: unknown): ConfigError {
  return new ConfigError(`${path}: expected ${expected}, received ${String(received)}`, {
    path,
    expected,
    received,
  });
}

type Validate = () => Promise<Evaluation>;

interface Parts {
  readonly source: BatchSource;
  readonly validate: Validate | undefined;
  /** The run that this one goes on with. */
  readonly resumed: TrainingState | undefined;
}

/** Where batches come from, and how an epoch is validated. */
function trainingParts(
  context: ModelContext,
  data: AnyTrainingData,
  options: ParsedOptions,
): Pick<Parts, 'source' | 'validate'> {
  const validate = options.validationData && validation(context, options.validationData, options);
  if (isStream(data)) {
    checkStream(context, data, options.loss);
    return { source: streamSource(data), validate };
  }
  if (isExamples(data)) {
    const { prefetch } = options;
    return { source: streamedSource(data, exampleGatherer(context, options.loss), { prefetch }), validate };
  }
  return splitParts(context, data, options, validate);
}

function splitParts(
  context: ModelContext,
  data: AnyLabelledData,
  options: ParsedOptions,
  validate: Validate | undefined,
) {
  const prepared = prepareLabelled(context, data, options.loss);
  const rows = tailSplit(prepared.count, options.validationSplit);
  const seed = options.seed ?? context.config.seed;
  const source = rowSource(prepared, rows.train, { ...options, seed });
  if (rows.validation.length === 0) return { source, validate };
  return { source, validate: rowValidation(context, prepared, rows.validation, options) };
}

function validation(context: ModelContext, data: AnyTrainingData, options: ParsedOptions): Validate {
  if (isStream(data)) {
    checkStream(context, data, options.loss);
    return () => evaluateStream(context, data, options, { signal: options.signal });
  }
  if (isExamples(data)) return () => evaluateExamples(context, data, options, { signal: options.signal });
  const prepared = prepareLabelled(context, data, options.loss);
  const rows = Uint32Array.from({ length: prepared.count }, (_, row) => row);
  return rowValidation(context, prepared, rows, options);
}

function rowValidation(
  context: ModelContext,
  prepared: PreparedData,
  rows: Uint32Array,
  options: ParsedOptions,
): Validate {
  const { batchSize, signal } = options;
  const source = rowSource(prepared, rows, { batchSize, shuffle: false, seed: 0, dropLast: false });
  return () => evaluateBatches(context, source, options, { signal });
}

/** The rate of each step; a run that is resumed takes up what its schedule had come to. */
function runRate(
  context: ModelContext,
  { optimizer, epochs, initialEpoch, stepsPerEpoch, metrics, callbacks }: ParsedOptions,
  { source, validate, resumed }: Parts,
): RunRate {
  const counted = source.batchesPerEpoch;
  if (counted !== undefined && stepsPerEpoch !== undefined && stepsPerEpoch !== counted) {
    throw conflict('fit.stepsPerEpoch', `none or ${counted}, the batches of the data`, stepsPerEpoch);
  }
  const resumes = initialEpoch > 0 || resumed !== undefined;
  const best = new SessionBest(context);
  const run = { stepsPerEpoch: stepsPerEpoch ?? batchesIn(source, 0), epochs, initialEpoch };
  const rate = new RunRate(optimizer.learningRate, run, best, resumes ? context.rate?.state : undefined);
  const names = recordNames(metrics, validate !== undefined);
  rate.check(names);
  callbacks.forEach((callback, index) => {
    if (callback.monitor !== undefined) checkMonitor(callback.monitor, callbackName(callback, index), names);
  });
  return rate;
}

// With an average of the weights an epoch is validated by it.
function averagingParts(
  context: ModelContext,
  { optimizer: { average } }: { readonly optimizer: Optimizer },
  { validate, resumed }: Parts,
): Pick<TrainingPlan, 'validate' | 'averaging'> {
  if (average?.kind === 'ntAsgd' && validate === undefined) {
    throw conflict('fit.optimizer.average', 'ntAsgd beside validation data', 'none');
  }
  const averaging =
    average?.kind === 'ntAsgd' ? new NonMonotonicTrigger(average.interval, resumed?.averaging) : undefined;
  if (average === undefined || validate === undefined) return { validate, averaging };
  const isAveraged = async (): Promise<boolean> => ((await context.session.counters()).averaged ?? 0) > 0;
  const byAverage = async (): Promise<Evaluation> =>
    (await isAveraged()) ? whileChanging(context, () => withAveragedWeights(context, validate)) : validate();
  return { validate: byAverage, averaging };
}

// Last of all checks, as the model is the optimiser's from here on.
function sharedParts(context: ModelContext, options: ParsedOptions) {
  const { session, chain } = context;
  const { optimizer, epochs, initialEpoch, callbacks, signal, verbose } = options;
  return {
    session,
    objective: modelObjective(chain, options, options.weightedMetrics),
    update: useOptimizer(context, optimizer, 0),
    epochs,
    initialEpoch,
    callbacks,
    signal,
    display: makeDisplay(verbose, process.stderr, () => performance.now()),
    onNonFinite: options.onNonFinite === 'skip' ? () => {} : throwNonFinite,
    control: {
      getWeights: async () => namedTensors(session.parameters, await session.readArena('params')),
      setWeights: async (weights: object) =>
        overwrite(session, checkWeights(session.parameters, weights, true)),
      save: (path: string) => save(context, path, {}),
    },
  };
}

function throwNonFinite(result: NativeStepResult): void {
  if (!overflowed(result)) throw nonFinite(result);
}
