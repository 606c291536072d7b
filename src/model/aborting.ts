import { AbortError } from '../errors.js';
import type { Session } from '../native/session.js';

/** @throws AbortError once the caller's signal is aborted. */
export function throwIfAborted(signal: AbortSignal | undefined, operation: string): void {
  if (signal?.aborted === true) throw abortError(signal, operation);
}

/** The error of a call that its caller's signal ended. */
export function abortError(
  signal: AbortSignal | undefined,
  operation: string,
  details: Readonly<Record<string, unknown>> = {},
): AbortError {
  return new AbortError(`${operation} was aborted`, { operation, ...details }, { cause: signal?.reason });
}

/** What a promise gives that the caller's signal cannot end, or AbortError as soon as the signal is aborted. */
export async function orAborted<T>(
  signal: AbortSignal | undefined,
  operation: string,
  promise: Promise<T>,
): Promise<T> {
  if (signal === undefined) return promise;
  throwIfAborted(signal, operation);
  let abort = (): void => {};
  const aborted = new Promise<never>((_, reject) => {
    abort = () => reject(abortError(signal, operation));
    signal.addEventListener('abort', abort, { once: true });
  });
  try {
    return await Promise.race([promise, aborted]);
  } finally {
    signal.removeEventListener('abort', abort);
  }
}

/** Runs work that an abort cancels on the device. */
export async function cancelledBy<T>(
  signal: AbortSignal | undefined,
  session: Session,
  work: () => Promise<T>,
): Promise<T> {
  const cancel = (): void => session.cancel();
  signal?.addEventListener('abort', cancel, { once: true });
  try {
    return await work();
  } finally {
    signal?.removeEventListener('abort', cancel);
  }
}

/**
 * Cancelling reaches everything of a session. Work that changes nothing is submitted again when it was another
 * call's abort that ended it.
 */
export async function unlessAborted<T>(
  signal: AbortSignal | undefined,
  operation: string,
  submit: () => Promise<T>,
): Promise<T> {
  for (;;) {
    throwIfAborted(signal, operation);
    try {
      return await submit();
    } catch (error) {
      if (!(error instanceof AbortError)) throw error;
    }
  }
}
