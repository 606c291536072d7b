import { settings } from '../../config/fields.js';
import { parseConfig } from '../../config/parseConfig.js';
import { DataError } from '../../errors.js';
import type { Callback } from '../callbacks.js';
import { csvLine, numberNames } from '../csv.js';
import type { EpochRecord } from '../history.js';
import { firstLine, LogFile, logFields, type LogOptions } from './logFile.js';

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
  const parsed = parseConfig(schema, options, 'csvLog');
  const file = new LogFile(parsed);
  let names: readonly string[] | undefined;
  return {
    name: 'csvLog',
    saveState: () => file.saveState(),
    restoreState: (state) => file.restoreState(state),
    async onTrainBegin({ resumed }) {
      names = undefined;
      await file.start(resumed);
    },
    async onEpochEnd(record) {
      names ??= await writeHeader(file, parsed.path, record);
      await file.add(csvLine(record, names));
    },
  };
}

async function writeHeader(file: LogFile, path: string, record: EpochRecord): Promise<readonly string[]> {
  const names = numberNames(record);
  const header = names.join(',');
  const found = await firstLine(path);
  if (found === undefined) await file.add(header);
  else if (found !== header) {
    throw new DataError(`${path}: expected the columns ${header}, received ${found}`, {
      name: path,
      expected: header,
      received: found,
    });
  }
  return names;
}
