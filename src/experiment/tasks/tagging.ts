import type { z } from 'zod';
import { flag, settings, text } from '../../config/fields.js';
import { sourceError, type SourcePlace } from '../../data/sources/sourceError.js';
import { sourceName } from '../../data/sources/text.js';
import type { LabelledData } from '../../model/modelData.js';
import { unknownId, vocabularyFromJSON, type Vocabulary } from '../../text/vocabulary.js';
import { arriving } from '../arriving.js';
import { classesOf, classHead, classId, classOf, headOf, outputsOf, type ClassHead } from '../classes.js';
import type { DataConfigOf } from '../dataConfig.js';
import { keptMetadata, keptSettings } from '../kept.js';
import { readRecords } from '../readRecords.js';
import { collect, collectSome, eachLine, fieldOf, wrongField, type SourceRecord } from '../records.js';
import { formatOf, type Reading } from '../source.js';
import { exampleParts } from './exampleParts.js';
import { lastActivation, outputRows, type Preparation, type Task } from './task.js';

const keptSchema = settings({ tokens: text(), tags: text(), lowerCase: flag });

type Kept = Readonly<z.output<typeof keptSchema>>;
type Data = DataConfigOf<'tagging'>;

/** Tokens, each with a tag where they were asked for. */
interface Sentence {
  readonly tokens: readonly string[];
  readonly tags: readonly string[];
  readonly place: SourcePlace;
}

/** Sentences of tokens, each of one class: a token and its tag a line, or JSON lines. */
export const tagging: Task<'tagging'> = {
  loss: 'crossEntropy',
  metrics: ['accuracy'],
  formats: ['tokenLines', 'jsonLines', 'lines'],

  async prepare(data, preparation) {
    const { train, validation } = await parts(data, preparation);
    const { model, loss } = preparation;
    const kept =
      model === undefined
        ? { tokens: data.tokens, tags: data.tags, lowerCase: data.lowerCase }
        : keptSettings(model, keptSchema);
    const tags = () =>
      classesOf(
        train.flatMap((sentence) => sentence.tags),
        preparation.path(data.train),
      );
    const head = model === undefined ? classHead(tags(), loss) : headOf(model);
    const vocabulary = model?.vocabulary ?? vocabularyOf(data, train);
    const labelled = (sentences: readonly Sentence[]) => labelledSentences(kept, vocabulary, head, sentences);
    return {
      train: labelled(train),
      validation: validation && labelled(validation),
      sizes: { vocabSize: vocabulary.size, units: outputsOf(head), outputs: `${head.labels.length} tags` },
      options: { vocabulary, labels: head.labels, metadata: keptMetadata('tagging', kept) },
      summary: {
        sentences: train.length,
        validationSentences: validation?.length ?? 0,
        tokens: train.reduce((sum, { tokens }) => sum + tokens.length, 0),
        tags: head.labels.length,
        vocabulary: vocabulary.size,
      },
    };
  },

  async labelled(model, reading) {
    const kept = keptSettings(model, keptSchema);
    const sentences = await collectSome(sentencesOf(reading, kept, true), reading);
    return labelledSentences(kept, model.vocabulary!, headOf(model), sentences);
  },

  async *predict(model, { reading, batchSize, signal }) {
    const kept = keptSettings(model, keptSchema);
    const [head, activation] = [headOf(model), lastActivation(model)];
    const ids = tokenIds(model.vocabulary!);
    for await (const batch of arriving(sentencesOf(reading, kept, false), batchSize)) {
      const x = batch.map(({ tokens }) => encoded(kept, ids, tokens));
      const { y } = await model.predict(x, { batchSize, signal });
      for (const [row, { tokens }] of batch.entries()) {
        const steps = outputRows(y, row).slice(0, tokens.length);
        yield {
          [kept.tokens]: tokens,
          prediction: steps.map((step) => classOf(head, step, activation).prediction),
        };
      }
    }
  },
};

function parts(data: Data, preparation: Preparation) {
  return exampleParts(data, preparation, (name) => {
    const format = data.format ?? (formatOf(name) === 'jsonLines' ? 'jsonLines' : 'tokenLines');
    const reading = { source: preparation.path(name), format, encoding: data.encoding } as const;
    return collect(sentencesOf(reading, data, true));
  });
}

// Tokens are taken as the file cuts them: the vocabulary's own way of cutting a text is not asked.
function vocabularyOf({ minFrequency, lowerCase }: Data, train: readonly Sentence[]): Vocabulary {
  const counts = new Map<string, number>();
  for (const token of train.flatMap(({ tokens }) => tokens)) {
    const form = lowerCase ? token.toLowerCase() : token;
    counts.set(form, (counts.get(form) ?? 0) + 1);
  }
  const often = [...counts].filter(([, count]) => count >= minFrequency);
  often.sort(([a, n], [b, m]) => m - n || (a < b ? -1 : 1));
  return vocabularyFromJSON({ kind: 'word', tokens: often.map(([token]) => token) });
}

function tokenIds(vocabulary: Vocabulary): ReadonlyMap<string, number> {
  return new Map(vocabulary.tokens.map((token, id) => [token, id]));
}

function encoded(
  { lowerCase }: Kept,
  ids: ReadonlyMap<string, number>,
  tokens: readonly string[],
): Int32Array {
  return Int32Array.from(tokens, (token) => ids.get(lowerCase ? token.toLowerCase() : token) ?? unknownId);
}

function labelledSentences(
  kept: Kept,
  vocabulary: Vocabulary,
  head: ClassHead,
  sentences: readonly Sentence[],
): LabelledData {
  const ids = tokenIds(vocabulary);
  return {
    x: sentences.map(({ tokens }) => encoded(kept, ids, tokens)),
    y: sentences.map(({ tags, place }) => tags.map((tag) => classId(head, tag, place))),
  };
}

function sentencesOf(
  reading: Reading,
  columns: Pick<Kept, 'tokens' | 'tags'>,
  labelled: boolean,
): AsyncIterable<Sentence> {
  if (reading.format === 'jsonLines') return jsonSentences(readRecords(reading), columns, labelled);
  return reading.format === 'lines' ? plainSentences(reading) : tokenLines(reading, labelled);
}

async function* jsonSentences(
  records: AsyncIterable<SourceRecord>,
  columns: Pick<Kept, 'tokens' | 'tags'>,
  labelled: boolean,
): AsyncGenerator<Sentence> {
  for await (const record of records) {
    const tokens = textsOf(record, columns.tokens);
    const tags = labelled ? textsOf(record, columns.tags) : [];
    if (labelled && tags.length !== tokens.length) {
      throw wrongField(record, columns.tags, `${tokens.length} tags, one a token`, tags);
    }
    yield { tokens, tags, place: record.place };
  }
}

function textsOf(record: SourceRecord, column: string): readonly string[] {
  const value = fieldOf(record, column);
  if (Array.isArray(value) && value.length > 0 && value.every((one) => typeof one === 'string')) return value;
  throw wrongField(record, column, 'a list of texts', value);
}

/** A sentence a line, its tokens parted by white space. */
async function* plainSentences(reading: Reading): AsyncGenerator<Sentence> {
  const file = sourceName(reading.source);
  for await (const { text: line, line: number } of eachLine(reading)) {
    const tokens = line.split(/\s+/).filter((token) => token !== '');
    if (tokens.length > 0) yield { tokens, tags: [], place: { file, line: number } };
  }
}

/** A token a line, with its tag after a tab; an empty line ends a sentence. */
async function* tokenLines(reading: Reading, labelled: boolean): AsyncGenerator<Sentence> {
  const file = sourceName(reading.source);
  let [tokens, tags, first]: [string[], string[], number] = [[], [], 1];
  for await (const { text: line, line: number } of eachLine(reading)) {
    if (line.trim() === '') {
      if (tokens.length > 0) yield { tokens, tags, place: { file, line: first } };
      [tokens, tags] = [[], []];
      continue;
    }
    const [token, tag] = line.split('\t');
    if (token === '' || (labelled && (tag === undefined || tag === ''))) {
      throw sourceError({ file, line: number }, 'a token, a tab and its tag', `'${line}'`);
    }
    if (tokens.length === 0) first = number;
    tokens.push(token!);
    if (labelled) tags.push(tag!);
  }
  if (tokens.length > 0) yield { tokens, tags, place: { file, line: first } };
}
