import { BatchGatherer, type GatheredBatch } from '../data/batches.js';
import type { Sequences } from '../data/sequences.js';
import { isTensor } from '../data/tensor.js';
import { targetsFor, type SampleWeightInput, type TargetInput } from '../data/targets.js';
import { outputsOf } from '../layers/chain.js';
import { channelsPerTarget } from '../losses/loss.js';
import type { HeadLosses } from '../losses/modelLoss.js';
import { valuesByHead } from './byHead.js';
import type { ResolvedModel } from './modelConfig.js';

/** Gathers the targets of every head beside the inputs that they share. */
export class HeadGatherer extends BatchGatherer {
  readonly #heads: readonly BatchGatherer[];

  constructor(sequences: Sequences, heads: readonly BatchGatherer[]) {
    super(sequences);
    this.#heads = heads;
  }

  override gather(rowIndices: Uint32Array): GatheredBatch {
    const heads = this.#heads.map((head) => head.gatherTargets(rowIndices));
    return { ...super.gather(rowIndices), targets: { heads } };
  }
}

/**
 * Targets by head, checked against each head's output and loss.
 *
 * @param y `{ tag, length }`
 * @param sampleWeights Of all heads, or by head; heads that are left out have none.
 * @throws ConfigError, ShapeError, DataError
 */
export function headGatherer(
  { chain }: ResolvedModel,
  sequences: Sequences,
  { y, sampleWeights }: { readonly y: unknown; readonly sampleWeights?: unknown },
  loss: HeadLosses,
): HeadGatherer {
  const outputs = outputsOf(chain);
  const names = outputs.map(({ head }) => head!);
  const targets = valuesByHead(y, names, 'y', 'targets', true);
  const weights = isForAll(sampleWeights)
    ? names.map(() => sampleWeights)
    : valuesByHead(sampleWeights, names, 'sampleWeights', 'weights', false);
  const heads = outputs.map(({ link: { output } }, i) => {
    const own = loss.heads[names[i]!]!.loss;
    const checked = targetsFor(targets[i] as TargetInput, {
      loss: own.kind,
      classes: output.size / channelsPerTarget(own),
      ignoreIndex: own.kind === 'crossEntropy' ? own.ignoreIndex : undefined,
      perStep: output.kind === 'sequence',
      lengths: sequences.lengths,
      name: `y.${names[i]!}`,
    });
    return new BatchGatherer(sequences, checked, weights[i] as SampleWeightInput | undefined);
  });
  return new HeadGatherer(sequences, heads);
}

function isForAll(value: unknown): boolean {
  const isRecord = typeof value === 'object' && value !== null && !Array.isArray(value);
  return !isRecord || ArrayBuffer.isView(value) || isTensor(value);
}
