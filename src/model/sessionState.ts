import type { NamedTensors } from '../data/tensor.js';
import type { NativeArena, NativeCounters } from '../native/binding.js';
import type { Session } from '../native/session.js';
import { namedTensors } from './weights.js';

/** The arenas that hold an optimiser's state, beside the parameters and gradients. */
export const optimizerArenas = ['m', 'v', 'aux', 'average'] as const satisfies readonly NativeArena[];

type OptimizerArena = (typeof optimizerArenas)[number];

/** Weights and optimiser of a session in the process's memory, by parameter name: layouts differ between devices. */
export interface SessionState {
  /** Optimiser steps applied. */
  readonly step: number;
  /** Updates that the average of the weights holds. */
  readonly averaged: number;
  /** Parameters and the optimiser's arenas; those that were all 0 are left out. */
  readonly arenas: { readonly params: NamedTensors } & { readonly [A in OptimizerArena]?: NamedTensors };
}

/** All reads are submitted in one turn, so no step comes between them. */
export async function readState(session: Session): Promise<SessionState> {
  const [{ step, averaged = 0 }, params, ...moments] = await Promise.all([
    session.counters(),
    session.readArena('params'),
    ...optimizerArenas.map((name) => session.readArena(name)),
  ]);
  const named = (arena: Float32Array) => namedTensors(session.parameters, arena);
  const used = optimizerArenas.flatMap((name, i) =>
    holdsState(moments[i]!) ? [[name, named(moments[i]!)] as const] : [],
  );
  return Object.freeze({
    step,
    averaged,
    arenas: Object.freeze({ params: named(params), ...Object.fromEntries(used) }),
  });
}

/**
 * Weights, the optimiser's arenas and their counts; what is drawn for dropout goes on. Gradients that wait for an update,
 * being those of other weights, are dropped.
 */
export async function writeState(session: Session, { step, averaged, arenas }: SessionState): Promise<void> {
  await session.zeroGradients();
  for (const name of ['params', ...optimizerArenas] as const) {
    const arena = await session.readArena(name);
    const held = arenas[name];
    if (held === undefined && !holdsState(arena)) continue;
    for (const { name: parameter, offset, size } of session.parameters) {
      if (held === undefined) arena.fill(0, offset, offset + size);
      else arena.set(held[parameter]!.data, offset);
    }
    await session.writeArena(name, arena);
  }
  await session.setCounters({ ...(await session.counters()), step, averaged });
}

/**
 * Gradients that wait for an update in a session whose other state is set, from one with these counters: they are as many
 * times too large as its loss scale says. Those that overflowed are dropped, as their update would be.
 */
export async function writeWaiting(
  session: Session,
  gradients: Float32Array,
  { lossScale: from = 1 }: NativeCounters,
): Promise<void> {
  const counters = await session.counters();
  const factor = (counters.lossScale ?? 1) / from;
  const scaled = factor === 1 ? gradients : gradients.map((value) => value * factor);
  if (scaled.every(Number.isFinite)) await session.writeArena('grads', scaled);
  else await session.setCounters({ ...counters, passes: 0 });
}

/** Arrays that no update has needed yet read as zeros, and take no memory until they are written. */
export function holdsState(arena: Float32Array): boolean {
  return arena.some((value) => !Object.is(value, 0));
}
