import { z } from 'zod';
import { abortSignal, positive, real, settings, whole } from '../config/fields.js';
import { parseOptions } from '../config/parseConfig.js';
import { AbortError, ConfigError } from '../errors.js';
import type { LossInput } from '../losses/loss.js';
import type { NativeUpdate } from '../native/binding.js';
import type { Session } from '../native/session.js';
import { adam, optimizerSchema, type OptimizerInput } from '../optimizers/optimizer.js';
import type { BatchSource } from '../training/batchSource.js';
import { EndlessBatches } from '../training/endlessBatches.js';
import { pipelined } from '../training/pipeline.js';
import { RateCurve, type LearningRateSearch } from '../training/rateCurve.js';
import { abortError, cancelledBy, orAborted, throwIfAborted } from './aborting.js';
import type { ModelContext } from './context.js';
import type { ByHead, ByHeadPartly } from './byHead.js';
import { resolveGoal } from './goal.js';
import { requireData } from './modelData.js';
import { copyState } from './move.js';
import { modelObjective } from './modelObjective.js';
import type { Objective } from './objective.js';
import { useOptimizer } from './optimizerState.js';
import { wholeSource, withProbe } from './probe.js';

/** What `findLearningRate` takes beside the data. */
export interface FindLearningRateOptions<in out Head extends string = never> {
  readonly loss: ByHead<Head, LossInput>;
  /** With heads: how much each one's loss counts, each >= 0. Default 1. */
  readonly lossWeights?: ByHeadPartly<Head, number> | undefined;
  /** Its own learning rate does not count. Default `adam()`. */
  readonly optimizer?: OptimizerInput | undefined;
  /** Sequences a step; a stream has its own. Default 32. */
  readonly batchSize?: number | undefined;
  /** The first rate. Default 1e-7. */
  readonly from?: number | undefined;
  /** The last rate. Default 10. */
  readonly to?: number | undefined;
  /** Steps from the first rate to the last, each rate the same multiple of the one before. Default 100. */
  readonly steps?: number | undefined;
  /** How much of the mean loss so far each point of the smoothed curve keeps, 0 to less than 1. Default 0.9. */
  readonly smoothing?: number | undefined;
  /** The test ends where the smoothed loss passes this many times its lowest. Default 4. */
  readonly divergence?: number | undefined;
  readonly signal?: AbortSignal | undefined;
}

const schema = settings({
  loss: z.unknown().optional(),
  lossWeights: z.unknown().optional(),
  optimizer: optimizerSchema.default(adam()),
  batchSize: whole(1).default(32),
  from: positive.default(1e-7),
  to: positive.default(10),
  steps: whole(2, 1_000_000).default(100),
  smoothing: real('a number from 0 to less than 1', (value) => value >= 0 && value < 1).default(0.9),
  divergence: real('a number above 1', (value) => value > 1).default(4),
  signal: abortSignal.optional(),
});

export async function findLearningRate(
  context: ModelContext,
  data: object,
  options: object,
): Promise<LearningRateSearch> {
  requireData(data, 'data');
  const parsed = parseOptions(schema, options, 'findLearningRate');
  const { signal } = parsed;
  if (parsed.to <= parsed.from) throw wrongRange(parsed.from, parsed.to);
  const goal = resolveGoal(context.chain, parsed, 'findLearningRate');
  throwIfAborted(signal, 'findLearningRate');
  const source = wholeSource(context, data, goal.loss, parsed.batchSize);
  const objective = modelObjective(context.chain, goal, false);
  try {
    return await withProbe(context, async (probe) => {
      await copyState(context.session, probe);
      // The copy's own, so that the model's optimiser stays what it is.
      const own = { session: probe, optimizerState: context.optimizerState };
      const update = useOptimizer(own, parsed.optimizer, 0);
      return cancelledBy(signal, probe, () => rangeTest(probe, source, objective, update, parsed));
    });
  } catch (error) {
    if (!(error instanceof AbortError)) throw error;
    throw abortError(signal, 'findLearningRate');
  }
}

async function rangeTest(
  probe: Session,
  source: BatchSource,
  objective: Objective,
  update: NativeUpdate,
  { from, to, steps, smoothing, divergence, signal }: z.output<typeof schema>,
): Promise<LearningRateSearch> {
  const curve = new RateCurve(smoothing, divergence);
  const batches = new EndlessBatches(source);
  const submit = async (k: number) => {
    throwIfAborted(signal, 'findLearningRate');
    const next = batches.next();
    const { gather, isFirst } =
      next instanceof Promise ? await orAborted(signal, 'findLearningRate', next) : next;
    const { batch, targets, rateFactor = 1 } = gather();
    const learningRate = from * (to / from) ** (k / (steps - 1));
    // Submitted in the same turn, so that no other step comes between them.
    const reset = source.carriesStates && isFirst ? probe.resetStates() : undefined;
    const carry = source.carriesStates ? { carryStates: true } : {};
    const own = { ...update, learningRate: learningRate * rateFactor };
    const step = objective.step(probe, { ...batch, ...carry }, targets, own);
    const [result] = await Promise.all([step, reset]);
    return { learningRate, result };
  };
  try {
    await pipelined(steps, submit, ({ learningRate, result }) =>
      curve.add(learningRate, result.applied ? result.loss : Number.NaN),
    );
  } finally {
    const closing = batches.close();
    if (signal?.aborted !== true) await closing;
  }
  return curve.search();
}

function wrongRange(from: number, to: number): ConfigError {
  const path = 'findLearningRate.to';
  const expected = `a rate above ${from}, the first`;
  return new ConfigError(`${path}: expected ${expected}, received ${to}`, { path, expected, received: to });
}
