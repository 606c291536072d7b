import {
  AbortError,
  BusyError,
  ConfigError,
  CudaError,
  DataError,
  DeviceUnavailableError,
  DisposedError,
  InternalError,
  LstmError,
  NonFiniteError,
  OutOfMemoryError,
  ShapeError,
  StateError,
  type ErrorDetails,
} from '../errors.js';

type ErrorClass = new (message: string, details?: ErrorDetails, options?: ErrorOptions) => LstmError;

const classes: Readonly<Record<string, ErrorClass>> = {
  ERR_CONFIG: ConfigError,
  ERR_INVALID_ARGUMENT: ConfigError,
  ERR_SHAPE: ShapeError,
  ERR_DATA: DataError,
  ERR_BUSY: BusyError,
  ERR_DISPOSED: DisposedError,
  ERR_STATE: StateError,
  ERR_ABORTED: AbortError,
  ERR_OUT_OF_MEMORY: OutOfMemoryError,
  ERR_DEVICE_UNAVAILABLE: DeviceUnavailableError,
  ERR_CUDA: CudaError,
  ERR_NON_FINITE: NonFiniteError,
};

/** The typed error of what the addon threw or rejected with; errors that are typed already pass through. */
export function typedError(error: unknown): LstmError {
  if (error instanceof LstmError) return error;
  if (!(error instanceof Error)) {
    return new InternalError(`the addon failed with ${String(error)}`, {}, { cause: error });
  }
  const { code, ...details } = { code: undefined, ...error } as { code: unknown } & ErrorDetails;
  const known = typeof code === 'string' && Object.hasOwn(classes, code) ? classes[code] : undefined;
  return new (known ?? InternalError)(error.message, details, { cause: error });
}

/** What `call` gives; a failure of the addon, thrown or rejected with, becomes a typed error. */
export async function typed<T>(call: () => T | Promise<T>): Promise<T> {
  try {
    return await call();
  } catch (error) {
    throw typedError(error);
  }
}

/**
 * Runs one public call so that the stack of a typed error leads to the caller. A native rejection is made when the
 * device's work is done, long after the caller's frames are gone, so they are kept here. Errors of the user's own
 * code, such as a callback's, pass unchanged.
 *
 * @param entry The public method; its own frame and those above it are left out.
 */
export async function withCallerStack<T>(
  entry: (...args: never[]) => unknown,
  operation: () => Promise<T>,
): Promise<T> {
  const caller: { stack?: string } = {};
  Error.captureStackTrace(caller, entry);
  try {
    return await operation();
  } catch (error) {
    if (error instanceof LstmError) appendStack(error, caller.stack ?? '');
    throw error;
  }
}

// An error made in the call's first turn has the caller's frames already, as far as the stack's depth reaches.
function appendStack(error: LstmError, callerStack: string): void {
  const stack = error.stack ?? '';
  const missing = callerStack
    .split('\n')
    .slice(1)
    .filter((frame) => !stack.includes(frame.trim()));
  if (missing.length > 0) error.stack = [stack, ...missing].join('\n');
}
