import { z } from 'zod';
import { abortSignal, settings } from '../config/fields.js';
import { isUnchanging, parseOptions } from '../config/parseConfig.js';
import type { NativeUpdate } from '../native/binding.js';
import { optimizerSchema, stateWord } from '../optimizers/optimizer.js';
import type { ModelContext } from './context.js';
import { resolveGoal, type Goal } from './goal.js';
import { lowerOptimizer } from './lowerOptimizer.js';
import { modelObjective } from './modelObjective.js';
import type { Objective } from './objective.js';

/** What the options of a training step come to. */
export interface StepPlan {
  readonly goal: Goal;
  readonly objective: Objective;
  readonly update: NativeUpdate;
  /** {@link stateWord} of the optimiser. */
  readonly stateWord: string;
  readonly signal: AbortSignal | undefined;
}

/** The options of a step and their plan, which stands as long as the next step has the same ones. */
export interface PlannedStep {
  readonly options: Readonly<Record<string, unknown>>;
  readonly plan: StepPlan;
}

const schema = settings({
  loss: z.unknown().optional(),
  lossWeights: z.unknown().optional(),
  optimizer: optimizerSchema,
  signal: abortSignal.optional(),
});

/**
 * The plan of a step; the last one's where the options are the same words and frozen descriptors, as they are in a loop.
 *
 * @throws ConfigError
 */
export function planStep(context: ModelContext, options: object): StepPlan {
  const { plannedStep: last } = context;
  if (last !== undefined && hasSameFields(options, last.options)) return last.plan;
  const { optimizer, signal, ...given } = parseOptions(schema, options, 'trainStep');
  const goal = resolveGoal(context.chain, given, 'trainStep');
  const plan: StepPlan = {
    goal,
    objective: modelObjective(context.chain, goal, false),
    update: lowerOptimizer(optimizer, context.session.parameters),
    stateWord: stateWord(optimizer),
    signal,
  };
  const stands = Object.entries(options).every(([name, value]) => name === 'signal' || isUnchanging(value));
  context.plannedStep = stands ? { options: { ...options }, plan } : undefined;
  return plan;
}

function hasSameFields(options: unknown, known: Readonly<Record<string, unknown>>): boolean {
  if (typeof options !== 'object' || options === null) return false;
  const names = Object.keys(options);
  if (names.length !== Object.keys(known).length) return false;
  return names.every(
    (name) => Object.hasOwn(known, name) && (options as Record<string, unknown>)[name] === known[name],
  );
}
