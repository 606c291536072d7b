import { ConfigError } from '../errors.js';
import type { NativeUpdate } from '../native/binding.js';
import { stateWord, type Optimizer } from '../optimizers/optimizer.js';
import type { ModelContext } from './context.js';
import { lowerOptimizer } from './lowerOptimizer.js';
import { holdsState, optimizerArenas } from './sessionState.js';

/**
 * The update of an optimiser that the model's next steps take.
 *
 * @param learningRate Of an optimiser with a schedule it must be given; `fit` and searches then set each step's own.
 * @param parameters As users name them.
 * @throws ConfigError where the steps so far were another kind of optimiser's, whose state means something else, for a
 *   group that names no parameter, and for a schedule unless the rate is given.
 */
export function useOptimizer(
  context: Pick<ModelContext, 'session' | 'optimizerState'>,
  optimizer: Optimizer,
  learningRate?: number,
  parameters = context.session.parameters,
): NativeUpdate {
  const update = lowerOptimizer(optimizer, parameters, learningRate);
  takeState(context, stateWord(optimizer));
  return update;
}

/**
 * Makes the optimiser's state in the session that of an optimiser with this word.
 *
 * @throws ConfigError where it is another kind's.
 */
export function takeState(context: Pick<ModelContext, 'optimizerState'>, word: string): void {
  const before = context.optimizerState ?? word;
  if (before !== word) {
    throw new ConfigError(
      `optimizer: expected ${before}, whose state the model holds, received ${word}; resetOptimizer() starts anew`,
      { path: 'optimizer', expected: before, received: word },
    );
  }
  context.optimizerState = word;
}

/** Forgets an optimiser's state: steps are counted from 0, gradients that wait for an update are dropped. */
export async function resetOptimizer(context: ModelContext): Promise<void> {
  const { session } = context;
  const { draws } = await session.counters();
  await session.zeroGradients();
  for (const name of optimizerArenas) {
    const arena = await session.readArena(name);
    if (holdsState(arena)) await session.writeArena(name, arena.fill(0));
  }
  await session.setCounters({ step: 0, draws });
  context.optimizerState = undefined;
  context.training = undefined;
  const { best } = context;
  context.best = best && Object.freeze({ step: 0, averaged: 0, arenas: { params: best.arenas.params } });
}

/**
 * Runs `work` with the average of the weights in their place.
 *
 * @throws StateError where there is no average.
 */
export async function withAveragedWeights<T>(
  { session }: Pick<ModelContext, 'session'>,
  work: () => Promise<T>,
): Promise<T> {
  await session.swapAverage();
  try {
    return await work();
  } finally {
    await session.swapAverage();
  }
}
