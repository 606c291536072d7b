import type { z } from 'zod';
import { choice, field, real, settings, whole } from '../../config/fields.js';
import { parseConfig } from '../../config/parseConfig.js';
import type { Callback } from '../callbacks.js';
import type { EpochRecord } from '../history.js';
import { monitored, rises, type Monitor, type MonitorMode } from '../monitor.js';

/** What {@link modelCheckpoint} takes. */
export interface ModelCheckpointOptions {
  /** The file, or a function that names it for an epoch: each write replaces what is there. */
  readonly path: string | ((record: EpochRecord) => string);
  /** Write after epochs that are the best so far, or after all. Default `best`; with `everySteps` `last`. */
  readonly keep?: 'best' | 'last' | undefined;
  /** What makes an epoch the best. Default `valLoss`. */
  readonly monitor?: Monitor | undefined;
  /** Whether less or more is better. Default `auto`: by the name, as in {@link earlyStopping}. */
  readonly mode?: MonitorMode | undefined;
  /** The value to beat from the start, such as that of the file that a resumed run would replace. Default none. */
  readonly initialBest?: number | undefined;
  /** With `last`: write after every so many epochs. Default 1; with `everySteps` none. */
  readonly every?: number | undefined;
  /** With `last`: write after every so many batches, counted over all epochs. The path is then one file's. Default none. */
  readonly everySteps?: number | undefined;
}

const schema = settings({
  path: field<ModelCheckpointOptions['path']>(
    'the path of a file, or a function that gives one',
    (value) => (typeof value === 'string' && value !== '') || typeof value === 'function',
  ),
  keep: choice('best', 'last').optional(),
  monitor: field<string>(
    "the name of a value of an epoch's record, such as 'valLoss'",
    (value) => typeof value === 'string' && value !== '',
  ).default('valLoss'),
  mode: choice('auto', 'min', 'max').default('auto'),
  initialBest: real().optional(),
  every: whole(1).optional(),
  everySteps: whole(1).optional(),
})
  .refine(({ keep, everySteps }) => everySteps === undefined || keep !== 'best', {
    error: "no keep 'best' beside everySteps, as epochs alone have the value to compare",
  })
  .refine(({ path, everySteps }) => everySteps === undefined || typeof path === 'string', {
    error: 'the path of one file beside everySteps',
  });

/**
 * Writes the model to a file after epochs, as {@link Model.save} does: whole or not at all, so that a crash or a full disk
 * in the middle leaves the file before it. What it writes, `loadModel` and `fit` with `resume` go on from, bit for bit.
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
 *     modelCheckpoint({ path: 'run.safetensors', everySteps: 500 }),
 *     modelCheckpoint({ path: ({ epoch }) => `epoch-${epoch}.safetensors`, keep: 'last', every: 10 }),
 *   ],
 * });
 * ```
 */
export function modelCheckpoint(options: ModelCheckpointOptions): Callback {
  const parsed = parseConfig(schema, options, 'modelCheckpoint');
  const { keep = parsed.everySteps === undefined ? 'best' : 'last' } = parsed;
  return keep === 'last' ? lastCheckpoint(parsed) : bestCheckpoint(parsed);
}

type Parsed = z.output<typeof schema>;

const name = 'modelCheckpoint';

function lastCheckpoint({ path, every, everySteps }: Parsed): Callback {
  const epochs = every ?? (everySteps === undefined ? 1 : Infinity);
  let batches = 0;
  return {
    name,
    ...(everySteps !== undefined && {
      saveState: () => ({ values: { batches } }),
      restoreState({ values }) {
        ({ batches } = values as { batches: number });
      },
      onTrainBegin({ resumed }) {
        if (!resumed) batches = 0;
      },
      async onBatchEnd(_logs, control) {
        batches++;
        if (batches % everySteps === 0) await control.save(path as string);
      },
    }),
    async onEpochEnd(record, control) {
      if (record.epoch % epochs === 0) await control.save(pathOf(path, record));
    },
  };
}

function bestCheckpoint({ path, monitor, mode, initialBest }: Parsed): Callback {
  const sign = rises(monitor, mode) ? -1 : 1;
  const start = initialBest === undefined ? Infinity : sign * initialBest;
  let best = start;
  return {
    name,
    monitor,
    saveState: () => ({ values: { best } }),
    restoreState({ values }) {
      ({ best } = values as { best: number });
    },
    onTrainBegin({ initialEpoch, resumed }) {
      if (initialEpoch === 0 && !resumed) best = start;
    },
    async onEpochEnd(record, control) {
      const cost = sign * monitored(record, monitor, name);
      if (!(cost < best)) return;
      const before = best;
      // Part of what is written: a run that goes on from the file has beaten this value.
      best = cost;
      try {
        await control.save(pathOf(path, record));
      } catch (error) {
        best = before;
        throw error;
      }
    },
  };
}

function pathOf(path: Parsed['path'], record: EpochRecord): string {
  return typeof path === 'string' ? path : path(record);
}
