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
  split: choice('random', 'stratified', 'group', 'tail').default('random'),
  /** With `group`: the column whose rows of one value are never parted, such as a speaker's. */
  group: column.optional(),
  /** By default what the file's ending says. */
  format: choice('csv', 'tsv', 'jsonLines').optional(),
  /** Names of the columns of a file that has no line of names. */
  columns: names.optional(),
};

// Groups that are named and not kept together would be a leak that nobody sees.
function groupIssue({ split, group }: { readonly split: string; readonly group?: string | undefined }) {
  if (split === 'group' && group === undefined) {
    return { at: 'group', expected: "the name of a column, as split is 'group'" };
  }
  if (split !== 'group' && group !== undefined) {
    return { at: 'split', expected: "'group', as a column of groups is named" };
  }
  return undefined;
}

/** What stands between two columns of a line: one text, or one for each two neighbours. */
const separator = field<string | readonly string[]>(
  'a text that stands between two columns, or a list of them',
  (value) => {
    const list: unknown[] = Array.isArray(value) ? value : [value];
    return list.length > 0 && list.every((one) => typeof one === 'string' && one !== '');
  },
  {
    anyOf: [
      { type: 'string', minLength: 1 },
      { type: 'array', items: { type: 'string', minLength: 1 }, minItems: 1 },
    ],
  },
);

function separatorIssue({
  separator: parts,
  columns,
  format,
}: {
  readonly separator?: string | readonly string[] | undefined;
  readonly columns?: readonly string[] | undefined;
  readonly format?: string | undefined;
}) {
  if (parts === undefined) return undefined;
  if (format !== undefined) return { at: 'format', expected: 'none beside separator' };
  if (columns === undefined || columns.length < 2) {
    return { at: 'columns', expected: 'the names of two columns or more, which separator parts' };
  }
  const gaps = columns.length - 1;
  if (typeof parts === 'string' || parts.length === gaps) return undefined;
  return { at: 'separator', expected: `one text, or ${gaps}, one for each two of the ${gaps + 1} columns` };
}

interface Issue {
  readonly at: string;
  readonly expected: string;
}

/** Settings that have to fit each other: the first issue is said. */
function checked<S extends z.ZodType>(
  schema: S,
  ...checks: readonly ((value: never) => Issue | undefined)[]
): S {
  return schema.superRefine((value, context) => {
    for (const check of checks) {
      const issue = check(value as never);
      if (issue === undefined) continue;
      context.addIssue({ code: 'custom', path: [issue.at], message: issue.expected });
      return;
    }
  });
}

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

const textClassification = checked(
  settings({
    ...rows,
    /** Of lines whose `columns` no CSV has: what parts them; the last one is the rest of the line. */
    separator: separator.optional(),
    text: column.default('text'),
    label: column.default('label'),
    lowerCase: flag.default(false),
    vocabulary: vocabulary.prefault({ kind: 'word' }),
    maxLength: whole(1).optional(),
  }),
  groupIssue,
  separatorIssue,
);

const sequenceClassification = checked(
  settings({
    ...rows,
    id: column.default('id'),
    time: column.optional(),
    label: column.default('label'),
    /** The field of JSON lines that holds the numbers [T][C]. */
    x: column.default('x'),
    /** Columns of numbers; by default all that are not id, time, label or group. */
    inputs: names.optional(),
    /** Of a table with a row a sequence: how many of its columns of numbers, one after the other, are a step. */
    channels: whole(1).optional(),
    scaler: choice('standard', 'minMax', 'robust', 'none').default('standard'),
    maxLength: whole(1).optional(),
  }),
  groupIssue,
);

const tagging = settings({
  ...files,
  split: choice('random', 'tail').default('random'),
  format: choice('tokenLines', 'jsonLines').optional(),
  tokens: column.default('tokens'),
  tags: column.default('tags'),
  minFrequency,
  lowerCase: flag.default(false),
});

const languageModel = checked(
  settings({
    ...files,
    vocabulary: vocabulary.prefault({ kind: 'character' }),
    /** A token for the end of each line, such as `<eos>`, where words stand between blanks. */
    lineEnd: text('a token').optional(),
    timeSteps: whole(1).default(64),
  }),
  lineEndIssue,
);

// Other vocabularies have line ends as characters, or would cut the token.
function lineEndIssue({
  lineEnd,
  vocabulary: words,
}: {
  readonly lineEnd?: string | undefined;
  readonly vocabulary: VocabularyConfig;
}) {
  const isFit = words.kind === 'word' && words.split === 'whitespace' && !/\s/.test(lineEnd ?? '');
  if (lineEnd === undefined || isFit) return undefined;
  const expected = "a token without blanks, beside the vocabulary { kind: 'word', split: 'whitespace' }";
  return { at: 'lineEnd', expected };
}

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
