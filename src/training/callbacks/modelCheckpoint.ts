import { choice, field, real, settings, whole } from '../../config/fields.js';
import { parseConfig } from '../../config/parseConfig.js';
import type { Callback } from '../callbacks.js';
import type { EpochRecord } from '../history.js';
import { monitored, rises, type Monitor, type MonitorMode } from '../monitor.js';

/** What {@link modelCheckpoint} takes. */
export interface ModelCheckpointOptions {
  /** The file, or a function that names it for an epoch: each write replaces what is there. */
  readonly path: string | ((record: EpochRecord) => string);
  /** Write after epochs that are the best so far, or after all. Default `best`. */
  readonly keep?: 'best' | 'last' | undefined;
  /** What makes an epoch the best. Default `valLoss`. */
  readonly monitor?: Monitor | undefined;
  /** Whether less or more is better. Default `auto`: by the name, as in {@link earlyStopping}. */
  readonly mode?: MonitorMode | undefined;
  /** The value to beat from the start, such as that of the file that a resumed run would replace. Default none. */
  readonly initialBest?: number | undefined;
  /** With `last`: write after every so many epochs. Default 1. */
  readonly every?: number | undefined;
}

const schema = settings({
  path: field<ModelCheckpointOptions['path']>(
    'the path of a file, or a function that gives one',
    (value) => (typeof value === 'string' && value !== '') || typeof value === 'function',
  ),
  keep: choice('best', 'last').default('best'),
  monitor: field<string>(
    "the name of a value of an epoch's record, such as 'valLoss'",
    (value) => typeof value === 'string' && value !== '',
  ).default('valLoss'),
  mode: choice('auto', 'min', 'max').default('auto'),
  initialBest: real().optional(),
  every: whole(1).default(1),
});

/**
 * Writes the model to a file after epochs, as {@link Model.save} does: whole or not at all, so that a crash or a full disk
 * in the middle leaves the file before it. What it writes, `loadModel` and `fit` with `initialEpoch` go on from.
 *
 * @throws ConfigError; in `fit`, where the value is not there. A write that fails ends `fit` with CallbackError, its
 *   `cause` being the CheckpointError.
 * @example
 * ```ts
 * await model.fit(data, {
 *   loss: 'mse',
 *   validationSplit: 0.2,
 *   callbacks: [
 *     modelCheckpoint({ path: 'best.safetensors' }),
 *     modelCheckpoint({ path: ({ epoch }) => `epoch-${epoch}.safetensors`, keep: 'last', every: 10 }),
 *   ],
 * });
 * ```
 */
export function modelCheckpoint(options: ModelCheckpointOptions): Callback {
  const { path, keep, monitor, mode, initialBest, every } = parseConfig(schema, options, 'modelCheckpoint');
  const name = 'modelCheckpoint';
  const sign = rises(monitor, mode) ? -1 : 1;
  const start = initialBest === undefined ? Infinity : sign * initialBest;
  const pathOf = (record: EpochRecord) => (typeof path === 'string' ? path : path(record));
  let best = start;
  if (keep === 'last') {
    return {
      name,
      async onEpochEnd(record, control) {
        if (record.epoch % every === 0) await control.save(pathOf(record));
      },
    };
  }
  return {
    name,
    monitor,
    onTrainBegin({ initialEpoch }) {
      if (initialEpoch === 0) best = start;
    },
    async onEpochEnd(record, control) {
      const cost = sign * monitored(record, monitor, name);
      if (!(cost < best)) return;
      await control.save(pathOf(record));
      best = cost;
    },
  };
}
