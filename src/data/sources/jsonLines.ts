import { field, settings } from '../../config/fields.js';
import { parseOptions } from '../../config/parseConfig.js';
import { describe } from '../../config/describe.js';
import { reiterable } from './reiterable.js';
import { sourceError } from './sourceError.js';
import { linesOf, sourceName, type TextOptions, type TextSource } from './text.js';

export interface JsonLinesReadOptions<T = unknown> extends TextOptions {
  /** Checks and converts each value; what it throws is reported with file and line. Default: the value as it is. */
  readonly read?: ((value: unknown) => T) | undefined;
}

const schema = settings({
  encoding: field<string>('the name of an encoding', (value) => typeof value === 'string').optional(),
  read: field<(value: unknown) => unknown>('a function', (value) => typeof value === 'function').optional(),
});

/**
 * The values of a source with one JSON value a line; empty lines are left out. A path can be iterated again and again.
 *
 * @example
 * ```ts
 * const records = jsonLines('questions.jsonl', { read: (value) => recordSchema.parse(value) });
 * ```
 *
 * @throws ConfigError for wrong options.
 * @throws DataError, while values are read, for a line that is not JSON or that `read` refuses (its error is `cause`);
 *   `details` are file, line, column, expected and received.
 */
export function jsonLines<T = unknown>(
  source: TextSource,
  options: JsonLinesReadOptions<T> = {},
): AsyncIterable<T> {
  const { encoding, read } = parseOptions(schema, options, 'jsonLines');
  const file = sourceName(source);
  return reiterable(async function* () {
    for await (const lines of linesOf(source, encoding)) {
      for (const { text, line } of lines) {
        if (text.trim() === '') continue;
        const value = parseLine(text, file, line);
        yield (read ? converted(read, value, file, line) : value) as T;
      }
    }
  });
}

function parseLine(text: string, file: string, line: number): unknown {
  try {
    return JSON.parse(text);
  } catch (error) {
    // The runtime says where for some errors only; an end that comes too soon is at the end.
    const message = error instanceof Error ? error.message : '';
    const position = /position (\d+)/.exec(message)?.[1];
    const isCut = position === undefined && message.includes('end of JSON');
    const column = isCut ? text.length + 1 : position === undefined ? undefined : Number(position) + 1;
    const rest = text.slice(column === undefined ? 0 : column - 1);
    const received = rest === '' ? 'the end of the line' : describe(rest);
    throw sourceError({ file, line, column }, 'one JSON value', received, { cause: error });
  }
}

function converted(read: (value: unknown) => unknown, value: unknown, file: string, line: number): unknown {
  try {
    return read(value);
  } catch (error) {
    const text = error instanceof Error ? error.message : describe(error);
    throw sourceError({ file, line }, 'a value that `read` takes', text, { cause: error });
  }
}
