import { abortSignal, settings } from '../config/fields.js';
import { parseOptions } from '../config/parseConfig.js';
import { describe } from '../config/describe.js';
import type { GatheredBatch } from '../data/batches.js';
import { elementCount, type Tensor } from '../data/tensor.js';
import { ConfigError, NonFiniteError } from '../errors.js';
import { z } from 'zod';
import { outputsOf } from '../layers/chain.js';
import type { BuiltInLoss, LossInput, LossName } from '../losses/loss.js';
import type { NativeLossResult, NativeStepResult } from '../native/binding.js';
import type { OptimizerInput } from '../optimizers/optimizer.js';
import { cancelledBy, throwIfAborted, unlessAborted } from './aborting.js';
import type { ModelContext } from './context.js';
import { takeState } from './optimizerState.js';
import type { ByHead, ByHeadPartly } from './byHead.js';
import { resolveGoal, type Goal } from './goal.js';
import { modelObjective } from './modelObjective.js';
import { prepareLabelled, requireData, type AnyLabelledData, type LabelledData } from './modelData.js';
import { placeRows } from './placeRows.js';
import { planStep } from './stepPlan.js';
import { namedTensors } from './weights.js';

/** One batch for {@link Model.trainStep}: all its rows make one step. */
export interface TrainBatch<in out Head extends string = never> extends LabelledData<Head> {
  /**
   * Start from the states that the last carrying step ended with, and keep those of this one: for long sequences cut
   * into pieces. Zeros at first, after `resetStates` and when N changes. Default false.
   */
  readonly carryStates?: boolean | undefined;
}

/** What `trainStep` takes beside the batch. */
export interface TrainStepOptions<in out Head extends string = never> {
  readonly loss: ByHead<Head, LossInput>;
  /** With heads: how much each one's loss counts, each >= 0. Default 1. */
  readonly lossWeights?: ByHeadPartly<Head, number> | undefined;
  readonly optimizer: OptimizerInput;
  readonly signal?: AbortSignal | undefined;
}

/** What one step came to. */
export interface TrainStepResult {
  /** Mean over live elements plus `penalty`, before the update. */
  readonly loss: number;
  /** Σ l1|p| + l2·p² of all parameters. */
  readonly penalty: number;
  /** L2 norm of all trainable gradients before clipping; 0 where they are accumulated for a later step's update. */
  readonly gradNorm: number;
  /** Updates applied so far, this one included. */
  readonly step: number;
  /** False: the gradients overflowed fp16 at this `lossScale`; nothing was changed, and the next step's scale is half. */
  readonly applied: boolean;
  /** `precision: 'fp16'`: the dynamic scale that the gradients were computed with. Else 1. */
  readonly lossScale: number;
  /** What the loss's mean divides by: live elements, or for `crossEntropy` with class weights those of the rows. */
  readonly elements: number;
  /** Live rows: N, or Σ seqLengths for sequence outputs. */
  readonly rows: number;
  /** Rows (crossEntropy) or elements (binaryCrossEntropy) that are right. */
  readonly correct: number;
  /** Σ |y - target|; 0 for crossEntropy. */
  readonly absoluteError: number;
  /** Σ (y - target)²; 0 for crossEntropy. */
  readonly squaredError: number;
  /** Σ log p of the target's class (crossEntropy), else 0. */
  readonly logLikelihood: number;
  /** Rows (crossEntropy) or elements that the sums are over. */
  readonly count: number;
}

/** What one head came to. */
export type HeadResult = Pick<
  TrainStepResult,
  'loss' | 'elements' | 'rows' | 'correct' | 'absoluteError' | 'squaredError' | 'logLikelihood' | 'count'
>;

/** The same by head, each one's loss without its weight and without penalties. */
export interface HeadResults<Head extends string> {
  readonly heads: { readonly [Name in Head]: HeadResult };
}

/** What one step of a model came to; with heads `loss` is their weighted sum plus `penalty`, and sums are by head. */
export type ModelStepResult<Head extends string> = [Head] extends [never]
  ? TrainStepResult
  : Pick<TrainStepResult, 'loss' | 'penalty' | 'gradNorm' | 'step' | 'applied' | 'lossScale'> &
      HeadResults<Head>;

/** What `gradients` gives for a model, with heads theirs too. */
export type ModelGradients<Head extends string> = [Head] extends [never]
  ? Gradients
  : Gradients & HeadResults<Head>;

/** What `gradients` takes beside the batch. */
export interface GradientsOptions<in out Head extends string = never> {
  readonly loss: ByHead<Head, LossName | BuiltInLoss>;
  /** With heads: how much each one's loss counts, each >= 0. Default 1. */
  readonly lossWeights?: ByHeadPartly<Head, number> | undefined;
  readonly signal?: AbortSignal | undefined;
}

/** What `gradients` gives. */
export interface Gradients {
  /** Mean over live elements plus penalties. */
  readonly loss: number;
  /** By parameter name, penalties included, not clipped. */
  readonly gradients: Readonly<Record<string, Tensor<Float32Array>>>;
  /** At the features [N, T, C], or at the embedding's output [N, T, size] for tokens; T is x's. */
  readonly inputGradient: Tensor<Float32Array>;
}

const gradientsSchema = settings({
  loss: z.unknown().optional(),
  lossWeights: z.unknown().optional(),
  signal: abortSignal.optional(),
});

export async function trainStep(
  context: ModelContext,
  data: object,
  options: object,
): Promise<TrainStepResult | ModelStepResult<string>> {
  const { goal, objective, update, stateWord, signal } = planStep(context, options);
  requireData(data, 'batch', ['carryStates']);
  const { batch, targets } = gatherAll(context, data, goal, true);
  throwIfAborted(signal, 'trainStep');
  takeState(context, stateWord);
  context.training = undefined;
  const carry = carryStates(data as TrainBatch) ? { carryStates: true } : {};
  const result = await cancelledBy(signal, context.session, () =>
    objective.step(context.session, { ...batch, ...carry }, targets, update),
  );
  if (!result.applied && !overflowed(result)) throw nonFinite(result);
  if (result.heads === undefined) return result;
  const { loss, penalty, gradNorm, step, applied, lossScale } = result;
  return { loss, penalty, gradNorm, step, applied, lossScale, ...namedHeads(context, result.heads) };
}

export async function gradients(
  context: ModelContext,
  data: object,
  options: object,
): Promise<Gradients | ModelGradients<string>> {
  const { signal, ...given } = parseOptions(gradientsSchema, options, 'gradients');
  requireData(data, 'batch', ['carryStates']);
  const goal = resolveGoal(context.chain, given, 'gradients');
  const objective = modelObjective(context.chain, goal, false);
  const { batch, targets, maxLength } = gatherAll(context, data, goal);
  const result = await unlessAborted(signal, 'gradients', () =>
    objective.gradients(context.session, batch, targets),
  );
  return {
    loss: result.loss,
    gradients: namedTensors(context.session.parameters, result.gradients),
    inputGradient: inputGradient(context, batch, maxLength, result.inputGradient),
    ...(result.heads && namedHeads(context, result.heads)),
  };
}

/** A step that a smaller loss scale would have saved: part of fp16, and no error. */
export function overflowed({ applied, loss, lossScale }: NativeStepResult): boolean {
  return !applied && Number.isFinite(loss) && lossScale > 1;
}

/** The error of a step that was not applied. Its number is the one it would have had. */
export function nonFinite({ step, loss, gradNorm }: NativeStepResult): NonFiniteError {
  const failed = step + 1;
  return new NonFiniteError(
    `step ${failed}: expected a finite loss and a gradient norm below 1.8e19, received ${loss} and ${gradNorm}; ` +
      'the parameters are those before it',
    { step: failed, loss, gradNorm },
  );
}

function namedHeads({ chain }: ModelContext, results: readonly NativeLossResult[]): HeadResults<string> {
  const named = outputsOf(chain).map(({ head }, i): [string, HeadResult] => {
    const { loss, elements, rows, correct, absoluteError, squaredError, logLikelihood, count } = results[i]!;
    const own = { loss, elements, rows, correct, absoluteError, squaredError, logLikelihood, count };
    return [head!, own];
  });
  return { heads: Object.fromEntries(named) };
}

function gatherAll(context: ModelContext, data: object, { loss }: Goal, borrowed = false) {
  const { gatherer, count, maxLength } = prepareLabelled(context, data as AnyLabelledData, loss, borrowed);
  return { ...gatherer.gather(Uint32Array.from({ length: count }, (_, row) => row)), maxLength };
}

function carryStates({ carryStates: value = false }: { readonly carryStates?: boolean }): boolean {
  if (typeof value === 'boolean') return value;
  const path = 'batch.carryStates';
  throw new ConfigError(`${path}: expected true or false, received ${describe(value)}`, { path });
}

function inputGradient(
  { input, chain }: ModelContext,
  { batchSize, timeSteps }: GatheredBatch['batch'],
  maxLength: number,
  data: Float32Array,
): Tensor<Float32Array> {
  const channels = input.kind === 'tokens' ? chain[0]!.output.size : input.size;
  const shape = [batchSize, maxLength, channels];
  const whole = { data: new Float32Array(elementCount(shape)), shape };
  placeRows(whole, data, 0, batchSize, timeSteps);
  return whole;
}
