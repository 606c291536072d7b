import type { NamedTensors } from '../data/tensor.js';
import type { Session } from '../native/session.js';
import { namedTensors } from './weights.js';

/** The arenas of optimisers: their moments. */
export const optimizerArenas = ['m', 'v'] as const;

type OptimizerArena = (typeof optimizerArenas)[number];

/** Weights and optimiser of a session in the process's memory, by parameter name: layouts differ between devices. */
export interface SessionState {
  /** Optimiser steps applied. */
  readonly step: number;
  /** Parameters and moments; moments that were all 0 are left out. */
  readonly arenas: { readonly params: NamedTensors } & { readonly [A in OptimizerArena]?: NamedTensors };
}

/** All reads are submitted in one turn, so no step comes between them. */
export async function readState(session: Session): Promise<SessionState> {
  const [{ step }, params, ...moments] = await Promise.all([
    session.counters(),
    session.readArena('params'),
    ...optimizerArenas.map((name) => session.readArena(name)),
  ]);
  const named = (arena: Float32Array) => namedTensors(session.parameters, arena);
  const used = optimizerArenas.flatMap((name, i) =>
    isZero(moments[i]!) ? [] : [[name, named(moments[i]!)] as const],
  );
  return Object.freeze({
    step,
    arenas: Object.freeze({ params: named(params), ...Object.fromEntries(used) }),
  });
}

/** Weights, moments and the count of steps; what is drawn for dropout goes on. */
export async function writeState(session: Session, { step, arenas }: SessionState): Promise<void> {
  for (const name of ['params', ...optimizerArenas] as const) {
    const arena = await session.readArena(name);
    const held = arenas[name];
    // Moments that no update has needed yet read as zeros, and take no memory until they are written.
    if (held === undefined && isZero(arena)) continue;
    for (const { name: parameter, offset, size } of session.parameters) {
      if (held === undefined) arena.fill(0, offset, offset + size);
      else arena.set(held[parameter]!.data, offset);
    }
    await session.writeArena(name, arena);
  }
  await session.setCounters({ ...(await session.counters()), step });
}

function isZero(values: Float32Array): boolean {
  return values.every((value) => Object.is(value, 0));
}
