import type { z } from 'zod';
import { choice, field, flag, settings, text, whole, type JsonForm } from '../config/fields.js';
import { jsonSchemaOf, withJsonForm } from '../config/jsonSchema.js';
import { kinds } from '../config/kinds.js';
import { seriesSchema } from '../series/options.js';

const file = text('the path of a file');
const column = text('the name of a column');

const names = field<readonly string[]>(
  'a list of different column names',
  (value) =>
    Array.isArray(value) &&
    value.length > 0 &&
    value.every((one) => typeof one === 'string' && one !== '') &&
    new Set(value).size === value.length,
  { type: 'array', items: { type: 'string', minLength: 1 }, minItems: 1, uniqueItems: true },
);

const validation = field<string | number>(
  'the path of a file, or a share of the training data between 0 and 1',
  (value) =>
    (typeof value === 'string' && value !== '') || (typeof value === 'number' && value > 0 && value < 1),
  {
    anyOf: [
      { type: 'string', minLength: 1 },
      { type: 'number', exclusiveMinimum: 0, exclusiveMaximum: 1 },
    ],
  },
);

const files = {
  train: file,
  validation: validation.optional(),
  test: file.optional(),
  /** A name of the Encoding Standard, such as `latin1`. */
  encoding: text('the name of an encoding').default('utf-8'),
};

const rows = {
  ...files,
  /** How a share is taken from the training data. */
  split: choice('random', 'stratified', 'tail').default('random'),
  /** By default what the file's ending says. */
  format: choice('csv', 'tsv', 'jsonLines').optional(),
  /** Names of the columns of a CSV or TSV file that has no line of names. */
  columns: names.optional(),
};

const minFrequency = whole(1).default(1);
const maxSize = whole(2).optional();

const vocabularySchemas = {
  character: settings({ minFrequency, maxSize }),
  word: settings({ minFrequency, maxSize, split: choice('words', 'whitespace').default('words') }),
  bytePair: settings({ maxSize: whole(256), minFrequency: whole(1).default(2) }),
};

type Kinds<M extends 'input' | 'output'> = {
  [K in keyof typeof vocabularySchemas]: { readonly kind: K } & Readonly<
    M extends 'input' ? z.input<(typeof vocabularySchemas)[K]> : z.output<(typeof vocabularySchemas)[K]>
  >;
}[keyof typeof vocabularySchemas];

/** How text becomes token ids. */
export type VocabularyConfig = Kinds<'output'>;

const vocabulary = kinds(vocabularySchemas) as z.ZodType<VocabularyConfig, Kinds<'input'>>;

const textClassification = settings({
  ...rows,
  text: column.default('text'),
  label: column.default('label'),
  vocabulary: vocabulary.prefault({ kind: 'word' }),
  maxLength: whole(1).optional(),
});

const sequenceClassification = settings({
  ...rows,
  id: column.default('id'),
  time: column.optional(),
  label: column.default('label'),
  /** The field of JSON lines that holds the numbers [T][C]. */
  x: column.default('x'),
  /** Columns of numbers; by default all that are not id, time or label. */
  inputs: names.optional(),
  scaler: choice('standard', 'minMax', 'robust', 'none').default('standard'),
  maxLength: whole(1).optional(),
});

const tagging = settings({
  ...files,
  split: choice('random', 'tail').default('random'),
  format: choice('tokenLines', 'jsonLines').optional(),
  tokens: column.default('tokens'),
  tags: column.default('tags'),
  minFrequency,
  lowerCase: flag.default(false),
});

const languageModel = settings({
  ...files,
  vocabulary: vocabulary.prefault({ kind: 'character' }),
  timeSteps: whole(1).default(64),
});

const share = field<number>(
  'a share between 0 and 1, or a whole number of steps',
  (value) => typeof value === 'number' && value > 0 && (value < 1 || Number.isSafeInteger(value)),
  { type: 'number', exclusiveMinimum: 0 },
);

const byColumn = (one: JsonForm) => () => ({
  anyOf: [one, { type: 'object', additionalProperties: one }],
});
withJsonForm(seriesSchema.shape.targets, () => ({ anyOf: [jsonSchemaOf(column), jsonSchemaOf(names)] }));
withJsonForm(seriesSchema.shape.scaler, byColumn({ enum: ['standard', 'minMax', 'robust', 'log', 'none'] }));
withJsonForm(
  seriesSchema.shape.missing,
  byColumn({ anyOf: [{ enum: ['error', 'forward', 'linear', 'mean'] }, { type: 'number' }] }),
);

/** The parts follow each other in time, in one file. */
const forecasting = seriesSchema.extend({
  train: file,
  encoding: files.encoding,
  format: rows.format,
  columns: rows.columns,
  validation: share.optional(),
  test: share.optional(),
  /** Steps between two parts. */
  gap: whole(0).default(0),
  /** Read the first so many rows alone. */
  rows: whole(1).optional(),
});

const schemas = { textClassification, sequenceClassification, tagging, languageModel, forecasting };

/** What a task reads, and how: the field `task` says which it is. */
export const dataSchema = kinds(schemas, { discriminator: 'task' }) as z.ZodType<DataConfig, DataConfigInput>;

/** What a command can be asked to learn. */
export type TaskName = keyof typeof schemas;

export const taskNames = Object.keys(schemas) as readonly TaskName[];

type With<T extends TaskName, S> = { readonly task: T } & Readonly<S>;

/** A task's data with defaults filled in. */
export type DataConfigOf<T extends TaskName> = With<T, z.output<(typeof schemas)[T]>>;

export type DataConfig = { [T in TaskName]: DataConfigOf<T> }[TaskName];

/** A task's data as a config file gives it. */
export type DataConfigInput = { [T in TaskName]: With<T, z.input<(typeof schemas)[T]>> }[TaskName];
