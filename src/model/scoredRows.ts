import type { GatheredBatch } from '../data/batches.js';
import type { Signal } from '../layers/signal.js';
import type { BuiltInLoss } from '../losses/loss.js';
import type { ScoredRows } from '../metrics/metricSums.js';
import type { NativeBatch } from '../native/binding.js';

/**
 * Copies a batch's labels, whose arrays are used again, and gives what joins them with the outputs [N, T, K] or
 * [N, K] once these are there. Rows that do not count are left out.
 */
export function scoredRows(
  { batchSize, timeSteps, seqLengths }: NativeBatch,
  targets: GatheredBatch['targets'],
  model: { readonly loss: BuiltInLoss; readonly output: Signal; readonly weighted: boolean },
): (outputs: Float32Array) => ScoredRows {
  const { loss, output, weighted } = model;
  const channels = output.size;
  const steps = output.kind === 'sequence' ? timeSteps : 1;
  const rows: { row: number; label: number | Float32Array; weight: number }[] = [];
  for (let n = 0; n < batchSize; n++) {
    const live = steps === 1 ? 1 : (seqLengths?.[n] ?? steps);
    for (let t = 0; t < live; t++) {
      const row = n * steps + t;
      const label = labelOf(targets, row, channels, loss);
      if (label === undefined) continue;
      const weights = weighted ? targets?.sampleWeights : undefined;
      rows.push({ row, label, weight: weights?.[weights.length === batchSize ? n : row] ?? 1 });
    }
  }
  return (outputs) => ({
    scores: rows.map(({ row }) => outputs.slice(row * channels, (row + 1) * channels)),
    labels: rows.map(({ label }) => label),
    weights: rows.map(({ weight }) => weight),
  });
}

/** The class of a row, or its labels; undefined where it does not count. */
function labelOf(
  targets: GatheredBatch['targets'],
  row: number,
  channels: number,
  loss: BuiltInLoss,
): number | Float32Array | undefined {
  if (targets?.ids !== undefined) {
    const id = targets.ids[row]!;
    return loss.kind === 'crossEntropy' && id === loss.ignoreIndex ? undefined : id;
  }
  const own = targets!.values!.slice(row * channels, (row + 1) * channels);
  if (loss.kind === 'binaryCrossEntropy') return channels === 1 ? Number(own[0]! > 0.5) : own;
  return own.reduce((best, value, k) => (value > own[best]! ? k : best), 0);
}
