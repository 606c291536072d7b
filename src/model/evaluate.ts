import { abortSignal, flag, settings, whole } from '../config/fields.js';
import { parseOptions } from '../config/parseConfig.js';
import type { ExampleStream } from '../data/examples.js';
import type { LanguageModelStream } from '../data/languageModelStream.js';
import { ConfigError } from '../errors.js';
import { z } from 'zod';
import type { LossInput } from '../losses/loss.js';
import type { Metric, MetricValues } from '../metrics/metric.js';
import type { HeadValues } from '../metrics/modelMetrics.js';
import { rowSource, type BatchSource } from '../training/batchSource.js';
import { streamedSource } from '../training/streamedSource.js';
import { noMore, pipelined } from '../training/pipeline.js';
import { orAborted, throwIfAborted, unlessAborted } from './aborting.js';
import type { ByHead, ByHeadPartly } from './byHead.js';
import type { Compiled, ModelContext } from './context.js';
import { exampleGatherer } from './exampleGatherer.js';
import { resolveGoal } from './goal.js';
import { modelObjective } from './modelObjective.js';
import type { Measured } from './objective.js';
import { checkStream, isExamples, isStream, prepareLabelled, requireData } from './modelData.js';
import { weightForm, type WeightForm } from './weightForm.js';

/** What `evaluate` takes beside the data. */
export interface EvaluateOptions<in out Head extends string = never> {
  /** By default the last `fit`'s. */
  readonly loss?: ByHead<Head, LossInput> | undefined;
  /** With heads: how much each one's loss counts. By default 1, beside the last `fit`'s loss as there. */
  readonly lossWeights?: ByHeadPartly<Head, number> | undefined;
  /** By default the last `fit`'s, or none. */
  readonly metrics?: ByHeadPartly<Head, readonly Metric[]> | undefined;
  /** Weigh metrics by the sample weights as well. By default as in the last `fit`, or false. */
  readonly weightedMetrics?: boolean | undefined;
  /** Sequences computed together; a stream has its own. Default 32. */
  readonly batchSize?: number | undefined;
  /** Default 'float32'. */
  readonly weights?: WeightForm | undefined;
  readonly signal?: AbortSignal | undefined;
}

/** What `evaluate` gives: means over live elements, the penalties included in the loss. */
export interface Evaluation extends MetricValues {
  readonly loss: number;
}

/** What `evaluate` gives for a model's heads: their losses and metrics too. */
export type ModelEvaluation<Head extends string> = [Head] extends [never]
  ? Evaluation
  : Evaluation & HeadValues<Head>;

/** How a pass over data is run. */
export interface PassSettings {
  readonly signal?: AbortSignal | undefined;
  readonly weights?: WeightForm | undefined;
}

const schema = settings({
  loss: z.unknown().optional(),
  lossWeights: z.unknown().optional(),
  metrics: z.unknown().optional(),
  weightedMetrics: flag.optional(),
  batchSize: whole(1).default(32),
  weights: weightForm.default('float32'),
  signal: abortSignal.optional(),
});

export async function evaluate(context: ModelContext, data: object, options: object): Promise<Evaluation> {
  requireData(data, 'data');
  const parsed = parseOptions(schema, options, 'evaluate');
  if (parsed.loss === undefined && context.compiled === undefined) throw missingLoss();
  const goal = resolveGoal(context.chain, parsed, 'evaluate', context.compiled);
  const { loss } = goal;
  const weightedMetrics = parsed.weightedMetrics ?? context.compiled?.weightedMetrics ?? false;
  const measured = { ...goal, weightedMetrics };
  if (isExamples(data)) return evaluateExamples(context, data, measured, parsed);
  if (!isStream(data)) {
    const prepared = prepareLabelled(context, data, loss);
    const rows = Uint32Array.from({ length: prepared.count }, (_, row) => row);
    const order = { batchSize: parsed.batchSize, shuffle: false, seed: 0, dropLast: false };
    return evaluateBatches(context, rowSource(prepared, rows, order), measured, parsed);
  }
  checkStream(context, data, loss);
  return context.lifecycle.exclusively('evaluate', () => evaluateStream(context, data, measured, parsed));
}

/** Means over the examples of a stream's first epoch. */
export function evaluateExamples(
  context: ModelContext,
  stream: ExampleStream,
  measured: Compiled,
  settings: PassSettings,
): Promise<Evaluation> {
  const source = streamedSource(stream, exampleGatherer(context, measured.loss));
  return evaluateBatches(context, source, measured, settings);
}

/** Means over the batches of a source's first epoch, which do not depend on each other. */
export async function evaluateBatches(
  { session, chain }: ModelContext,
  source: BatchSource,
  goal: Compiled,
  { signal, weights }: PassSettings,
): Promise<Evaluation> {
  const objective = modelObjective(chain, goal, goal.weightedMetrics);
  const mean = objective.totals();
  const batches = source.epoch(0);
  const submit = async (): Promise<Measured | typeof noMore> => {
    throwIfAborted(signal, 'evaluate');
    const next = batches.next();
    const gathering = next instanceof Promise ? await orAborted(signal, 'evaluate', next) : next;
    if (gathering === undefined) return noMore;
    return unlessAborted(signal, 'evaluate', () => {
      const { batch, targets } = gathering();
      return objective.evaluate(session, { ...batch, ...(weights && { weights }) }, targets);
    });
  };
  try {
    await pipelined(source.batchesPerEpoch ?? Infinity, submit, (result) => mean.add(result));
  } finally {
    const closing = batches.close?.();
    if (signal?.aborted !== true) await closing;
  }
  return { loss: mean.loss, ...mean.values() };
}

/** A whole pass over a stream from zero states; the states that training carries are put back afterwards. */
export async function evaluateStream(
  { session, chain }: ModelContext,
  stream: LanguageModelStream,
  goal: Compiled,
  { signal, weights }: PassSettings,
): Promise<Evaluation> {
  const objective = modelObjective(chain, goal, goal.weightedMetrics);
  const carried = await session.carriedStates();
  const mean = objective.totals();
  try {
    await session.resetStates();
    const submit = (k: number): Promise<Measured> => {
      throwIfAborted(signal, 'evaluate');
      const { batch, targets } = stream.batch(k);
      const carrying = { ...batch, carryStates: true, ...(weights && { weights }) };
      return objective.evaluate(session, carrying, targets);
    };
    await pipelined(stream.steps, submit, (result) => mean.add(result));
  } finally {
    if (carried.batchSize > 0) await session.setCarriedStates(carried.batchSize, carried.states);
    else await session.resetStates();
  }
  return { loss: mean.loss, ...mean.values() };
}

function missingLoss(): ConfigError {
  const expected = 'a loss, as the model was not trained with one yet';
  return new ConfigError(`evaluate.loss: expected ${expected}, received undefined`, {
    path: 'evaluate.loss',
    expected,
    received: undefined,
  });
}
