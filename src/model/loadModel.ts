import { z } from 'zod';
import { field, settings } from '../config/fields.js';
import { parseOptions } from '../config/parseConfig.js';
import { ConfigError } from '../errors.js';
import { outputsOf, type ChainLink } from '../layers/chain.js';
import { acquireDevice } from '../native/device.js';
import { deviceFields, type DeviceOptions } from '../native/deviceOptions.js';
import { withCallerStack } from '../native/nativeErrors.js';
import { Session } from '../native/session.js';
import { openCheckpoint, restore, restoreBest } from './checkpointing.js';
import { Lifecycle } from './lifecycle.js';
import { lowerNetwork } from './lowering.js';
import { Model } from './model.js';

/** What `loadModel` takes beside the path. */
export interface LoadOptions<Head extends string = never> extends DeviceOptions {
  /** The names of the model's heads, as `sequential` knows them by its layers: the file must hold just these. */
  readonly heads?: readonly Head[] | undefined;
}

const headNames = z.array(
  field<string>('the name of a head', (value) => typeof value === 'string'),
  {
    error: () => 'a list of names of heads',
  },
);
const schema = settings({ ...deviceFields, heads: headNames.optional() });

/**
 * The model that `save` wrote to a file. With the optimiser in it, training goes on as if it had never stopped:
 * on the same device with the same number of threads, bit for bit.
 *
 * @param options Of a device, and `heads` for the types of a model that has some: `{ heads: ['tag', 'length'] }`.
 * @throws CheckpointError for a file that cannot be read, was altered or does not fit its config; ConfigError,
 *   DeviceUnavailableError, OutOfMemoryError
 * @example
 * ```ts
 * await using model = await loadModel('model.safetensors');
 * const { y } = await model.predict(x);
 * ```
 */
export function loadModel<const Head extends string = never>(
  path: string,
  options: LoadOptions<Head> = {},
): Promise<Model<Head>> {
  return withCallerStack(loadModel, async () => {
    const { heads, ...deviceOptions } = parseOptions(schema, options, 'loadModel');
    const {
      content,
      vocabulary,
      compiled,
      optimizerState,
      schedule,
      training,
      best: tensors,
      ...resolved
    } = await openCheckpoint(path);
    requireHeads(resolved.chain, heads);
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
    return new Model<Head>({
      ...resolved,
      session,
      lifecycle,
      device,
      vocabulary,
      compiled,
      optimizerState,
      rate: schedule,
      training: training && { state: async () => training },
      best,
    });
  });
}

function requireHeads(chain: readonly ChainLink[], expected: readonly string[] | undefined): void {
  const names = outputsOf(chain).flatMap(({ head }) => (head === undefined ? [] : [head]));
  if (expected === undefined) return;
  if (names.length === expected.length && names.every((name) => expected.includes(name))) return;
  const path = 'loadModel.heads';
  const received = names.length === 0 ? 'a model of one output' : `heads ${names.join(', ')}`;
  throw new ConfigError(`${path}: expected heads ${expected.join(', ')} in the file, received ${received}`, {
    path,
    expected,
    received: names,
  });
}
