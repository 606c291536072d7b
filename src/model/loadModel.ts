import { settings } from '../config/fields.js';
import { parseOptions } from '../config/parseConfig.js';
import { acquireDevice } from '../native/device.js';
import { deviceFields, type DeviceOptions } from '../native/deviceOptions.js';
import { withCallerStack } from '../native/nativeErrors.js';
import { Session } from '../native/session.js';
import type { Tokenizer } from '../text/tokenizer.js';
import type { Vocabulary } from '../text/vocabulary.js';
import { openCheckpoint, restore, restoreBest } from './checkpointing.js';
import { Lifecycle } from './lifecycle.js';
import { lowerNetwork } from './lowering.js';
import { Model } from './model.js';
import { vocabularyFor, vocabularySchema } from './modelConfig.js';

/** What `loadModel` takes beside the path. */
export interface LoadOptions extends DeviceOptions {
  /** In place of the file's; for a tokenizer of the caller's, which no file holds. */
  readonly vocabulary?: Vocabulary | Tokenizer | undefined;
}

const schema = settings({ ...deviceFields, vocabulary: vocabularySchema.optional() });

/**
 * The model that `save` wrote to a file. With the optimiser in it, training goes on as if it had never stopped:
 * on the same device with the same number of threads, bit for bit.
 *
 * @throws CheckpointError for a file that cannot be read, was altered or does not fit its config; ConfigError,
 *   DeviceUnavailableError, OutOfMemoryError
 * @example
 * ```ts
 * await using model = await loadModel('model.safetensors');
 * const { y } = await model.predict(x);
 * ```
 */
export function loadModel(path: string, options: LoadOptions = {}): Promise<Model> {
  return withCallerStack(loadModel, async () => {
    const { vocabulary: given, ...deviceOptions } = parseOptions(schema, options, 'loadModel');
    const {
      content,
      vocabulary: saved,
      metadata,
      series,
      labels,
      compiled,
      optimizerState,
      schedule,
      training,
      best: tensors,
      ...resolved
    } = await openCheckpoint(path);
    const vocabulary = vocabularyFor(given, resolved.input) ?? saved;
    const device = await acquireDevice(deviceOptions);
    const { chain, input, config } = resolved;
    const session = await Session.create(device, lowerNetwork(chain, input, config.seed));
    let best: Awaited<ReturnType<typeof restoreBest>>;
    try {
      await restore(session, content);
      best = await restoreBest(session, { schedule, best: tensors });
    } catch (error) {
      await session.dispose();
      throw error;
    }
    const lifecycle = new Lifecycle('model');
    return new Model({
      ...resolved,
      session,
      lifecycle,
      device,
      vocabulary,
      metadata,
      series,
      labels,
      compiled,
      optimizerState,
      rate: schedule,
      training: training && { state: async () => training },
      best,
    });
  });
}
