import type { GatheredBatch } from '../data/batches.js';
import type { ModelOutput } from '../layers/chain.js';
import type { HeadLosses } from '../losses/modelLoss.js';
import type { HeadMetrics } from '../metrics/modelMetrics.js';
import type { NativeBatch, NativeHeadTargets, NativeLossResult } from '../native/binding.js';
import { makeTotals } from '../training/totals.js';
import { lowerLoss, lowerMetrics, type Measured, type Objective } from './objective.js';
import { scoredRows } from './scoredRows.js';

/** One step for all heads: each one's targets beside its loss, its metrics and its weight. */
export function headsObjective(
  loss: HeadLosses,
  metrics: HeadMetrics,
  outputs: readonly ModelOutput[],
  weighted: boolean,
): Objective {
  const heads = outputs.map(({ head, link }) => {
    const { loss: own, weight } = loss.heads[head!]!;
    const asked = {
      loss: lowerLoss(own),
      metrics: lowerMetrics(own, metrics.heads[head!]!, weighted),
      weight,
    };
    return { asked, loss: own, output: link.output };
  });
  const asked = (targets: GatheredBatch['targets']): { readonly heads: readonly NativeHeadTargets[] } => ({
    heads: heads.map((head, i) => ({ ...head.asked, ...targets!.heads![i] })),
  });
  const measured = async <R extends NativeLossResult>(
    batch: NativeBatch,
    targets: GatheredBatch['targets'],
    run: () => Promise<R>,
  ): Promise<Measured<R>> => {
    const scorers = heads.map(({ asked: { metrics: request }, loss: own, output }, i) =>
      request.outputs === true
        ? scoredRows(batch, targets!.heads![i], { loss: own, output, weighted })
        : undefined,
    );
    const result = await run();
    const withScores = result.heads!.map((head, i) => {
      const scored = scorers[i]?.(head.outputs!);
      return scored === undefined ? head : { ...head, scored };
    });
    return { ...result, heads: withScores };
  };
  return {
    step: (session, batch, targets, update) =>
      measured(batch, targets, () => session.trainStep(batch, asked(targets), update)),
    evaluate: (session, batch, targets) =>
      measured(batch, targets, () => session.evaluate(batch, asked(targets))),
    gradients: (session, batch, targets) => session.gradients(batch, asked(targets)),
    totals: (sums) => makeTotals(loss, metrics, sums),
  };
}
