import type { Tensors } from './lstm.js';
import type { Targets } from './losses.js';
import { gradientsOf, type NetworkInputs, type Node } from './network.js';
import {
  newOptimizerState,
  penaltyOf,
  update,
  type OptimizerState,
  type ParameterRules,
  type Update,
} from './update.js';

/** A rate for step t of T (counted in batches), epochs having `perEpoch` of them. */
export type RateRule = (t: number, total: number, perEpoch: number) => number;

/** A rate that is multiplied by `factor` after each epoch whose loss is not below the best by `threshold` of it. */
export interface WatchingRule {
  readonly initial: number;
  readonly factor: number;
  readonly threshold: number;
  /** Also back to the weights and the optimiser of the best epoch. */
  readonly goesBack: boolean;
}

export interface Training {
  readonly nodes: readonly Node[];
  readonly rules: ParameterRules;
  /** Its learning rate is the rule's. */
  readonly update: Update;
  readonly rate: RateRule | WatchingRule;
  /** Batches whose gradients make one update. */
  readonly passes: number;
  readonly reduction: 'mean' | 'sum';
  readonly epochs: number;
  /** Of dropout; the batch's number is the step that it is drawn for. */
  readonly seed: number;
}

export interface TrainingBatch {
  readonly inputs: NetworkInputs;
  readonly targets: Targets;
}

export interface Trained {
  readonly params: Tensors;
  readonly average: Tensors;
  /** Updates that the average holds. */
  readonly averaged: number;
  readonly steps: readonly { readonly loss: number; readonly gradNorm: number; readonly rate: number }[];
  /** Of epochs: the mean over their batches, which are of one size. */
  readonly losses: readonly number[];
}

/** A schedule that watches the loss might decide otherwise in float32: other data have to be drawn. */
export class TooCloseToCall extends Error {
  constructor(epoch: number) {
    super(`epoch ${epoch} is too close to call`);
  }
}

/** Gradient descent over the same batches in every epoch, in float64 and written as it is said. */
export function train(start: Tensors, batches: readonly TrainingBatch[], training: Training): Trained {
  const { rate, epochs } = training;
  let params = copied(start);
  let state = newOptimizerState(params);
  let waiting: Tensors[] = [];
  let watched = typeof rate === 'function' ? 0 : rate.initial;
  let best = { loss: Infinity, params: copied(params), state: copiedState(state) };
  const steps: { loss: number; gradNorm: number; rate: number }[] = [];
  const losses: number[] = [];
  for (let epoch = 0; epoch < epochs; epoch++) {
    const own: number[] = [];
    for (const { inputs, targets } of batches) {
      const t = steps.length;
      const now = typeof rate === 'function' ? rate(t, epochs * batches.length, batches.length) : watched;
      const draw = { seed: training.seed, step: t };
      const { loss, activationPenalty, gradients } = gradientsOf(
        training.nodes,
        params,
        { ...inputs, draw },
        targets,
      );
      own.push(loss + activationPenalty + penaltyOf(params, training.rules));
      waiting.push(gradients);
      let gradNorm = 0;
      if (waiting.length === training.passes) {
        const config = { ...training.update, learningRate: now };
        ({ gradNorm } = update(params, added(waiting, training.reduction), state, config, training.rules));
        waiting = [];
      }
      steps.push({ loss: own.at(-1)!, gradNorm, rate: now });
    }
    const loss = own.reduce((sum, one) => sum + one, 0) / own.length;
    losses.push(loss);
    if (typeof rate === 'function') continue;
    const limit = best.loss === Infinity ? Infinity : best.loss * (1 - rate.threshold);
    // Float32 might decide otherwise, and the test's own data would be to blame. Epochs without an update are equal there too.
    const distance = Math.abs(loss - limit);
    if (distance > 0 && distance < 1e-5 * limit) throw new TooCloseToCall(epoch);
    if (loss < limit) {
      best = { loss, params: copied(params), state: copiedState(state) };
      continue;
    }
    watched *= rate.factor;
    if (!rate.goesBack) continue;
    [params, state, waiting] = [copied(best.params), copiedState(best.state), []];
  }
  return { params, average: state.average, averaged: state.averaged, steps, losses };
}

/** Gradients of several batches as those of one update. */
function added(waiting: readonly Tensors[], reduction: 'mean' | 'sum'): Tensors {
  const scale = reduction === 'mean' ? 1 / waiting.length : 1;
  return Object.fromEntries(
    Object.keys(waiting[0]!).map((name) => [
      name,
      waiting[0]![name]!.map((_, i) => scale * waiting.reduce((sum, one) => sum + one[name]![i]!, 0)),
    ]),
  );
}

function copied(tensors: Tensors): Tensors {
  return Object.fromEntries(Object.entries(tensors).map(([name, values]) => [name, values.slice()]));
}

function copiedState({ step, averaged, m, v, aux, average }: OptimizerState): OptimizerState {
  return { step, averaged, m: copied(m), v: copied(v), aux: copied(aux), average: copied(average) };
}
