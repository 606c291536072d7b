import { abortSignal, settings, whole } from '../config/fields.js';
import { parseOptions } from '../config/parseConfig.js';
import { batchRows, type GatheredBatch } from '../data/batches.js';
import type { LanguageModelStream } from '../data/languageModelStream.js';
import { ConfigError } from '../errors.js';
import { lossSchema, type LossInput, type LossKind } from '../losses/loss.js';
import {
  checkMetrics,
  metricsSchema,
  metricValues,
  type Metric,
  type MetricValues,
} from '../metrics/metric.js';
import type { NativeLossResult } from '../native/binding.js';
import { LossMean } from '../training/lossMean.js';
import { pipelined } from '../training/pipeline.js';
import { throwIfAborted, unlessAborted } from './aborting.js';
import type { ModelContext } from './context.js';
import { checkLossHead } from './lossHead.js';
import { checkStream, isStream, prepareLabelled, requireData, type TrainingData } from './modelData.js';
import { weightForm, type WeightForm } from './weightForm.js';

/** What `evaluate` takes beside the data. */
export interface EvaluateOptions {
  /** By default the last `fit`'s. */
  readonly loss?: LossInput | undefined;
  /** By default the last `fit`'s, or none. */
  readonly metrics?: readonly Metric[] | undefined;
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

/** How a pass over data is run. */
export interface PassSettings {
  readonly signal?: AbortSignal | undefined;
  readonly weights?: WeightForm | undefined;
}

const schema = settings({
  loss: lossSchema.optional(),
  metrics: metricsSchema.optional(),
  batchSize: whole(1).default(32),
  weights: weightForm.default('float32'),
  signal: abortSignal.optional(),
});

export async function evaluate(
  context: ModelContext,
  data: TrainingData,
  options: EvaluateOptions,
): Promise<Evaluation> {
  requireData(data, 'data');
  const parsed = parseOptions(schema, options, 'evaluate');
  const loss = parsed.loss ?? context.compiled?.loss;
  if (loss === undefined) throw missingLoss();
  const metrics = parsed.metrics ?? (parsed.loss === undefined ? context.compiled!.metrics : []);
  checkLossHead(loss, context.chain);
  checkMetrics(metrics, loss, 'evaluate.metrics');
  if (!isStream(data)) {
    const { gatherer, count } = prepareLabelled(context, data, loss);
    const rows = Uint32Array.from({ length: count }, (_, row) => row);
    const batches = batchRows(rows, parsed.batchSize, false);
    return evaluateBatches(
      context,
      batches.length,
      (k) => gatherer.gather(batches[k]!),
      loss,
      metrics,
      parsed,
    );
  }
  checkStream(context, data, loss);
  return context.lifecycle.exclusively('evaluate', () => evaluateStream(context, data, metrics, parsed));
}

/** Means over batches that do not depend on each other. */
export async function evaluateBatches(
  { session }: ModelContext,
  count: number,
  gather: (k: number) => GatheredBatch,
  loss: LossKind,
  metrics: readonly Metric[],
  { signal, weights }: PassSettings,
): Promise<Evaluation> {
  const submit = (k: number): Promise<NativeLossResult> =>
    unlessAborted(signal, 'evaluate', () => {
      const { batch, targets } = gather(k);
      return session.evaluate({ ...batch, ...(weights && { weights }) }, { loss, ...targets });
    });
  const mean = new LossMean();
  await pipelined(count, submit, (result) => mean.add(result));
  return { loss: mean.loss, ...metricValues(metrics, mean) };
}

/** A whole pass over a stream from zero states; the states that training carries are put back afterwards. */
export async function evaluateStream(
  { session }: ModelContext,
  stream: LanguageModelStream,
  metrics: readonly Metric[],
  { signal, weights }: PassSettings,
): Promise<Evaluation> {
  const carried = await session.carriedStates();
  const mean = new LossMean();
  try {
    await session.resetStates();
    const submit = (k: number): Promise<NativeLossResult> => {
      throwIfAborted(signal, 'evaluate');
      const { batch, targets } = stream.batch(k);
      const carrying = { ...batch, carryStates: true, ...(weights && { weights }) };
      return session.evaluate(carrying, { loss: 'crossEntropy', ...targets });
    };
    await pipelined(stream.steps, submit, (result) => mean.add(result));
  } finally {
    if (carried.batchSize > 0) await session.setCarriedStates(carried.batchSize, carried.states);
    else await session.resetStates();
  }
  return { loss: mean.loss, ...metricValues(metrics, mean) };
}

function missingLoss(): ConfigError {
  const expected = 'a loss, as the model was not trained with one yet';
  return new ConfigError(`evaluate.loss: expected ${expected}, received undefined`, {
    path: 'evaluate.loss',
    expected,
    received: undefined,
  });
}
