import { extname, isAbsolute, join } from 'node:path';
import type { TextSource } from '../data/sources/text.js';

/** How records are written down: `lines` is one text a line, or columns by separators; `tokenLines` one token a line. */
export type RecordFormat = 'csv' | 'tsv' | 'jsonLines' | 'lines' | 'tokenLines';

export const recordFormats = ['csv', 'tsv', 'jsonLines', 'lines', 'tokenLines'] as const;

/** Text to read, and how. */
export interface Reading {
  readonly source: TextSource;
  readonly format: RecordFormat;
  /** Names of columns where no line names them. */
  readonly columns?: readonly string[] | undefined;
  /** Of `lines`: what stands between two columns, or between each two; the last column is the rest of the line. */
  readonly separator?: string | readonly string[] | undefined;
  readonly encoding?: string | undefined;
}

const endings: Readonly<Record<string, RecordFormat>> = {
  '.csv': 'csv',
  '.tsv': 'tsv',
  '.tab': 'tsv',
  '.jsonl': 'jsonLines',
  '.ndjson': 'jsonLines',
  '.txt': 'lines',
};

/** The format that a path's ending stands for. */
export function formatOf(path: string): RecordFormat | undefined {
  return endings[extname(path).toLowerCase()];
}

/** A path of a config file's, taken from that file's folder. */
export function pathFrom(folder: string, path: string): string {
  return isAbsolute(path) ? path : join(folder, path);
}
