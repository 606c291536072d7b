import { settings } from '../../config/fields.js';
import { parseConfig } from '../../config/parseConfig.js';
import { DataError } from '../../errors.js';
import type { Callback } from '../callbacks.js';
import { csvLine, numberNames } from '../csv.js';
import type { EpochRecord } from '../history.js';
import { addLine, firstLine, logFields, startLog, type LogOptions } from './logFile.js';

const schema = settings(logFields);

/**
 * Writes a line of CSV (RFC 4180) after each epoch: epoch, loss, metrics, those of validation, learning rate, seconds. The
 * first line names them. What is no number, such as a confusion matrix, is left out.
 *
 * @throws ConfigError; in `fit` CallbackError, where the file cannot be written or, with `append`, has other columns.
 * @example
 * ```ts
 * await model.fit(data, { loss: 'mse', epochs: 20, callbacks: [csvLog({ path: 'runs/1.csv' })] });
 * ```
 */
export function csvLog(options: LogOptions): Callback {
  const { path, append } = parseConfig(schema, options, 'csvLog');
  let names: readonly string[] | undefined;
  return {
    name: 'csvLog',
    async onTrainBegin() {
      names = undefined;
      await startLog({ path, append });
    },
    async onEpochEnd(record) {
      names ??= await writeHeader(path, record);
      await addLine(path, csvLine(record, names));
    },
  };
}

async function writeHeader(path: string, record: EpochRecord): Promise<readonly string[]> {
  const names = numberNames(record);
  const header = names.join(',');
  const found = await firstLine(path);
  if (found === undefined) await addLine(path, header);
  else if (found !== header) {
    throw new DataError(`${path}: expected the columns ${header}, received ${found}`, {
      name: path,
      expected: header,
      received: found,
    });
  }
  return names;
}
