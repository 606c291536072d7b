import { readdir } from 'node:fs/promises';
import { join } from 'node:path';
import { describe } from '../../config/describe.js';
import { field, settings, whole } from '../../config/fields.js';
import { parseConfig } from '../../config/parseConfig.js';
import { permutation } from '../shuffle.js';
import { sourceError } from './sourceError.js';
import { type TextOptions, textOf } from './text.js';

export interface TextDirectoryOptions extends TextOptions {
  /** The ending of the files that count. Default `.txt`. */
  readonly extension?: string | undefined;
  /** Gives files in an order that follows from seed and epoch; by default class by class, by name. */
  readonly shuffle?: { readonly seed: number; readonly epoch: number } | undefined;
}

/** One file of a directory of text. */
export interface TextRecord {
  readonly text: string;
  /** The name of its folder. */
  readonly label: string;
  /** The place of its folder's name among all, sorted: 0 .. K-1. */
  readonly classId: number;
  readonly path: string;
}

/** The records, with the names of the classes. */
export interface TextDirectory extends AsyncIterable<TextRecord> {
  /** Class names by id. */
  readonly classes: readonly string[];
  /** How many files there are. */
  readonly count: number;
}

const schema = settings({
  encoding: field<string>('the name of an encoding', (value) => typeof value === 'string').optional(),
  extension: field<string>('the ending of a file name', (value) => typeof value === 'string').default('.txt'),
  shuffle: settings({ seed: whole(0), epoch: whole(0) }).optional(),
});

/**
 * Text files in folders, each folder a class (`neg/0_3.txt`, `pos/7_9.txt`). Names are read at once, a file's text when
 * its turn comes. Names are in the order of their code units, on every machine the same.
 *
 * @example
 * ```ts
 * const { classes, count } = await textDirectory('aclImdb/train');
 * const stream = exampleStream(
 *   async (epoch) => mapRecords(await textDirectory('aclImdb/train', { shuffle: { seed: 1, epoch } }), ({ text, classId }) => ({
 *     x: vocabulary.encode(text), y: classId,
 *   })),
 *   { batchSize: 32, count, bucketBuffer: 2048 },
 * );
 * ```
 *
 * @throws ConfigError for wrong options.
 * @throws DataError for a directory that cannot be read or has no folders, and for a folder without such files.
 */
export async function textDirectory(
  directory: string,
  options: TextDirectoryOptions = {},
): Promise<TextDirectory> {
  const { extension, shuffle, encoding } = parseConfig(schema, options, 'textDirectory');
  const classes = await foldersIn(directory);
  const files: Omit<TextRecord, 'text'>[] = [];
  for (const [classId, label] of classes.entries()) {
    for (const name of await filesIn(join(directory, label), extension)) {
      files.push({ label, classId, path: join(directory, label, name) });
    }
  }
  const ordered = shuffle
    ? [...permutation(files.length, shuffle.seed, shuffle.epoch)].map((k) => files[k]!)
    : files;
  return Object.freeze({
    classes: Object.freeze(classes),
    count: files.length,
    async *[Symbol.asyncIterator]() {
      for (const file of ordered) yield { text: await textIn(file.path, encoding), ...file };
    },
  });
}

async function textIn(path: string, encoding: string | undefined): Promise<string> {
  let text = '';
  for await (const piece of textOf(path, encoding)) text += piece;
  return text;
}

async function entriesOf(directory: string) {
  try {
    return await readdir(directory, { withFileTypes: true });
  } catch (error) {
    const received = error instanceof Error ? error.message : describe(error);
    throw sourceError({ file: directory }, 'a directory of folders, one a class', received, { cause: error });
  }
}

async function foldersIn(directory: string): Promise<string[]> {
  const entries = await entriesOf(directory);
  const names = entries.filter((entry) => entry.isDirectory()).map((entry) => entry.name);
  if (names.length > 0) return names.sort();
  throw sourceError({ file: directory }, 'folders, one a class', 'none');
}

async function filesIn(directory: string, extension: string): Promise<string[]> {
  const entries = await entriesOf(directory);
  const names = entries
    .filter((entry) => !entry.isDirectory() && entry.name.endsWith(extension))
    .map((entry) => entry.name);
  if (names.length > 0) return names.sort();
  throw sourceError({ file: directory }, `files that end in ${describe(extension)}`, 'none');
}
