import { z } from 'zod';
import { flag, settings, text, whole } from '../../config/fields.js';
import type { LabelledData } from '../../model/modelData.js';
import { unknownId, type Vocabulary } from '../../text/vocabulary.js';
import { sourceName } from '../../data/sources/text.js';
import { arriving } from '../arriving.js';
import { classesOf, classHead, classId, classOf, headOf, outputsOf, type ClassHead } from '../classes.js';
import type { DataConfigOf } from '../dataConfig.js';
import { keptMetadata, keptSettings } from '../kept.js';
import { makeVocabulary } from '../makeVocabulary.js';
import { readRecords } from '../readRecords.js';
import { collect, collectSome, eachLine, groupOf, labelOf, textOf, type SourceRecord } from '../records.js';
import { formatOf, type Reading } from '../source.js';
import { exampleParts } from './exampleParts.js';
import { lastActivation, outputRows, type Preparation, type Task } from './task.js';

const keptSchema = settings({
  text: text(),
  label: text(),
  columns: z.array(z.string()).optional(),
  separator: z.union([z.string(), z.array(z.string())]).optional(),
  lowerCase: flag.optional(),
  maxLength: whole(1).optional(),
});

type Kept = Readonly<z.output<typeof keptSchema>>;
type Data = DataConfigOf<'textClassification'>;

/** Texts, each of one class. */
export const textClassification: Task<'textClassification'> = {
  loss: 'crossEntropy',
  metrics: ['accuracy'],
  formats: ['csv', 'tsv', 'jsonLines', 'lines'],

  async prepare(data, preparation) {
    const { train, validation } = await parts(data, preparation);
    const { model } = preparation;
    const kept = model === undefined ? keptOf(data) : keptSettings(model, keptSchema);
    const head = model === undefined ? fittedHead(data, preparation, train) : headOf(model);
    const vocabulary = model?.vocabulary ?? vocabularyOf(data, train);
    const labelled = (examples: readonly SourceRecord[]) => labelledTexts(kept, vocabulary, head, examples);
    return {
      train: labelled(train),
      validation: validation && labelled(validation),
      sizes: {
        vocabSize: vocabulary.size,
        units: outputsOf(head),
        outputs: `${head.labels.length} classes`,
      },
      options: { vocabulary, labels: head.labels, metadata: keptMetadata('textClassification', kept) },
      summary: {
        texts: train.length,
        validationTexts: validation?.length ?? 0,
        classes: head.labels.length,
        vocabulary: vocabulary.size,
      },
    };
  },

  usualFormat: (model) => (keptSettings(model, keptSchema).separator === undefined ? undefined : 'lines'),

  async labelled(model, reading) {
    const kept = keptSettings(model, keptSchema);
    const examples = await collectSome(labelledRecords(reading, kept), reading);
    return labelledTexts(kept, model.vocabulary!, headOf(model), examples);
  },

  async *predict(model, { reading, batchSize, probabilities, signal }) {
    const kept = keptSettings(model, keptSchema);
    const [head, activation] = [headOf(model), lastActivation(model)];
    for await (const batch of arriving(records(reading, kept), batchSize)) {
      const x = batch.map((record) => encoded(kept, model.vocabulary!, record));
      const { y } = await model.predict(x, { batchSize, signal });
      for (const [row, { fields }] of batch.entries()) {
        const { probabilities: all, ...result } = classOf(head, outputRows(y, row)[0]!, activation);
        yield { ...fields, ...result, ...(probabilities && { probabilities: all }) };
      }
    }
  },
};

function labelledRecords(reading: Reading, kept: Kept): AsyncIterable<SourceRecord> {
  const { columns, separator } = kept;
  return reading.format === 'lines' && separator !== undefined
    ? readRecords({ ...reading, columns, separator })
    : records(reading, kept);
}

// New texts have no label that would have to be cut off: a line is a text.
function records(reading: Reading, kept: Kept): AsyncIterable<SourceRecord> {
  if (reading.format === 'lines') return textLines(reading, kept.text);
  return readRecords({ ...reading, ...(kept.separator === undefined && { columns: kept.columns }) });
}

async function* textLines(reading: Reading, column: string): AsyncGenerator<SourceRecord> {
  const file = sourceName(reading.source);
  for await (const { text: line, line: number } of eachLine(reading)) {
    yield { fields: { [column]: line }, place: { file, line: number } };
  }
}

function parts(data: Data, preparation: Preparation) {
  const read = (name: string) => collect(readRecords(readingOf(data, preparation.path, name)));
  return exampleParts(data, preparation, read, {
    label: (record) => labelOf(record, data.label),
    group: (record) => groupOf(record, data.group!),
  });
}

function readingOf(
  { format, columns, separator, encoding }: Data,
  path: Preparation['path'],
  name: string,
): Reading {
  const usual = format ?? formatOf(name) ?? 'csv';
  return {
    source: path(name),
    format: separator === undefined ? usual : 'lines',
    columns,
    separator,
    encoding,
  };
}

function keptOf({ text: column, label, columns, separator, lowerCase, maxLength }: Data): Kept {
  return {
    text: column,
    label,
    ...(columns && { columns: [...columns] }),
    ...(separator !== undefined && {
      separator: typeof separator === 'string' ? separator : [...separator],
    }),
    ...(lowerCase && { lowerCase }),
    ...(maxLength !== undefined && { maxLength }),
  };
}

function fittedHead(data: Data, { loss, path }: Preparation, train: readonly SourceRecord[]): ClassHead {
  const labels = train.map((record) => labelOf(record, data.label));
  return classHead(classesOf(labels, path(data.train)), loss);
}

function vocabularyOf(data: Data, train: readonly SourceRecord[]): Vocabulary {
  return makeVocabulary(
    data.vocabulary,
    train.map((record) => readText(data, record)),
  );
}

function readText(
  { text: column, lowerCase = false }: Pick<Kept, 'text' | 'lowerCase'>,
  record: SourceRecord,
): string {
  const value = textOf(record, column);
  return lowerCase ? value.toLowerCase() : value;
}

function labelledTexts(
  kept: Kept,
  vocabulary: Vocabulary,
  head: ClassHead,
  examples: readonly SourceRecord[],
): LabelledData {
  return {
    x: examples.map((record) => encoded(kept, vocabulary, record)),
    y: examples.map((record) => classId(head, labelOf(record, kept.label), record.place)),
  };
}

// A sequence has at least one step: a text without tokens is one unknown token.
function encoded(kept: Kept, vocabulary: Vocabulary, record: SourceRecord): Int32Array {
  const ids = vocabulary.encode(readText(kept, record));
  return ids.length === 0 ? Int32Array.of(unknownId) : ids.subarray(0, kept.maxLength);
}
