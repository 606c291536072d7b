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
  | 'ERR_CUDA'
  | 'ERR_NON_FINITE'
  | 'ERR_CALLBACK'
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

/**
 * The device has no memory left, or the model would pass `memoryLimit`. What failed changed nothing; this model and the
 * others go on.
 */
export class OutOfMemoryError extends LstmError {
  override readonly code = 'ERR_OUT_OF_MEMORY';

  /** What was asked for, where the device says so. */
  get requestedBytes(): number | undefined {
    return this.details['requestedBytes'] as number | undefined;
  }

  /** What was free then, where the device says so. */
  get freeBytes(): number | undefined {
    return this.details['freeBytes'] as number | undefined;
  }
}

/** The device that was asked for cannot be had: `details` say what was looked for, where, and what to install. */
export class DeviceUnavailableError extends LstmError {
  override readonly code = 'ERR_DEVICE_UNAVAILABLE';
}

/**
 * CUDA, cuDNN or cuBLASLt failed. When the device is lost (`lost`), every later call on it gives this error; its models
 * can only be disposed of, and the process has to start again to use the GPU.
 */
export class CudaError extends LstmError {
  override readonly code = 'ERR_CUDA';

  /** The failing library's own number. */
  get status(): number {
    return this.details['status'] as number;
  }

  /** The function that failed: `cudnnRNNForward`. */
  get call(): string {
    return this.details['call'] as string;
  }

  /** The library's own words. */
  get text(): string {
    return this.details['text'] as string;
  }

  /** The device is of no use any more. */
  get lost(): boolean {
    return this.details['lost'] === true;
  }
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

/** A hook of a callback threw: what it threw is `cause`. The model keeps what it has learnt and stays usable. */
export class CallbackError extends LstmError {
  override readonly code = 'ERR_CALLBACK';

  /** The callback's name, or its place: `callbacks[0]`. */
  get callback(): string {
    return this.details['callback'] as string;
  }

  /** The hook that threw: `onEpochEnd`. */
  get hook(): string {
    return this.details['hook'] as string;
  }

  /** What `fit` had reached. */
  get history(): History | undefined {
    return this.details['history'] as History | undefined;
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
