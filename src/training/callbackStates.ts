import type { NamedTensors } from '../data/tensor.js';
import type { Exact } from '../io/exactJson.js';
import { callbackName, type Callback } from './callbacks.js';

/** What a callback has come to, as a checkpoint holds it. */
export interface CallbackState {
  /** Plain data: numbers (also those that are not finite), words, arrays, objects. */
  readonly values?: Exact;
  /** By names of your own. */
  readonly tensors?: NamedTensors | undefined;
}

/** The state of one callback of a run. */
export interface SavedCallback extends CallbackState {
  /** Its name with its place among callbacks of that name: `modelCheckpoint#1`. */
  readonly key: string;
}

/** What tells the callbacks of a list apart, the same for the same list in another process. */
export function callbackKeys(callbacks: readonly Callback[]): readonly string[] {
  const seen = new Map<string, number>();
  return callbacks.map((callback, index) => {
    const name = callbackName(callback, index);
    const place = seen.get(name) ?? 0;
    seen.set(name, place + 1);
    return `${name}#${place}`;
  });
}

/** The states of the callbacks that have one. */
export function saveCallbacks(callbacks: readonly Callback[]): readonly SavedCallback[] {
  const keys = callbackKeys(callbacks);
  return callbacks.flatMap((callback, index) => {
    const state = callback.saveState?.();
    return state === undefined ? [] : [{ key: keys[index]!, ...state }];
  });
}

/** Gives callbacks the states that were theirs; those that have none begin anew. */
export function restoreCallbacks(callbacks: readonly Callback[], saved: readonly SavedCallback[]): void {
  const states = new Map(saved.map((one) => [one.key, one]));
  for (const [index, key] of callbackKeys(callbacks).entries()) {
    const state = states.get(key);
    if (state !== undefined) callbacks[index]!.restoreState?.(state);
  }
}
