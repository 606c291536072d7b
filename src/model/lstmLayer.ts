import type { z } from 'zod';
import { describe } from '../config/describe.js';
import { settings, whole } from '../config/fields.js';
import { parseConfig, parseOptions } from '../config/parseConfig.js';
import type { NamedTensors, NumericInput } from '../data/tensor.js';
import { StateError } from '../errors.js';
import { resolveChain } from '../layers/chain.js';
import { maxSize } from '../layers/common.js';
import { directions, lstm, lstmFields, outputSize, projectionFits, projectionIssue } from '../layers/lstm.js';
import type { NativeArena } from '../native/binding.js';
import { acquireDevice } from '../native/device.js';
import { deviceFields, type DeviceOptions } from '../native/deviceOptions.js';
import { withCallerStack } from '../native/nativeErrors.js';
import { Session } from '../native/session.js';
import { optimizerSchema, type OptimizerInput } from '../optimizers/optimizer.js';
import { Lifecycle } from './lifecycle.js';
import { lowerNetwork } from './lowering.js';
import { useOptimizer } from './optimizerState.js';
import { stateSizes } from './states.js';
import {
  backward,
  forward,
  type LayerContext,
  type LstmForwardOptions,
  type LstmInputGradients,
  type LstmOutput,
  type LstmOutputGradients,
} from './lstmPasses.js';
import {
  checkWeights,
  namedTensors,
  overwrite,
  parameterInfos,
  type ParameterInfo,
  type WeightsInput,
} from './weights.js';

const layerSettings = settings({ inputSize: whole(1, maxSize), ...lstmFields }).refine(
  projectionFits,
  projectionIssue,
);
const optionSettings = settings({ ...deviceFields, seed: whole(0).default(0) });
/** What {@link createLstm} builds: the settings of an {@link lstm} layer, and C. */
export type LstmLayerConfig = Readonly<z.input<typeof layerSettings>>;

/** What {@link createLstm} takes beside the config. */
export interface LstmLayerOptions extends DeviceOptions {
  /** Decides initial parameters and dropout. Default 0. */
  readonly seed?: number | undefined;
}

/** What `step` came to. */
export interface LstmStep {
  /** L2 norm of all gradients, penalties included, before clipping. */
  readonly gradNorm: number;
  /** False: the norm was not finite and nothing was changed. */
  readonly applied: boolean;
  /** Steps applied so far. */
  readonly step: number;
}

/**
 * An LSTM by itself, for training loops of your own. Parameters are named as in PyTorch's `nn.LSTM`:
 * `weight_ih_l0`, `bias_hh_l1_reverse`.
 *
 * @param config `inputSize` (C) and the settings of {@link lstm}.
 * @throws ConfigError, DeviceUnavailableError, OutOfMemoryError
 * @example
 * ```ts
 * await using layer = await createLstm({ inputSize: 8, hiddenSize: 32 });
 * const { y } = await layer.forward(x, { training: true });
 * const { dx } = await layer.backward({ dy: gradientOfMyLoss(y) });
 * await layer.step(adam({ learningRate: 1e-3 }));
 * ```
 */
export function createLstm(config: LstmLayerConfig, options: LstmLayerOptions = {}): Promise<LstmLayer> {
  return withCallerStack(createLstm, async () => {
    const { inputSize, ...layerOptions } = parseConfig(layerSettings, config, 'createLstm');
    const { seed, ...deviceOptions } = parseOptions(optionSettings, options, 'createLstm');
    const input = { kind: 'sequence', size: inputSize } as const;
    const layer = lstm(layerOptions);
    const chain = resolveChain([layer], input);
    const device = await acquireDevice(deviceOptions);
    const session = await Session.create(device, lowerNetwork(chain, input, seed));
    try {
      await session.initialize();
    } catch (error) {
      await session.dispose();
      throw error;
    }
    return new LstmLayer({
      session,
      optimizerState: undefined,
      lifecycle: new Lifecycle('layer'),
      parameters: session.parameters.map((one) => ({
        ...one,
        name: one.name.slice(one.name.indexOf('.') + 1),
      })),
      inputSize,
      outputSize: directions(layer) * outputSize(layer),
      planes: layer.numLayers * directions(layer),
      sizes: stateSizes(layer),
      pending: undefined,
    });
  });
}

/** An LSTM on a device, made by {@link createLstm}. Calls are computed in the order in which they are made. */
export class LstmLayer implements AsyncDisposable, Disposable {
  readonly #context: LayerContext;
  readonly #parameters: readonly ParameterInfo[];

  /** @internal */
  constructor(context: LayerContext) {
    if (!((context as Partial<LayerContext> | undefined)?.session instanceof Session)) {
      throw new StateError('LstmLayer: layers are made by createLstm()');
    }
    this.#context = context;
    this.#parameters = parameterInfos(context.parameters);
  }

  /** Names, shapes and whether they learn. */
  get parameters(): readonly ParameterInfo[] {
    LstmLayer.#inside(this, 'parameters');
    return this.#parameters;
  }

  /**
   * Computes outputs and final states.
   *
   * @param x [N, T, C], padded up to T.
   * @throws ConfigError, ShapeError, DataError, DisposedError
   * @example
   * ```ts
   * const { y, hn, cn } = await layer.forward(x, { seqLengths: [5, 3] });
   * const more = await layer.forward(x2, { h0: hn, c0: cn });
   * ```
   */
  forward(x: NumericInput, options: LstmForwardOptions = {}): Promise<LstmOutput> {
    return LstmLayer.#call(this, 'forward', (context) => forward(context, x, options));
  }

  /**
   * Back-propagates through the last training `forward`, once, and adds to the weight gradients.
   *
   * @throws StateError without such a `forward`; ConfigError, ShapeError, DataError, DisposedError
   * @example
   * ```ts
   * const { dx, dh0, dc0 } = await layer.backward({ dy, dhn });
   * ```
   */
  backward(gradients: LstmOutputGradients = {}): Promise<LstmInputGradients> {
    return LstmLayer.#call(this, 'backward', (context) => backward(context, gradients));
  }

  /**
   * A copy of the weight gradients that `backward` has added up.
   *
   * @throws DisposedError
   * @example
   * ```ts
   * const { weight_hh_l0: recurrent } = await layer.gradients();
   * ```
   */
  gradients(): Promise<NamedTensors> {
    return LstmLayer.#call(this, 'gradients', (context) => readArena(context, 'grads'));
  }

  /**
   * Sets the weight gradients to zero.
   *
   * @throws DisposedError
   * @example
   * ```ts
   * await layer.zeroGradients();
   * ```
   */
  zeroGradients(): Promise<void> {
    return LstmLayer.#call(this, 'zeroGradients', ({ session }) => session.zeroGradients());
  }

  /**
   * Updates the weights from the gradients, then sets these to zero.
   *
   * @throws ConfigError, DisposedError
   * @example
   * ```ts
   * const { gradNorm } = await layer.step(adam({ clip: { globalNorm: 1 } }));
   * ```
   */
  step(optimizer: OptimizerInput): Promise<LstmStep> {
    return LstmLayer.#call(this, 'step', async (context) => {
      const { session } = context;
      const update = useOptimizer(
        context,
        parseOptions(optimizerSchema, optimizer, 'optimizer'),
        undefined,
        context.parameters,
      );
      const { gradNorm, applied, step } = await session.applyUpdate(update);
      return { gradNorm, applied, step };
    });
  }

  /**
   * A copy of the weights.
   *
   * @throws DisposedError
   * @example
   * ```ts
   * const weights = await layer.getWeights();
   * ```
   */
  getWeights(): Promise<NamedTensors> {
    return LstmLayer.#call(this, 'getWeights', (context) => readArena(context, 'params'));
  }

  /**
   * Replaces weights by name; those that are not named stay.
   *
   * @throws ConfigError for an unknown name, ShapeError, DataError, BusyError, DisposedError
   * @example
   * ```ts
   * await layer.setWeights({ weight_ih_l0: matrix });
   * ```
   */
  setWeights(weights: WeightsInput): Promise<void> {
    return LstmLayer.#call(this, 'setWeights', ({ session, parameters, lifecycle }) =>
      lifecycle.exclusively('setWeights', () => overwrite(session, checkWeights(parameters, weights, true))),
    );
  }

  /**
   * Frees the layer's memory; calls that are under way end with DisposedError.
   *
   * @example
   * ```ts
   * await layer.dispose();
   * ```
   */
  async dispose(): Promise<void> {
    const { lifecycle, session } = LstmLayer.#inside(this, 'dispose');
    lifecycle.dispose();
    await session.dispose();
  }

  /** Disposes at the end of an `await using` block. */
  [Symbol.asyncDispose](): Promise<void> {
    return this.dispose();
  }

  /** Starts to dispose at the end of a `using` block, which does not wait for it. */
  [Symbol.dispose](): void {
    void this.dispose();
  }

  static #inside(value: unknown, operation: string): LayerContext {
    if (typeof value === 'object' && value !== null && #context in value) return value.#context;
    const received = describe(value);
    throw new StateError(`${operation}: expected an LstmLayer as 'this', received ${received}`, {
      operation,
      received,
    });
  }

  static #call<T>(
    value: unknown,
    operation: string,
    work: (context: LayerContext) => Promise<T>,
  ): Promise<T> {
    return withCallerStack(LstmLayer.#call, async () => {
      const context = LstmLayer.#inside(value, operation);
      context.lifecycle.requireAlive(operation);
      return work(context);
    });
  }
}

async function readArena({ session, parameters }: LayerContext, arena: NativeArena): Promise<NamedTensors> {
  return namedTensors(parameters, await session.readArena(arena));
}
