import { DisposedError } from '../errors.js';
import { acquireDevice } from '../native/device.js';
import type { DeviceName, DeviceOptions } from '../native/deviceOptions.js';
import type { NativeParameter } from '../native/binding.js';
import { Session } from '../native/session.js';
import type { ModelContext } from './context.js';
import { lowerNetwork } from './lowering.js';
import { holdsState, optimizerArenas, writeWaiting } from './sessionState.js';

/** What `to` takes: a device's name, or all device options. */
export type DeviceInput = DeviceName | DeviceOptions;

/** Gives the model a session on the other device, with everything the next step depends on. */
export async function move(context: ModelContext, to: DeviceInput): Promise<void> {
  const device = await acquireDevice(typeof to === 'string' ? { device: to } : to);
  const { session: from, chain, input, config } = context;
  if (device.handle === context.device.handle) {
    context.device = device;
    return;
  }
  const session = await Session.create(device, lowerNetwork(chain, input, config.seed));
  try {
    await copyState(from, session);
    if (context.lifecycle.disposed) throw new DisposedError('to: the model was disposed while it moved');
  } catch (error) {
    await session.dispose();
    throw error;
  }
  context.session = session;
  context.device = device;
  await from.dispose();
}

// By name: who drops between LSTM layers decides how an arena is laid out. Gradients are clear between calls, but for those
// that wait for an update.
export async function copyState(from: Session, to: Session): Promise<void> {
  const [counters, carried] = await Promise.all([from.counters(), from.carriedStates()]);
  const size = (await to.readArena('params')).length;
  const laidOut = (arena: Float32Array) => rearranged(arena, from.parameters, to.parameters, size);
  await to.writeArena('params', laidOut(await from.readArena('params')));
  for (const name of optimizerArenas) {
    const state = await from.readArena(name);
    if (holdsState(state)) await to.writeArena(name, laidOut(state));
  }
  await to.setCounters(counters);
  if ((counters.passes ?? 0) > 0) await writeWaiting(to, laidOut(await from.readArena('grads')), counters);
  if (carried.batchSize > 0) await to.setCarriedStates(carried.batchSize, carried.states);
}

function rearranged(
  arena: Float32Array,
  from: readonly NativeParameter[],
  to: readonly NativeParameter[],
  size: number,
): Float32Array {
  const offsets = new Map(from.map(({ name, offset }) => [name, offset]));
  const result = new Float32Array(size);
  for (const { name, offset, size: count } of to) {
    const start = offsets.get(name)!;
    result.set(arena.subarray(start, start + count), offset);
  }
  return result;
}
