import { flag, settings } from '../../config/fields.js';
import { parseConfig } from '../../config/parseConfig.js';
import type { Callback } from '../callbacks.js';
import { LogFile, logFields, type LogOptions } from './logFile.js';

/** What {@link jsonLinesLog} takes. */
export interface JsonLinesOptions extends LogOptions {
  /** Write a line after each batch as well. Default false. */
  readonly batches?: boolean | undefined;
}

const schema = settings({ ...logFields, batches: flag.default(false) });

/**
 * Writes a line of JSON after each epoch, `{"event":"epoch",…}` with the epoch's record, and with `batches` one after each
 * batch, `{"event":"batch",…}`. A number that is not finite is null, as JSON has no other word for it.
 *
 * @throws ConfigError; in `fit` CallbackError, where the file cannot be written.
 * @example
 * ```ts
 * await model.fit(data, { loss: 'mse', epochs: 20, callbacks: [jsonLinesLog({ path: 'runs/1.jsonl' })] });
 * ```
 */
export function jsonLinesLog(options: JsonLinesOptions): Callback {
  const { batches, ...parsed } = parseConfig(schema, options, 'jsonLinesLog');
  const file = new LogFile(parsed);
  const write = (event: string, values: object) => file.add(JSON.stringify({ event, ...values }));
  return {
    name: 'jsonLinesLog',
    saveState: () => file.saveState(),
    restoreState: (state) => file.restoreState(state),
    onTrainBegin: ({ resumed }) => file.start(resumed),
    ...(batches && { onBatchEnd: (logs) => write('batch', logs) }),
    onEpochEnd: (record) => write('epoch', record),
  };
}
