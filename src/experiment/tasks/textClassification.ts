import { z } from 'zod';
import { settings, text, whole } from '../../config/fields.js';
import type { Loss } from '../../losses/loss.js';
import type { LabelledData } from '../../model/modelData.js';
import { unknownId, type Vocabulary } from '../../text/vocabulary.js';
import { sourceName } from '../../data/sources/text.js';
import { arriving } from '../arriving.js';
import { classesOf, classHead, classId, classOf, headOf, outputsOf, type ClassHead } from '../classes.js';
import type { DataConfigOf } from '../dataConfig.js';
import { keptMetadata, keptSettings } from '../kept.js';
import { makeVocabulary } from '../makeVocabulary.js';
import { readRecords } from '../readRecords.js';
import { collect, eachLine, labelOf, textOf, type SourceRecord } from '../records.js';
import { formatOf, type Reading } from '../source.js';
import { splitExamples } from '../splitExamples.js';
import { lastActivation, outputRows, type Preparation, type Task } from './task.js';

const keptSchema = settings({
  text: text(),
  label: text(),
  columns: z.array(z.string()).optional(),
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
    const head = model === undefined ? fittedHead(data, preparation.loss, train) : headOf(model);
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

  async labelled(model, reading) {
    const kept = keptSettings(model, keptSchema);
    const examples = await collect(records(reading, kept));
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

function records(reading: Reading, kept: Pick<Kept, 'text' | 'columns'>): AsyncIterable<SourceRecord> {
  return reading.format === 'lines'
    ? textLines(reading, kept.text)
    : readRecords({ ...reading, columns: kept.columns });
}

async function* textLines(reading: Reading, column: string): AsyncGenerator<SourceRecord> {
  const file = sourceName(reading.source);
  for await (const { text: line, line: number } of eachLine(reading)) {
    yield { fields: { [column]: line }, place: { file, line: number } };
  }
}

async function parts(data: Data, { path, seed }: Preparation) {
  const read = (name: string) =>
    collect(
      readRecords({
        source: path(name),
        format: data.format ?? formatOf(name) ?? 'csv',
        columns: data.columns,
        encoding: data.encoding,
      }),
    );
  const examples = await read(data.train);
  if (typeof data.validation === 'string') {
    return { train: examples, validation: await read(data.validation) };
  }
  const labels = () => examples.map((record) => labelOf(record, data.label));
  return splitExamples(examples, data.validation, { by: data.split, seed, labels, source: data.train });
}

function keptOf({ text: column, label, columns, maxLength }: Data): Kept {
  return {
    text: column,
    label,
    ...(columns && { columns: [...columns] }),
    ...(maxLength !== undefined && { maxLength }),
  };
}

function fittedHead(data: Data, loss: Loss, train: readonly SourceRecord[]): ClassHead {
  const labels = train.map((record) => labelOf(record, data.label));
  return classHead(classesOf(labels, data.train), loss);
}

function vocabularyOf({ vocabulary, text: column }: Data, train: readonly SourceRecord[]): Vocabulary {
  return makeVocabulary(
    vocabulary,
    train.map((record) => textOf(record, column)),
  );
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
function encoded(
  { text: column, maxLength }: Kept,
  vocabulary: Vocabulary,
  record: SourceRecord,
): Int32Array {
  const ids = vocabulary.encode(textOf(record, column));
  return ids.length === 0 ? Int32Array.of(unknownId) : ids.subarray(0, maxLength);
}
