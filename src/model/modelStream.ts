import { settings, whole } from '../config/fields.js';
import { parseOptions } from '../config/parseConfig.js';
import { typedArrayName } from '../data/tensor.js';
import { ConfigError, ShapeError } from '../errors.js';
import { describe } from '../config/describe.js';
import { onlyOutput } from '../layers/chain.js';
import type { ModelContext } from './context.js';
import { requireCpu, requireLength } from './predictSync.js';
import {
  checkStates,
  packStates,
  stateLayouts,
  unpackStates,
  zeroStates,
  type ModelStates,
} from './states.js';
import { weightForm, type WeightForm } from './weightForm.js';

/** What `stream` takes. */
export interface ModelStreamOptions {
  /** N, sequences that go on side by side. Default 1. */
  readonly batchSize?: number | undefined;
  /** Default 'float32'. */
  readonly weights?: WeightForm | undefined;
}

const schema = settings({ batchSize: whole(1).default(1), weights: weightForm.default('float32') });

/**
 * A model that is fed one time step after the other and keeps its states in between, for input that arrives as it
 * happens. Made by {@link Model.stream}; several may be fed in turn, each with states of its own. It computes with the
 * parameters that the model has at that moment.
 *
 * @example
 * ```ts
 * const stream = model.stream();
 * for await (const sample of sensor) show(stream.step(Float32Array.from(sample)));
 * ```
 */
export class ModelStream {
  /** N */
  readonly batchSize: number;
  readonly #context: ModelContext;
  readonly #weights: WeightForm;
  readonly #states: Float32Array;
  readonly #y: Float32Array;
  readonly #inputLength: number;
  readonly #isTokens: boolean;

  /** @internal */
  constructor(context: ModelContext, options: ModelStreamOptions) {
    const { batchSize, weights } = parseOptions(schema, options, 'stream');
    requireCpu(context, 'stream');
    const output = onlyOutput(context.chain, 'stream');
    requireForward(context);
    this.batchSize = batchSize;
    this.#context = context;
    this.#weights = weights;
    this.#states = packStates(zeroStates(stateLayouts(context.chain), batchSize), 0, batchSize);
    this.#y = new Float32Array(batchSize * output.size);
    this.#isTokens = context.input.kind === 'tokens';
    this.#inputLength = this.#isTokens ? batchSize : batchSize * context.input.size;
    Object.freeze(this);
  }

  /**
   * Computes one time step on the calling thread.
   *
   * @param x features [N, C] or token ids [N], in one flat array
   * @param out [N, K], where the output is written; by default an array of the stream's own, which the next step
   *   overwrites
   * @returns the output of this step, [N, K]
   * @throws ShapeError, DataError, the states having stayed; BusyError while anything is queued or computed on the
   *   model's device, such as a training step; StateError on a GPU, DisposedError
   */
  step(x: Float32Array | Int32Array, out: Float32Array = this.#y): Float32Array {
    return this.#context.lifecycle.callSync('step', () => {
      requireCpu(this.#context, 'step');
      this.#requireInput(x);
      requireLength(out, this.#y.length, 'out');
      const input = this.#isTokens ? { tokens: x as Int32Array } : { features: x as Float32Array };
      const { batchSize } = this;
      const batch = { batchSize, timeSteps: 1, states: this.#states, weights: this.#weights, ...input };
      this.#context.session.predictSync(batch, [out], this.#states);
      return out;
    });
  }

  /** Sets the states to zero: the next step is a sequence's first. */
  reset(): void {
    this.#states.fill(0);
  }

  /** A copy of the states after the last step. */
  get states(): ModelStates {
    const states = zeroStates(stateLayouts(this.#context.chain), this.batchSize);
    unpackStates(this.#states, states, 0, this.batchSize);
    return states;
  }

  /** Goes on from other states, such as those that `predict` gave for a prompt. @throws ShapeError, DataError */
  set states(value: ModelStates) {
    const checked = checkStates(value, stateLayouts(this.#context.chain), this.batchSize);
    this.#states.set(packStates(checked, 0, this.batchSize));
  }

  #requireInput(x: unknown): void {
    const type = this.#isTokens ? 'Int32Array' : 'Float32Array';
    if (typedArrayName(x) === type && (x as Float32Array).length === this.#inputLength) return;
    const expected = `a${this.#isTokens ? 'n' : ''} ${type} of ${this.#inputLength}`;
    const received = typedArrayName(x) === type ? `one of ${(x as Float32Array).length}` : describe(x);
    throw new ShapeError(`x: expected ${expected}, received ${received}`, { name: 'x', expected, received });
  }
}

/** @throws ConfigError for a model whose output at a step needs more than that step and the states. */
function requireForward({ chain }: ModelContext): void {
  for (const { layer } of chain) {
    const readsOn =
      (layer.kind === 'lstm' && layer.bidirectional) || (layer.kind === 'pool' && layer.mode !== 'last');
    if (!readsOn) continue;
    const expected = 'a model whose output at a step depends on nothing later or earlier but the states';
    const received =
      layer.kind === 'lstm' ? `the bidirectional layer '${layer.name}'` : `the pooling layer '${layer.name}'`;
    throw new ConfigError(`stream: expected ${expected}, received ${received}`, {
      path: 'stream',
      expected,
      received,
    });
  }
}
