import { field, flag, settings } from '../../config/fields.js';
import { parseConfig } from '../../config/parseConfig.js';
import { describe } from '../../config/describe.js';
import type { Example } from '../examples.js';
import { ColumnReader, type ColumnType, isColumnType } from './columns.js';
import { columnIndex, type CsvBody, openCsv } from './csvHeader.js';
import { type CsvFormat, formatFields } from './csvRows.js';
import { reiterable } from './reiterable.js';
import { sourceError } from './sourceError.js';
import type { TextSource } from './text.js';

/** Which columns make a sequence. */
export interface CsvSequenceOptions extends CsvFormat {
  /** The column that tells sequences apart. The rows of a sequence lie together. */
  readonly id: string;
  /** The column that orders a sequence's rows, numbers or dates. By default rows are in order. */
  readonly time?: string | undefined;
  /** What the time column holds. Default `number`. */
  readonly timeType?: 'number' | 'date' | undefined;
  /** [C] The columns that are the channels, all numbers. */
  readonly features: readonly string[];
  /** The column with the target. */
  readonly target: string;
  /** What it holds: `integer` for class ids, classes by name, or `number` for a value. Default `integer`. */
  readonly targetType?: 'number' | 'integer' | readonly string[] | undefined;
  /** There is a target for each step, [T]; else all rows of a sequence hold the same. Default false. */
  readonly targetPerStep?: boolean | undefined;
  /** The column with the weight of the sequence. Default none. */
  readonly sampleWeight?: string | undefined;
  /** A column that is passed on with each sequence, such as the speaker to split by. Default none. */
  readonly group?: string | undefined;
}

/** One sequence of a CSV source. */
export interface CsvSequence extends Example {
  /** [T][C] */
  readonly x: readonly (readonly number[])[];
  readonly y: number | readonly number[];
  /** The text of its id. */
  readonly id: string;
  /** Its group, where there is one. */
  readonly group?: string;
}

const name = field<string>("a column's name", (value) => typeof value === 'string');
const schema = settings({
  ...formatFields,
  id: name,
  time: name.optional(),
  timeType: field<'number' | 'date'>(
    "'number' | 'date'",
    (value) => value === 'number' || value === 'date',
  ).default('number'),
  features: field<readonly string[]>(
    "an array of columns' names",
    (value) => Array.isArray(value) && value.length > 0 && value.every((one) => typeof one === 'string'),
  ),
  target: name,
  targetType: field<'number' | 'integer' | readonly string[]>(
    "'number', 'integer' or an array of classes",
    (value) => isColumnType(value) && value !== 'text' && value !== 'date',
  ).default('integer'),
  targetPerStep: flag.default(false),
  sampleWeight: name.optional(),
  group: name.optional(),
});

type Parsed = ReturnType<typeof parse>;

function parse(options: CsvSequenceOptions) {
  return parseConfig(schema, options, 'csvSequences');
}

/**
 * Sequences from a CSV source in which each record is one time step: records with the same id make a sequence.
 * One sequence at a time is in memory, and the ids that have come.
 *
 * @example
 * ```ts
 * const examples = csvSequences('japanese-vowels/train.csv', {
 *   id: 'seq', time: 't', features: ['c1', 'c2', 'c3'], target: 'label',
 * });
 * const data = await collectExamples(examples); // { x, y } in memory, or:
 * const stream = exampleStream(examples, { batchSize: 32, shuffleBuffer: 1000 });
 * ```
 *
 * @throws ConfigError for wrong options.
 * @throws DataError, while sequences are read: as {@link csvRecords}, and for an id that comes again after others, a time that
 *   comes twice, and two targets in one sequence.
 */
export function csvSequences(source: TextSource, options: CsvSequenceOptions): AsyncIterable<CsvSequence> {
  const { parsed, format } = divide(parse(options));
  return reiterable(async function* () {
    const body = await openCsv(source, format);
    try {
      const step = stepReader(body, parsed);
      const seen = new Set<string>();
      let steps: Step[] = [];
      for await (const { fields, line } of body.rows) {
        const next = step(fields, line);
        if (steps.length > 0 && next.id !== steps[0]!.id) {
          yield toSequence(steps, parsed, body.file);
          steps = [];
        }
        if (steps.length === 0) requireNew(seen, next, parsed, body.file);
        steps.push(next);
      }
      if (steps.length > 0) yield toSequence(steps, parsed, body.file);
    } finally {
      await body.rows.return(undefined);
    }
  });
}

function divide(all: Parsed): { readonly parsed: Parsed; readonly format: CsvFormat } {
  const { delimiter, quote, header, comment, trim, encoding } = all;
  return { parsed: all, format: { delimiter, quote, header, comment, trim, encoding } };
}

interface Step {
  readonly id: string;
  readonly line: number;
  readonly time: number;
  readonly values: readonly number[];
  readonly target: number;
  readonly weight: number | undefined;
  readonly group: string | undefined;
}

function stepReader(body: CsvBody, options: Parsed): (fields: readonly string[], line: number) => Step {
  const reading = <T extends ColumnType>(column: string, type: T) => {
    const index = columnIndex(body, column);
    const reader = new ColumnReader(type, { file: body.file, column });
    return (fields: readonly string[], line: number) => reader.read(fields[index]!, line);
  };
  const id = reading(options.id, 'text');
  const time = options.time === undefined ? undefined : reading(options.time, options.timeType);
  const features = options.features.map((column) => reading(column, 'number'));
  const target = reading(options.target, options.targetType);
  const weight = options.sampleWeight === undefined ? undefined : reading(options.sampleWeight, 'number');
  const group = options.group === undefined ? undefined : reading(options.group, 'text');
  return (fields, line) => ({
    id: id(fields, line),
    line,
    time: time ? time(fields, line) : line,
    values: features.map((read) => read(fields, line)),
    target: target(fields, line),
    weight: weight?.(fields, line),
    group: group?.(fields, line),
  });
}

function requireNew(seen: Set<string>, { id, line }: Step, options: Parsed, file: string): void {
  if (seen.has(id)) {
    const expected = 'the rows of a sequence to lie together';
    throw sourceError({ file, line, column: options.id }, expected, `${describe(id)} again after others`);
  }
  seen.add(id);
}

function toSequence(steps: Step[], options: Parsed, file: string): CsvSequence {
  const first = steps[0]!;
  steps.sort((a, b) => a.time - b.time || a.line - b.line);
  steps.forEach((step, k) => {
    const previous = steps[k - 1];
    if (previous?.time === step.time) {
      const place = { file, line: step.line, column: options.time };
      throw sourceError(
        place,
        `one row a time in sequence ${describe(step.id)}`,
        `the time of line ${previous.line} again`,
      );
    }
    if (!options.targetPerStep) requireSame(first, step, 'target', options.target, file);
    requireSame(first, step, 'weight', options.sampleWeight, file);
    requireSame(first, step, 'group', options.group, file);
  });
  return {
    id: first.id,
    x: steps.map((step) => step.values),
    y: options.targetPerStep ? steps.map((step) => step.target) : first.target,
    ...(first.weight !== undefined && { sampleWeight: first.weight }),
    ...(first.group !== undefined && { group: first.group }),
  };
}

function requireSame(
  first: Step,
  step: Step,
  part: 'target' | 'weight' | 'group',
  column: string | undefined,
  file: string,
): void {
  if (first[part] === step[part]) return;
  const expected = `the same in all rows of sequence ${describe(step.id)}`;
  throw sourceError({ file, line: step.line, column }, expected, `another than in line ${first.line}`);
}
