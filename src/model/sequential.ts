import type { HeadNames, HeadsLayer } from '../layers/heads.js';
import type { Layer } from '../layers/layer.js';
import { acquireDevice } from '../native/device.js';
import { withCallerStack } from '../native/nativeErrors.js';
import { Session } from '../native/session.js';
import { Lifecycle } from './lifecycle.js';
import { lowerNetwork } from './lowering.js';
import { Model } from './model.js';
import { resolveSequential, type SequentialOptions } from './modelConfig.js';

/**
 * A model of layers one after the other, its parameters drawn from the seed.
 *
 * @param layers From input to output; an embedding only first, {@link heads} only last. Layers without a name get one: `embedding`, `lstm`,
 *   `fc` for dense, `dropout`, `pool`, further ones `lstm_1` and so on.
 * @param options `inputSize` (C) is needed for features. `device` 'auto', `threads` all, `seed` 0.
 * @throws ConfigError for layers or options that cannot be, DeviceUnavailableError, OutOfMemoryError
 * @example
 * ```ts
 * await using model = await sequential(
 *   [
 *     embedding({ vocabSize: 10_000, size: 128 }),
 *     lstm({ hiddenSize: 256, returnSequences: false }),
 *     dense({ units: 6, activation: 'softmax' }),
 *   ],
 *   { seed: 7 },
 * );
 * console.log(model.summary());
 * ```
 */
export function sequential<const L extends readonly (Layer | HeadsLayer)[]>(
  layers: L,
  options: SequentialOptions = {},
): Promise<Model<HeadNames<L>>> {
  return withCallerStack(sequential, async () => {
    const { deviceOptions, vocabulary, series, labels, metadata, ...resolved } = resolveSequential(
      layers,
      options,
    );
    const device = await acquireDevice(deviceOptions);
    const { chain, input, config } = resolved;
    const session = await Session.create(device, lowerNetwork(chain, input, config.seed));
    try {
      await session.initialize();
    } catch (error) {
      await session.dispose();
      throw error;
    }
    return new Model<HeadNames<L>>({
      ...resolved,
      session,
      lifecycle: new Lifecycle('model'),
      device,
      vocabulary,
      metadata,
      series,
      labels,
      compiled: undefined,
      optimizerState: undefined,
    });
  });
}
