import { languageModelStream, type LanguageModelStream } from '../../data/languageModelStream.js';
import { z } from 'zod';
import { settings, whole } from '../../config/fields.js';
import { textOf } from '../../data/sources/text.js';
import { DataError } from '../../errors.js';
import type { DataConfigOf } from '../dataConfig.js';
import { keptMetadata, keptSettings } from '../kept.js';
import { makeVocabulary } from '../makeVocabulary.js';
import type { Reading } from '../source.js';
import type { Preparation, Task } from './task.js';

const keptSchema = settings({
  timeSteps: whole(1),
  batchSize: whole(1),
  lineEnd: z.string().optional(),
});

type Kept = Readonly<z.output<typeof keptSchema>>;

type Data = DataConfigOf<'languageModel'>;

/** One long text, whose next token is learnt. */
export const languageModel: Task<'languageModel'> = {
  loss: 'crossEntropy',
  metrics: ['perplexity'],
  formats: ['lines'],

  async prepare(data, preparation) {
    const { train, validation } = await texts(data, preparation);
    const { model, batchSize, path } = preparation;
    const kept = model === undefined ? keptOf(data, batchSize) : keptSettings(model, keptSchema);
    const source = path(data.train);
    const vocabulary =
      model?.vocabulary ?? inSource(source, () => makeVocabulary(data.vocabulary, tokenText(train, kept)));
    const stream = (text: string, name: string) => cut(vocabulary.encode(tokenText(text, kept)), kept, name);
    const training = stream(train, source);
    return {
      train: training,
      validation: validation === undefined ? undefined : stream(validation.text, validation.name),
      sizes: { vocabSize: vocabulary.size, units: vocabulary.size, outputs: `${vocabulary.size} tokens` },
      options: { vocabulary, metadata: keptMetadata('languageModel', kept) },
      summary: {
        tokens: training.steps * kept.batchSize * kept.timeSteps,
        stepsPerEpoch: training.steps,
        vocabulary: vocabulary.size,
      },
    };
  },

  async labelled(model, reading) {
    const kept = keptSettings(model, keptSchema);
    const { name, text } = await wholeText(reading);
    return cut(model.vocabulary!.encode(tokenText(text, kept)), kept, name);
  },
};

function keptOf({ timeSteps, lineEnd }: Data, batchSize: number): Kept {
  return { timeSteps, batchSize, ...(lineEnd !== undefined && { lineEnd }) };
}

// A line's end is white space, which separates words and is none.
function tokenText(text: string, { lineEnd }: Kept): string {
  return lineEnd === undefined ? text : text.replaceAll('\n', () => ` ${lineEnd}\n`);
}

async function texts(data: Data, { path }: Preparation) {
  const read = (name: string) => wholeText({ source: path(name), format: 'lines', encoding: data.encoding });
  const { text } = await read(data.train);
  if (typeof data.validation === 'string') return { train: text, validation: await read(data.validation) };
  if (data.validation === undefined) return { train: text, validation: undefined };
  const boundary = characterBoundary(text, Math.floor(text.length * (1 - data.validation)));
  const name = `the last ${data.validation} of ${path(data.train)}`;
  return { train: text.slice(0, boundary), validation: { name, text: text.slice(boundary) } };
}

// Not between the halves of a character that UTF-16 writes as two.
function characterBoundary(text: string, place: number): number {
  const code = text.charCodeAt(place);
  return code >= 0xdc00 && code <= 0xdfff ? place + 1 : place;
}

async function wholeText({
  source,
  encoding,
}: Reading): Promise<{ readonly name: string; readonly text: string }> {
  const pieces: string[] = [];
  for await (const piece of textOf(source, encoding)) pieces.push(piece);
  return { name: typeof source === 'string' ? source : 'input', text: pieces.join('') };
}

function cut(
  tokens: Int32Array,
  { batchSize, timeSteps }: { readonly batchSize: number; readonly timeSteps: number },
  name: string,
): LanguageModelStream {
  return inSource(name, () => languageModelStream({ tokens, batchSize, timeSteps }));
}

function inSource<T>(name: string, run: () => T): T {
  try {
    return run();
  } catch (error) {
    if (!(error instanceof DataError)) throw error;
    throw new DataError(`${name}: ${error.message}`, { ...error.details, file: name }, { cause: error });
  }
}
