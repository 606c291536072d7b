import type { History } from './training/history.js';

/** Stable codes of {@link LstmError}; they do not change between releases. */
export type LstmErrorCode =
  | 'ERR_CONFIG'
  | 'ERR_SHAPE'
  | 'ERR_DATA'
  | 'ERR_DISPOSED'
  | 'ERR_BUSY'
  | 'ERR_STATE'
  | 'ERR_ABORTED'
  | 'ERR_OUT_OF_MEMORY'
  | 'ERR_DEVICE_UNAVAILABLE'
  | 'ERR_NON_FINITE'
  | 'ERR_CHECKPOINT'
  | 'ERR_INTERNAL';

/** Facts behind an error's message, by name: what was expected, what came, which row. */
export type ErrorDetails = Readonly<Record<string, unknown>>;

/**
 * Every failure of this package. `code` tells the kind and stays the same between releases; `details` holds the
 * numbers and names that the message mentions.
 *
 * @example
 * ```ts
 * try {
 *   await model.fit(data, options);
 * } catch (error) {
 *   if (error instanceof LstmError && error.code === 'ERR_NON_FINITE') console.error(error.details);
 *   else throw error;
 * }
 * ```
 */
export abstract class LstmError extends Error {
  abstract readonly code: LstmErrorCode;
  readonly details: ErrorDetails;

  constructor(message: string, details: ErrorDetails = {}, options?: ErrorOptions) {
    super(message, options);
    this.details = Object.freeze({ ...details });
    Object.defineProperty(this, 'name', { value: new.target.name, configurable: true, writable: true });
  }
}

/** An option or a layer that cannot be: `details` are `path`, `expected` and `received`. */
export class ConfigError extends LstmError {
  override readonly code = 'ERR_CONFIG';
}

/** An array of the wrong rank, shape, length or element type: `details` are `name`, `expected` and `received`. */
export class ShapeError extends LstmError {
  override readonly code = 'ERR_SHAPE';
}

/** Values that cannot be used, such as NaN or an unknown token id: `details` say where, for example `row`. */
export class DataError extends LstmError {
  override readonly code = 'ERR_DATA';
}

/** A call on something that was disposed, or that was disposed while the call ran. */
export class DisposedError extends LstmError {
  override readonly code = 'ERR_DISPOSED';
}

/** A call that has to wait for one that is still running: `details` are `operation` and `running`. */
export class BusyError extends LstmError {
  override readonly code = 'ERR_BUSY';
}

/** A call in the wrong order, such as a backward pass without a forward pass, or on another object. */
export class StateError extends LstmError {
  override readonly code = 'ERR_STATE';
}

/** The caller's `AbortSignal` ended the call; its reason is `cause`. The model stays usable. */
export class AbortError extends LstmError {
  override readonly code = 'ERR_ABORTED';

  /** What `fit` had reached when it was aborted. */
  get history(): History | undefined {
    return this.details['history'] as History | undefined;
  }
}

/** Memory ran out: `details` are `requestedBytes` and what the device knows of free memory. */
export class OutOfMemoryError extends LstmError {
  override readonly code = 'ERR_OUT_OF_MEMORY';
}

/** The device that was asked for cannot be had; the message says what to do. */
export class DeviceUnavailableError extends LstmError {
  override readonly code = 'ERR_DEVICE_UNAVAILABLE';
}

/** Loss or gradient norm became NaN or infinite. That update was not applied, so parameters are the last good ones. */
export class NonFiniteError extends LstmError {
  override readonly code = 'ERR_NON_FINITE';

  /** The optimiser step that failed, counted from 1. */
  get step(): number {
    return this.details['step'] as number;
  }

  /** The loss of that step. */
  get loss(): number {
    return this.details['loss'] as number;
  }

  /** The L2 norm of that step's gradients. */
  get gradNorm(): number {
    return this.details['gradNorm'] as number;
  }
}

/** A checkpoint that cannot be read, was altered, or belongs to another model. */
export class CheckpointError extends LstmError {
  override readonly code = 'ERR_CHECKPOINT';
}

/** A defect of this package: please report it. */
export class InternalError extends LstmError {
  override readonly code = 'ERR_INTERNAL';
}
