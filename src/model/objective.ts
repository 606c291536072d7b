import type { GatheredBatch } from '../data/batches.js';
import type { BuiltInLoss, Loss } from '../losses/loss.js';
import { intervalOf, medianOf } from '../metrics/checkMetrics.js';
import type { MetricDescriptor, MetricName } from '../metrics/metric.js';
import type { MetricSums } from '../metrics/metricSums.js';
import { normalHalfWidth } from '../metrics/normalQuantile.js';
import type {
  NativeBatch,
  NativeLoss,
  NativeLossResult,
  NativeMetricRequest,
  NativeStepResult,
  NativeUpdate,
} from '../native/binding.js';
import type { Session } from '../native/session.js';
import type { Signal } from '../layers/signal.js';
import { makeTotals, type Totals, type TotalsState } from '../training/totals.js';
import { customObjective } from './customObjective.js';
import { scoredRows } from './scoredRows.js';

/** What a batch comes to: the loss with what was counted beside it. */
export type Measured<R extends NativeLossResult = NativeLossResult> = R & MetricSums;

/** A loss with the metrics that are measured beside it, as it is run on a session. */
export interface Objective {
  step(
    session: Session,
    batch: NativeBatch,
    targets: GatheredBatch['targets'],
    update: NativeUpdate,
  ): Promise<Measured<NativeStepResult>>;
  evaluate(session: Session, batch: NativeBatch, targets: GatheredBatch['targets']): Promise<Measured>;
  /** Of built-in losses. */
  gradients(
    session: Session,
    batch: NativeBatch,
    targets: GatheredBatch['targets'],
  ): ReturnType<Session['gradients']>;
  /** @param sums What earlier ones came to, to go on from. */
  totals(sums?: TotalsState): Totals;
}

/**
 * @param output The model's.
 * @param weighted Metrics are weighed by the sample weights as well.
 */
export function makeObjective(
  loss: Loss,
  metrics: readonly MetricDescriptor[],
  output: Signal,
  weighted: boolean,
): Objective {
  const totals = (sums?: TotalsState) => makeTotals(loss, metrics, sums);
  if (loss.kind === 'custom')
    return { ...customObjective(loss, output, metrics.length > 0, weighted), totals };
  const gradients: Objective['gradients'] = (session, batch, targets) =>
    session.gradients(batch, { loss: asked.loss, ...targets });
  const asked = { loss: lowerLoss(loss), metrics: lowerMetrics(loss, metrics, weighted) };
  if (asked.metrics.outputs !== true) {
    return {
      step: (session, batch, targets, update) => session.trainStep(batch, { ...asked, ...targets }, update),
      evaluate: (session, batch, targets) => session.evaluate(batch, { ...asked, ...targets }),
      gradients,
      totals,
    };
  }
  const scored = async <R extends NativeLossResult>(
    batch: NativeBatch,
    targets: GatheredBatch['targets'],
    run: () => Promise<R>,
  ): Promise<Measured<R>> => {
    const withScores = scoredRows(batch, targets, { loss, output, weighted });
    const result = await run();
    return { ...result, scored: withScores(result.outputs!) };
  };
  return {
    step: (session, batch, targets, update) =>
      scored(batch, targets, () => session.trainStep(batch, { ...asked, ...targets }, update)),
    evaluate: (session, batch, targets) =>
      scored(batch, targets, () => session.evaluate(batch, { ...asked, ...targets })),
    gradients,
    totals,
  };
}

/** The loss as the addon takes it. */
export function lowerLoss(loss: BuiltInLoss): NativeLoss {
  if (loss.kind === 'quantile') return { kind: loss.kind, quantiles: Float32Array.from(loss.quantiles) };
  if (loss.kind !== 'crossEntropy') return loss;
  const { labelSmoothing, classWeights, ignoreIndex } = loss;
  return {
    kind: loss.kind,
    ...(labelSmoothing !== undefined && { labelSmoothing }),
    ...(classWeights !== undefined && { classWeights: Float32Array.from(classWeights) }),
    ...(ignoreIndex !== undefined && { ignoreIndex }),
  };
}

/** What has to be counted for the metrics. */
export function lowerMetrics(
  loss: BuiltInLoss,
  metrics: readonly MetricDescriptor[],
  weighted: boolean,
): NativeMetricRequest {
  const has = (...kinds: MetricName[]) => metrics.some(({ kind }) => kinds.includes(kind));
  const top = metrics.find((metric) => metric.kind === 'topK');
  const coverage = metrics.find((metric) => metric.kind === 'intervalCoverage');
  const errors = has('rmse', 'mape', 'smape', 'mase', 'r2', 'intervalCoverage');
  return {
    weighted,
    classCounts: has('precision', 'recall', 'f1', 'classReport'),
    confusion: has('confusionMatrix'),
    ...(top && { topK: top.k }),
    targetSums: errors || (loss.kind === 'quantile' && has('mae', 'mse')),
    point: Math.max(medianOf(loss), 0),
    ...(coverage && intervalOf(loss, coverage.level)),
    ...(coverage && loss.kind === 'gaussianNll' && { halfWidth: normalHalfWidth(coverage.level) }),
    outputs: has('rocAuc'),
  };
}
