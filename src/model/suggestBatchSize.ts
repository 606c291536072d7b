import { z } from 'zod';
import { abortSignal, settings, whole } from '../config/fields.js';
import { parseOptions } from '../config/parseConfig.js';
import type { BatchGatherer } from '../data/batches.js';
import { AbortError, ConfigError, OutOfMemoryError } from '../errors.js';
import type { LossInput } from '../losses/loss.js';
import type { NativeParameter, NativeUpdate } from '../native/binding.js';
import type { Session } from '../native/session.js';
import { adam, optimizerSchema, type Optimizer, type OptimizerInput } from '../optimizers/optimizer.js';
import { batchSizeSearch, type BatchSizeSearch, type BatchSizeTrial } from '../training/batchSizeSearch.js';
import { abortError, cancelledBy, throwIfAborted } from './aborting.js';
import type { ModelContext } from './context.js';
import { lowerOptimizer } from './lowerOptimizer.js';
import type { ByHead, ByHeadPartly } from './byHead.js';
import { resolveGoal } from './goal.js';
import { isExamples, isStream, prepareLabelled, requireData } from './modelData.js';
import { modelObjective } from './modelObjective.js';
import type { Objective } from './objective.js';
import { withProbe } from './probe.js';

/** What `suggestBatchSize` takes beside the data. */
export interface SuggestBatchSizeOptions<in out Head extends string = never> {
  readonly loss: ByHead<Head, LossInput>;
  /** With heads: how much each one's loss counts, each >= 0. Default 1. */
  readonly lossWeights?: ByHeadPartly<Head, number> | undefined;
  /** Its moments take memory as well. Default `adam()`. */
  readonly optimizer?: OptimizerInput | undefined;
  /** The largest size to try. Default all the sequences there are. */
  readonly max?: number | undefined;
  /** Bytes that parameters, gradients, moments and activations may take together. Default what the device has left. */
  readonly memoryLimit?: number | undefined;
  /** Steps that are timed for each size, of which the fastest counts. Default 3. */
  readonly steps?: number | undefined;
  readonly signal?: AbortSignal | undefined;
}

const schema = settings({
  loss: z.unknown().optional(),
  lossWeights: z.unknown().optional(),
  optimizer: optimizerSchema.default(adam()),
  max: whole(1).optional(),
  memoryLimit: whole(1).optional(),
  steps: whole(1, 1000).default(3),
  signal: abortSignal.optional(),
});

export async function suggestBatchSize(
  context: ModelContext,
  data: object,
  options: object,
): Promise<BatchSizeSearch> {
  requireData(data, 'data');
  const { optimizer, max, memoryLimit, steps, signal, ...given } = parseOptions(
    schema,
    options,
    'suggestBatchSize',
  );
  if (isStream(data) || isExamples(data)) throw noStream();
  const goal = resolveGoal(context.chain, given, 'suggestBatchSize');
  throwIfAborted(signal, 'suggestBatchSize');
  const { gatherer, lengths } = prepareLabelled(context, data, goal.loss);
  const objective = modelObjective(context.chain, goal, false);
  // The longest first, so that a size that fits does so for whatever rows meet in a batch.
  const rows = Uint32Array.from(lengths, (_, row) => row).sort((a, b) => lengths[b]! - lengths[a]!);
  const trial = (batchSize: number) =>
    withProbe(context, async (probe) => {
      await probe.initialize();
      return cancelledBy(signal, probe, () =>
        timed(probe, {
          gatherer,
          rows: rows.subarray(0, batchSize),
          objective,
          update: wholeUpdate(optimizer, probe.parameters),
          steps,
          memoryLimit,
          signal,
        }),
      );
    });
  try {
    return await batchSizeSearch(trial, Math.min(max ?? Infinity, rows.length), rows.length);
  } catch (error) {
    if (!(error instanceof AbortError)) throw error;
    throw abortError(signal, 'suggestBatchSize');
  }
}

interface Work {
  readonly gatherer: BatchGatherer;
  readonly rows: Uint32Array;
  readonly objective: Objective;
  readonly update: NativeUpdate;
  readonly steps: number;
  readonly memoryLimit: number | undefined;
  readonly signal: AbortSignal | undefined;
}

/** An update of every step, with all the memory that the optimiser comes to need. */
function wholeUpdate(optimizer: Optimizer, parameters: readonly NativeParameter[]): NativeUpdate {
  const update = lowerOptimizer(optimizer, parameters, 0);
  return { ...update, accumulate: 1, ...(optimizer.average && { average: { kind: 'mean' } }) };
}

/** The first step allocates and is not timed. */
async function timed(probe: Session, work: Work): Promise<BatchSizeTrial> {
  const { gatherer, rows, objective, update, steps, memoryLimit, signal } = work;
  const { batch, targets } = gatherer.gather(rows);
  let stepMs = Infinity;
  for (let k = 0; k <= steps; k++) {
    throwIfAborted(signal, 'suggestBatchSize');
    const startMs = performance.now();
    await objective.step(probe, batch, targets, update);
    if (k > 0) stepMs = Math.min(stepMs, performance.now() - startMs);
    else requireRoom(probe, memoryLimit);
  }
  const bytes = bytesOf(probe);
  return Object.freeze({
    batchSize: rows.length,
    stepMs,
    sequencesPerSecond: (1000 * rows.length) / stepMs,
    bytes,
  });
}

function requireRoom(probe: Session, memoryLimit: number | undefined): void {
  const bytes = bytesOf(probe);
  if (memoryLimit === undefined || bytes <= memoryLimit) return;
  throw new OutOfMemoryError(
    `suggestBatchSize.memoryLimit: expected at least ${bytes} bytes, received ${memoryLimit}`,
    { requestedBytes: bytes, freeBytes: memoryLimit },
  );
}

function bytesOf(probe: Session): number {
  const { parameterBytes, activationBytes } = probe.memory();
  return parameterBytes + activationBytes;
}

function noStream(): ConfigError {
  const expected = '{x, y}, as a stream has a batch size of its own';
  return new ConfigError(`suggestBatchSize: expected ${expected}, received a stream`, {
    path: 'data',
    expected,
    received: 'a stream',
  });
}
