import { z } from 'zod';
import { field, flag, settings, text, whole } from '../../config/fields.js';
import { sourceError, type SourcePlace } from '../../data/sources/sourceError.js';
import type { LabelledData } from '../../model/modelData.js';
import { fitScaler, scalerSchema, type FittedScaler } from '../../series/scaler.js';
import { arriving } from '../arriving.js';
import { classesOf, classHead, classId, classOf, headOf, outputsOf, type ClassHead } from '../classes.js';
import type { DataConfigOf } from '../dataConfig.js';
import { keptMetadata, keptSettings } from '../kept.js';
import { readRecords } from '../readRecords.js';
import {
  collect,
  collectSome,
  fieldOf,
  groupOf,
  labelOf,
  numberOf,
  textOf,
  wrongField,
  type SourceRecord,
} from '../records.js';
import { formatOf, type Reading } from '../source.js';
import { exampleParts } from './exampleParts.js';
import { lastActivation, outputRows, type Preparation, type Task } from './task.js';

const keptSchema = settings({
  id: text(),
  time: text().optional(),
  label: text(),
  x: text(),
  columns: z.array(z.string()).optional(),
  /** Of CSV; absent: the model was trained on JSON lines. */
  inputs: z.array(z.string()).optional(),
  /** A row of the table is a whole sequence. */
  wide: flag.optional(),
  maxLength: whole(1).optional(),
  channels: whole(1),
  scalers: field<readonly FittedScaler[]>(
    'scalers',
    (value) => Array.isArray(value) && value.every((one) => scalerSchema.safeParse(one).success),
  ),
});

type Kept = Readonly<z.output<typeof keptSchema>>;
type Data = DataConfigOf<'sequenceClassification'>;

/** What reading needs to know. */
type Columns = Pick<Kept, 'id' | 'time' | 'label' | 'x' | 'columns' | 'inputs'> & {
  /** Of rows that are sequences: the columns of a step. */
  readonly stepColumns?: number | undefined;
  /** Read where it is named. */
  readonly group?: string | undefined;
};

/** A sequence with its steps' numbers [T][C]. */
interface Sequence {
  readonly id: unknown;
  readonly x: readonly (readonly number[])[];
  readonly label: string | undefined;
  readonly group: string | undefined;
  readonly inputs: readonly string[] | undefined;
  readonly place: SourcePlace;
}

/** Sequences of numbers, each of one class: one row a step in CSV, one sequence a line in JSON lines. */
export const sequenceClassification: Task<'sequenceClassification'> = {
  loss: 'crossEntropy',
  metrics: ['accuracy'],
  formats: ['csv', 'tsv', 'jsonLines'],

  async prepare(data, preparation) {
    const { train, validation } = await parts(data, preparation);
    const { model } = preparation;
    const kept = model === undefined ? fitted(data, train) : keptSettings(model, keptSchema);
    const head = model === undefined ? fittedHead(data, preparation, train) : headOf(model);
    return {
      train: labelledSequences(kept, head, train),
      validation: validation && labelledSequences(kept, head, validation),
      sizes: { units: outputsOf(head), outputs: `${head.labels.length} classes` },
      options: {
        inputSize: kept.channels,
        labels: head.labels,
        metadata: keptMetadata('sequenceClassification', kept),
      },
      summary: {
        sequences: train.length,
        validationSequences: validation?.length ?? 0,
        classes: head.labels.length,
        channels: kept.channels,
        longest: train.reduce((longest, { x }) => Math.max(longest, x.length), 0),
      },
    };
  },

  async labelled(model, reading) {
    const kept = keptSettings(model, keptSchema);
    const examples = await collectSome(sequences(reading, columnsKept(kept), true), reading);
    return labelledSequences(kept, headOf(model), examples);
  },

  async *predict(model, { reading, batchSize, probabilities, signal }) {
    const kept = keptSettings(model, keptSchema);
    const [head, activation] = [headOf(model), lastActivation(model)];
    for await (const batch of arriving(sequences(reading, columnsKept(kept), false), batchSize)) {
      const { y } = await model.predict(
        batch.map((sequence) => scaled(kept, sequence)),
        { batchSize, signal },
      );
      for (const [row, { id }] of batch.entries()) {
        const { probabilities: all, ...result } = classOf(head, outputRows(y, row)[0]!, activation);
        yield { [kept.id]: id, ...result, ...(probabilities && { probabilities: all }) };
      }
    }
  },
};

function parts(data: Data, preparation: Preparation) {
  const read = (name: string) => {
    const format = data.format ?? formatOf(name) ?? 'csv';
    const { columns, encoding } = data;
    const reading = { source: preparation.path(name), format, columns, encoding };
    return collect(sequences(reading, columnsOf(data), true));
  };
  return exampleParts(data, preparation, read, {
    label: ({ label }) => label!,
    group: ({ group }) => group!,
  });
}

function columnsOf({ channels, group, ...data }: Data): Columns {
  return { ...namesOf(data), stepColumns: channels, group };
}

function columnsKept(kept: Kept): Columns {
  return { ...kept, stepColumns: kept.wide === true ? kept.channels : undefined };
}

function namesOf({ id, time, label, x, columns, inputs }: Omit<Data, 'channels' | 'group'>) {
  return {
    id,
    label,
    x,
    ...(time !== undefined && { time }),
    ...(columns && { columns: [...columns] }),
    ...(inputs && { inputs: [...inputs] }),
  };
}

function fitted(data: Data, train: readonly Sequence[]): Kept {
  const first = train[0];
  if (first === undefined) throw sourceError({ file: data.train }, 'at least one sequence', 'none');
  const channels = first.x[0]!.length;
  const scalers = Array.from({ length: channels }, (_, channel) => {
    const sample = train.flatMap(({ x }) => x.map((step) => step[channel]!));
    return fitScaler(data.scaler, Float64Array.from(sample));
  });
  const inputs = first.inputs && { inputs: [...first.inputs] };
  const maxLength = data.maxLength === undefined ? {} : { maxLength: data.maxLength };
  const wide = data.channels !== undefined && first.inputs !== undefined ? { wide: true } : {};
  return { ...namesOf(data), ...inputs, ...wide, ...maxLength, channels, scalers };
}

function fittedHead(data: Data, { loss, path }: Preparation, train: readonly Sequence[]): ClassHead {
  const labels = train.map(({ label }) => label!);
  return classHead(classesOf(labels, path(data.train)), loss);
}

function labelledSequences(kept: Kept, head: ClassHead, examples: readonly Sequence[]): LabelledData {
  return {
    x: examples.map((sequence) => scaled(kept, sequence)),
    y: examples.map(({ label, place }) => classId(head, label!, place)),
  };
}

function scaled({ channels, scalers, maxLength }: Kept, { x, place }: Sequence): number[][] {
  const width = x[0]!.length;
  if (width !== channels) throw sourceError(place, `${channels} numbers a step`, `${width}`);
  return x
    .slice(0, maxLength)
    .map((step) =>
      step.map((value, channel) => (value - scalers[channel]!.center) / scalers[channel]!.scale),
    );
}

function sequences(reading: Reading, columns: Columns, labelled: boolean): AsyncIterable<Sequence> {
  const records = readRecords({ ...reading, columns: columns.columns });
  if (reading.format === 'jsonLines') return jsonSequences(records, columns, labelled);
  return columns.stepColumns === undefined
    ? groupedRows(records, columns, labelled)
    : wideRows(records, columns, columns.stepColumns, labelled);
}

async function* jsonSequences(
  records: AsyncIterable<SourceRecord>,
  columns: Columns,
  labelled: boolean,
): AsyncGenerator<Sequence> {
  for await (const record of records) {
    const { fields, place } = record;
    yield {
      id: fields[columns.id] ?? place.line,
      x: numbersOf(record, columns.x),
      label: labelled ? labelOf(record, columns.label) : undefined,
      group: columns.group === undefined ? undefined : groupOf(record, columns.group),
      inputs: undefined,
      place,
    };
  }
}

/** A row a sequence: its columns of numbers are the steps one after the other, `width` of them each. */
async function* wideRows(
  records: AsyncIterable<SourceRecord>,
  columns: Columns,
  width: number,
  labelled: boolean,
): AsyncGenerator<Sequence> {
  let inputs: readonly string[] | undefined;
  for await (const record of records) {
    const { fields, place } = record;
    inputs ??= wideInputs(record, columns, width);
    const numbers = inputs.map((column) => numberOf(record, column));
    yield {
      id: fields[columns.id] ?? place.line,
      x: Array.from({ length: numbers.length / width }, (_, t) => numbers.slice(t * width, (t + 1) * width)),
      label: labelled ? labelOf(record, columns.label) : undefined,
      group: columns.group === undefined ? undefined : groupOf(record, columns.group),
      inputs,
      place,
    };
  }
}

function wideInputs(record: SourceRecord, columns: Columns, width: number): readonly string[] {
  const inputs = columns.inputs ?? inputsOf(record, columns);
  if (inputs.length % width === 0) return inputs;
  const expected = `columns of numbers in steps of ${width}, as data.channels says`;
  throw sourceError(record.place, expected, `${inputs.length}: ${inputs.join(', ')}`);
}

function numbersOf(record: SourceRecord, column: string): readonly (readonly number[])[] {
  const x = fieldOf(record, column);
  const isStep = (step: unknown, width: number) =>
    Array.isArray(step) && step.length === width && step.every((value) => Number.isFinite(value));
  const width = Array.isArray(x) && Array.isArray(x[0]) ? x[0].length : 0;
  if (width > 0 && (x as unknown[]).every((step) => isStep(step, width))) return x as number[][];
  throw wrongField(record, column, 'numbers [T][C], at least one', x);
}

/** Rows of one sequence need not stand together: they are sorted by time, or stay as they come. */
async function* groupedRows(
  records: AsyncIterable<SourceRecord>,
  columns: Columns,
  labelled: boolean,
): AsyncGenerator<Sequence> {
  const sequencesById = new Map<string, SourceRecord[]>();
  for await (const record of records) {
    const id = textOf(record, columns.id);
    const rows = sequencesById.get(id);
    if (rows === undefined) sequencesById.set(id, [record]);
    else rows.push(record);
  }
  for (const [id, rows] of sequencesById) yield rowsSequence(id, rows, columns, labelled);
}

function rowsSequence(
  id: string,
  rows: readonly SourceRecord[],
  columns: Columns,
  labelled: boolean,
): Sequence {
  const { time, label, group } = columns;
  const first = rows[0]!;
  const inputs = columns.inputs ?? inputsOf(first, columns);
  const inOrder = time === undefined ? rows : inTime(rows, time);
  const x = inOrder.map((record) => inputs.map((column) => numberOf(record, column)));
  return {
    id,
    x,
    label: labelled ? oneOf(rows, label, labelOf) : undefined,
    group: group === undefined ? undefined : oneOf(rows, group, groupOf),
    inputs,
    place: first.place,
  };
}

function inputsOf(record: SourceRecord, { id, time, label, group }: Columns): readonly string[] {
  const others = Object.keys(record.fields).filter((name) => ![id, time, label, group].includes(name));
  if (others.length > 0) return others;
  throw sourceError(record.place, `a column beside '${id}' and '${label}'`, 'none');
}

function inTime(rows: readonly SourceRecord[], time: string): readonly SourceRecord[] {
  return rows
    .map((record) => ({ record, at: numberOf(record, time) }))
    .sort((a, b) => a.at - b.at)
    .map(({ record }) => record);
}

// What all rows of a sequence have to say alike.
function oneOf(rows: readonly SourceRecord[], column: string, read: typeof labelOf): string {
  const value = read(rows[0]!, column);
  const other = rows.find((record) => read(record, column) !== value);
  if (other === undefined) return value;
  throw wrongField(other, column, `'${value}', as in the sequence's first row`, other.fields[column]);
}
