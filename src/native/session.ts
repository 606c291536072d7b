import { AbortError, BusyError, DisposedError, type LstmError } from '../errors.js';
import type {
  NativeAddon,
  NativeArena,
  NativeBatch,
  NativeCounters,
  NativeLossResult,
  NativeMemory,
  NativeNetwork,
  NativeParameter,
  NativeSession,
  NativeStepResult,
  NativeTargets,
  NativeUpdate,
} from './binding.js';
import { copyArrays } from './copyArrays.js';
import type { Device } from './device.js';
import { typed, typedError } from './nativeErrors.js';

/**
 * One network on a device, with typed errors. Calls are submitted before they return, so calls made in one turn of
 * the event loop stand together in the device's queue and see the same parameters.
 */
export class Session {
  readonly parameters: readonly NativeParameter[];
  /**
   * Training steps to have submitted at a time. A GPU has two under way, and a third one waits so that the next can
   * begin before anybody here has seen that one of them is over.
   */
  readonly stepsAhead: 2 | 3;
  readonly #addon: NativeAddon;
  readonly #handle: NativeSession;
  #disposal: Promise<void> | undefined;
  #together: Promise<unknown> | undefined;
  #calls: Session | undefined;

  private constructor(addon: NativeAddon, handle: NativeSession, stepsAhead: 2 | 3) {
    this.stepsAhead = stepsAhead;
    this.#addon = addon;
    this.#handle = handle;
    this.parameters = Object.freeze(
      addon.parameters(handle).map(Object.freeze),
    ) as readonly NativeParameter[];
  }

  /**
   * Allocates parameters and gradients on the device; both are zero.
   *
   * @throws ConfigError, OutOfMemoryError, CudaError
   */
  static create({ addon, handle, info }: Device, network: NativeNetwork): Promise<Session> {
    const stepsAhead = info.kind === 'cuda' ? 3 : 2;
    return typed(async () => new Session(addon, await addon.createSession(handle, network), stepsAhead));
  }

  /** @throws DisposedError */
  memory(): NativeMemory {
    if (this.#disposal !== undefined) throw new DisposedError('the model is disposed');
    return this.#addon.memory(this.#handle);
  }

  /** Ends what is queued or running with AbortError as soon as it can. */
  cancel(): void {
    if (this.#disposal === undefined) this.#addon.cancel(this.#handle);
  }

  /** Cancels, waits and frees; idempotent. Calls under way end with DisposedError. */
  dispose(): Promise<void> {
    if (this.#disposal === undefined) {
      this.cancel();
      this.#disposal = this.#addon.disposeSession(this.#handle);
    }
    return this.#disposal;
  }

  initialize(): Promise<void> {
    return this.#submit((addon, session) => addon.initialize(session));
  }

  trainStep(batch: NativeBatch, targets: NativeTargets, update: NativeUpdate): Promise<NativeStepResult> {
    const [held, heldTargets] = [this.#held(batch), this.#held(targets)];
    return this.#submit((addon, session) => addon.trainStep(session, held, heldTargets, update));
  }

  evaluate(batch: NativeBatch, targets: NativeTargets): Promise<NativeLossResult> {
    const [held, heldTargets] = [this.#held(batch), this.#held(targets)];
    return this.#submit((addon, session) => addon.evaluate(session, held, heldTargets));
  }

  predict(batch: NativeBatch, returnStates: boolean): ReturnType<NativeAddon['predict']> {
    const held = this.#held(batch);
    return this.#submit((addon, session) => addon.predict(session, held, returnStates));
  }

  /**
   * Computes on this thread; y and states are written before it returns.
   *
   * @throws BusyError while work is under way, also between calls that belong together.
   */
  predictSync(batch: NativeBatch, y: readonly Float32Array[], states: Float32Array | undefined): void {
    if (this.#disposal !== undefined) throw new DisposedError('the model is disposed');
    if (this.#together !== undefined) throw new BusyError('expected no work under way on the device');
    try {
      this.#addon.predictSync(this.#handle, batch, y, states);
    } catch (error) {
      throw typedError(error);
    }
  }

  gradients(batch: NativeBatch, targets: NativeTargets): ReturnType<NativeAddon['gradients']> {
    return this.#submit((addon, session) => addon.gradients(session, batch, targets));
  }

  forward(batch: NativeBatch, training: boolean): ReturnType<NativeAddon['forward']> {
    return this.#submit((addon, session) => addon.forward(session, batch, training));
  }

  backward(dy: Float32Array, dStates: Float32Array | undefined): ReturnType<NativeAddon['backward']> {
    return this.#submit((addon, session) => addon.backward(session, dy, dStates));
  }

  zeroGradients(): Promise<void> {
    return this.#submit((addon, session) => addon.zeroGradients(session));
  }

  applyUpdate(update: NativeUpdate): ReturnType<NativeAddon['applyUpdate']> {
    return this.#submit((addon, session) => addon.applyUpdate(session, update));
  }

  readArena(arena: NativeArena): Promise<Float32Array> {
    return this.#submit((addon, session) => addon.readArena(session, arena));
  }

  writeArena(arena: NativeArena, data: Float32Array): Promise<void> {
    return this.#submit((addon, session) => addon.writeArena(session, arena, data));
  }

  counters(): Promise<NativeCounters> {
    return this.#submit((addon, session) => addon.counters(session));
  }

  setCounters(counters: NativeCounters): Promise<void> {
    return this.#submit((addon, session) => addon.setCounters(session, counters));
  }

  carriedStates(): ReturnType<NativeAddon['carriedStates']> {
    return this.#submit((addon, session) => addon.carriedStates(session));
  }

  setCarriedStates(batchSize: number, states: Float32Array): Promise<void> {
    return this.#submit((addon, session) => addon.setCarriedStates(session, batchSize, states));
  }

  resetStates(): Promise<void> {
    return this.#submit((addon, session) => addon.resetStates(session));
  }

  swapAverage(): Promise<void> {
    return this.#submit((addon, session) => addon.swapAverage(session));
  }

  /** Calls of `work` that belong together: what others ask for meanwhile waits until they are done. */
  async together<T>(work: (calls: Session) => Promise<T>): Promise<T> {
    while (this.#together !== undefined) await this.#together;
    if (this.#disposal !== undefined) throw new DisposedError('the model is disposed');
    this.#calls ??= new Session(this.#addon, this.#handle, this.stepsAhead);
    const running = work(this.#calls);
    const done = running.then(
      () => {},
      () => {},
    );
    this.#together = done;
    try {
      return await running;
    } catch (error) {
      throw this.#disposal === undefined
        ? error
        : new DisposedError('the model was disposed while the call ran', {}, { cause: error });
    } finally {
      this.#together = undefined;
    }
  }

  // A call that has to wait is made with what its batch holds now.
  #held<T extends object>(batch: T): T {
    return this.#together === undefined ? batch : copyArrays(batch);
  }

  // Runs `call` at once, unless calls that belong together are under way: only what comes after it waits.
  async #submit<T>(call: (addon: NativeAddon, session: NativeSession) => Promise<T>): Promise<T> {
    while (this.#together !== undefined) await this.#together;
    if (this.#disposal !== undefined) throw new DisposedError('the model is disposed');
    try {
      return await call(this.#addon, this.#handle);
    } catch (error) {
      throw this.#afterDispose(typedError(error));
    }
  }

  #afterDispose(error: LstmError): LstmError {
    if (this.#disposal === undefined || !(error instanceof AbortError)) return error;
    return new DisposedError('the model was disposed while the call ran', {}, { cause: error });
  }
}
