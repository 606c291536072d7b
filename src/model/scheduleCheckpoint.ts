import { choice, nonNegative, real, settings, whole } from '../config/fields.js';
import { parseOptions } from '../config/parseConfig.js';
import type { NamedTensors } from '../data/tensor.js';
import type { WatchedState } from '../training/runRate.js';
import type { ModelContext } from './context.js';
import { optimizerArenas, type SessionState } from './sessionState.js';

/** What a schedule that watches results has come to, as the JSON of a checkpoint. */
export interface ScheduleJSON {
  readonly state: WatchedState;
  /** Optimiser steps behind the state that backtracking goes back to; its tensors are the file's. */
  readonly bestStep?: number | undefined;
  /** Updates that the average of the weights holds there. */
  readonly bestAveraged?: number | undefined;
}

const stateSchema = settings({
  kind: choice('reduceOnPlateau', 'backtracking'),
  rate: nonNegative,
  best: real().optional(),
  waited: whole(0),
  cooldown: whole(0),
});
const schema = settings({
  state: stateSchema,
  bestStep: whole(0).optional(),
  bestAveraged: whole(0).optional(),
});

/** @throws ConfigError */
export function parseSchedule(value: unknown): ScheduleJSON | undefined {
  return value === undefined ? undefined : (parseOptions(schema, value, 'schedule') as ScheduleJSON);
}

export function scheduleJSON({ rate, best }: ModelContext): ScheduleJSON | undefined {
  if (rate?.state === undefined) return undefined;
  if (best === undefined) return { state: rate.state };
  const { step, averaged } = best;
  return { state: rate.state, bestStep: step, ...(averaged > 0 && { bestAveraged: averaged }) };
}

// No parameter has a slash in its name.
const prefix = 'backtracking/';

/** The tensors that backtracking goes back to, under names of their own. */
export function bestTensors({ arenas }: SessionState): NamedTensors {
  return Object.fromEntries(
    Object.entries(arenas).flatMap(([arena, tensors]) =>
      Object.entries(tensors).map(([name, tensor]) => [`${prefix}${arena}/${name}`, tensor]),
    ),
  );
}

/** A file's tensors without those of backtracking, and those. */
export function splitBest(tensors: NamedTensors): {
  readonly rest: NamedTensors;
  readonly best: NamedTensors;
} {
  const entries = Object.entries(tensors);
  return {
    rest: Object.fromEntries(entries.filter(([name]) => !name.startsWith(prefix))),
    best: Object.fromEntries(entries.filter(([name]) => name.startsWith(prefix))),
  };
}

/**
 * The state that backtracking goes back to from a file's tensors.
 *
 * @param check Throws CheckpointError where the tensors of an arena are not those of the model's parameters.
 */
export function bestState(
  best: NamedTensors,
  {
    bestStep: step,
    bestAveraged: averaged = 0,
  }: { readonly bestStep: number; readonly bestAveraged?: number | undefined },
  check: (tensors: NamedTensors, kind: string) => void,
): SessionState {
  const arena = (name: string): NamedTensors => {
    const start = `${prefix}${name}/`;
    const found = Object.entries(best).filter(([key]) => key.startsWith(start));
    const tensors = Object.fromEntries(found.map(([key, tensor]) => [key.slice(start.length), tensor]));
    if (name === 'params' || found.length > 0) check(tensors, `tensor ${start}`);
    return tensors;
  };
  const moments = optimizerArenas.map((name) => [name, arena(name)] as const);
  const used = moments.filter(([, tensors]) => Object.keys(tensors).length > 0);
  return Object.freeze({
    step,
    averaged,
    arenas: Object.freeze({ params: arena('params'), ...Object.fromEntries(used) }),
  });
}
