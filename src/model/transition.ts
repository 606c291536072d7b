import type { ModelContext } from './context.js';

/**
 * Runs work in the middle of which the session's state is nobody's: weights swapped for their average, or put back one
 * arena after the other. A file that is asked for meanwhile is written afterwards.
 */
export async function whileChanging<T>(context: ModelContext, work: () => Promise<T>): Promise<T> {
  const running = work();
  const transition = running.then(
    () => {},
    () => {},
  );
  context.transition = transition;
  try {
    return await running;
  } finally {
    context.transition = undefined;
  }
}

/** Waits until the session's state is whole. */
export async function settledState(context: ModelContext): Promise<void> {
  while (context.transition !== undefined) await context.transition;
}
