import { appendFile, mkdir, writeFile } from 'node:fs/promises';
import { hostname } from 'node:os';
import { join } from 'node:path';

import { field, settings, whole } from '../../config/fields.js';
import { parseConfig } from '../../config/parseConfig.js';
import type { Callback } from '../callbacks.js';
import type { EpochRecord } from '../history.js';
import { scalarsRecord, versionRecord, type Scalar } from './eventFile.js';

/** What {@link tensorBoard} takes. */
export interface TensorBoardOptions {
  /** The folder of this run, made where it is missing. */
  readonly logDir: string;
  /** Also write loss, gradient norm and rate of every so many batches. Default 0: none. */
  readonly everyBatches?: number | undefined;
}

const schema = settings({
  logDir: field<string>('the path of a folder', (value) => typeof value === 'string' && value !== ''),
  everyBatches: whole(0).default(0),
});

/**
 * Writes event files for `tensorboard --logdir`: after each epoch, its number being the step, loss, metrics and learning
 * rate into `logDir`/train and the values of validation, under the same names, into `logDir`/validation, so that TensorBoard
 * draws them together. With `everyBatches` also `batch/loss`, `batch/gradNorm` and `batch/learningRate` over the batches
 * since training began; they are written every hundred points and at each epoch's end. Each `fit` writes files of its own.
 *
 * @throws ConfigError; in `fit` CallbackError, where the files cannot be written.
 * @example
 * ```ts
 * await model.fit(data, { loss: 'mse', epochs: 20, callbacks: [tensorBoard({ logDir: 'runs/first' })] });
 * // tensorboard --logdir runs
 * ```
 */
export function tensorBoard(options: TensorBoardOptions): Callback {
  const { logDir, everyBatches } = parseConfig(schema, options, 'tensorBoard');
  let train = new EventFile('');
  let validation = new EventFile('');
  let batchesSeen = 0;
  return {
    name: 'tensorBoard',
    saveState: () => ({ values: { batchesSeen } }),
    restoreState({ values }) {
      batchesSeen = (values as { batchesSeen: number }).batchesSeen;
    },
    onTrainBegin({ initialEpoch, batchesPerEpoch = 0, resumed }) {
      if (!resumed) batchesSeen = initialEpoch * batchesPerEpoch;
      train = new EventFile(join(logDir, 'train'));
      validation = new EventFile(join(logDir, 'validation'));
    },
    ...(everyBatches > 0 && {
      async onBatchEnd({ loss, gradNorm, learningRate }) {
        const step = ++batchesSeen;
        if (step % everyBatches !== 0) return;
        const values = { loss, gradNorm, learningRate };
        train.add(
          step,
          Object.entries(values).map(([name, value]) => ({ tag: `batch/${name}`, value })),
        );
        await train.flush(100);
      },
    }),
    async onEpochEnd(record) {
      const { own, ofValidation } = scalarsOf(record);
      train.add(record.epoch, own);
      await train.flush();
      if (ofValidation.length === 0) return;
      validation.add(record.epoch, ofValidation);
      await validation.flush();
    },
  };
}

let files = 0;

/** An event file that is made when the first records are written. */
class EventFile {
  readonly #folder: string;
  #path: string | undefined;
  #waiting: Buffer[] = [];

  constructor(folder: string) {
    this.#folder = folder;
  }

  add(step: number, scalars: readonly Scalar[]): void {
    this.#waiting.push(scalarsRecord(Date.now() / 1000, step, scalars));
  }

  /** Writes what waits, if it is at least so many records. */
  async flush(atLeast = 1): Promise<void> {
    if (this.#waiting.length < atLeast) return;
    this.#path ??= await startFile(this.#folder);
    const bytes = Buffer.concat(this.#waiting);
    this.#waiting = [];
    await appendFile(this.#path, bytes);
  }
}

/** TensorBoard reads the files of a folder in the order of their names. */
async function startFile(folder: string): Promise<string> {
  const seconds = Math.floor(Date.now() / 1000);
  await mkdir(folder, { recursive: true });
  const path = join(
    folder,
    `events.out.tfevents.${String(seconds).padStart(10, '0')}.${hostname()}.${process.pid}.${files++}`,
  );
  await writeFile(path, versionRecord(seconds), { flag: 'wx' });
  return path;
}

function scalarsOf(record: EpochRecord): { own: Scalar[]; ofValidation: Scalar[] } {
  const own: Scalar[] = [];
  const ofValidation: Scalar[] = [];
  for (const [name, value] of Object.entries(record) as [string, unknown][]) {
    if (typeof value !== 'number' || name === 'epoch') continue;
    const inner = /^val([A-Z].*)$/.exec(name)?.[1];
    if (inner === undefined) own.push({ tag: name, value });
    else ofValidation.push({ tag: `${inner[0]!.toLowerCase()}${inner.slice(1)}`, value });
  }
  return { own, ofValidation };
}
