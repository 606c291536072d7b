import { abortSignal, flag, settings, whole } from '../config/fields.js';
import { parseOptions } from '../config/parseConfig.js';
import { batchRows, type GatheredBatch } from '../data/batches.js';
import type { LanguageModelStream } from '../data/languageModelStream.js';
import { ConfigError } from '../errors.js';
import { z } from 'zod';
import type { LossInput } from '../losses/loss.js';
import type { Metric, MetricValues } from '../metrics/metric.js';
import type { HeadValues } from '../metrics/modelMetrics.js';
import { pipelined } from '../training/pipeline.js';
import { throwIfAborted, unlessAborted } from './aborting.js';
import type { Compiled, ModelContext } from './context.js';
import type { ByHead, ByHeadPartly } from './byHead.js';
import { resolveGoal } from './goal.js';
import { modelObjective } from './modelObjective.js';
import type { Measured } from './objective.js';
import { checkStream, isStream, prepareLabelled, requireData } from './modelData.js';
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
  if (!isStream(data)) {
    const { gatherer, count } = prepareLabelled(context, data, loss);
    const rows = Uint32Array.from({ length: count }, (_, row) => row);
    const batches = batchRows(rows, parsed.batchSize, false);
    return evaluateBatches(context, batches.length, (k) => gatherer.gather(batches[k]!), measured, parsed);
  }
  checkStream(context, data, loss);
  return context.lifecycle.exclusively('evaluate', () => evaluateStream(context, data, measured, parsed));
}

/** Means over batches that do not depend on each other. */
export async function evaluateBatches(
  { session, chain }: ModelContext,
  count: number,
  gather: (k: number) => GatheredBatch,
  goal: Compiled,
  { signal, weights }: PassSettings,
): Promise<Evaluation> {
  const objective = modelObjective(chain, goal, goal.weightedMetrics);
  const submit = (k: number): Promise<Measured> =>
    unlessAborted(signal, 'evaluate', () => {
      const { batch, targets } = gather(k);
      return objective.evaluate(session, { ...batch, ...(weights && { weights }) }, targets);
    });
  const mean = objective.totals();
  await pipelined(count, submit, (result) => mean.add(result));
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
