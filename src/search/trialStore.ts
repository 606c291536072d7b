import { mkdir, open, readFile, truncate, type FileHandle } from 'node:fs/promises';
import { join } from 'node:path';
import { isDeepStrictEqual } from 'node:util';
import { CheckpointError, ConfigError } from '../errors.js';
import type { TrialResult } from './trial.js';

/** What makes a search the same search: its trials follow from it. */
export interface SearchIdentity {
  readonly method: 'grid' | 'random' | 'halving';
  readonly seed: number;
  readonly mode: 'min' | 'max';
  readonly space: unknown;
  readonly base?: unknown;
  /** Halving. */
  readonly rungs?: readonly number[] | undefined;
  readonly reductionFactor?: number | undefined;
}

/** A value at a rung, as it is stored. */
export interface StoredReport {
  readonly number: number;
  readonly rung: number;
  readonly resource: number;
  readonly value: number;
  /** Wall time of the trial so far. */
  readonly seconds: number;
}

/** What a file holds of an earlier run. */
export interface StoredTrials {
  readonly results: readonly TrialResult[];
  readonly reports: readonly StoredReport[];
}

/** Where a search keeps what it has. */
export interface TrialStore extends StoredTrials {
  /** Resolves when the line has reached the disk. */
  addResult(result: TrialResult): Promise<void>;
  addReport(report: StoredReport): Promise<void>;
  close(): Promise<void>;
}

/** The file of a search's folder. */
export const trialsFile = 'trials.jsonl';

const version = 1;

type Line =
  | ({ readonly kind: 'search'; readonly version: number } & SearchIdentity)
  | ({ readonly kind: 'trial' } & TrialResult)
  | ({ readonly kind: 'report' } & StoredReport);

/** Nothing is kept. */
export function memoryStore(): TrialStore {
  return {
    results: [],
    reports: [],
    addResult: async () => {},
    addReport: async () => {},
    close: async () => {},
  };
}

/**
 * A folder's file, made or gone on with: JSON lines, the search first, then what comes in. A last line that a kill cut off
 * is dropped.
 *
 * @throws CheckpointError for a file that cannot be read; ConfigError for another search's
 */
export async function openStore(folder: string, identity: SearchIdentity): Promise<TrialStore> {
  const path = join(folder, trialsFile);
  await makeFolder(folder);
  const { lines, bytes } = await readLines(path);
  const [first, ...rest] = lines;
  if (first !== undefined) requireSame(first, identity, path);
  // Only what is whole stays in front of the next line.
  if (bytes !== undefined) await truncate(path, bytes);
  const file = await open(path, 'a');
  const add = appender(file);
  if (first === undefined) await add({ kind: 'search', version, ...identity });
  return {
    results: rest.flatMap((line) => (line.kind === 'trial' ? [withoutKind(line)] : [])),
    reports: rest.flatMap((line) => (line.kind === 'report' ? [withoutKind(line)] : [])),
    addResult: (result) => add({ kind: 'trial', ...result }),
    addReport: (report) => add({ kind: 'report', ...report }),
    close: () => file.close(),
  };
}

async function makeFolder(folder: string): Promise<void> {
  try {
    await mkdir(folder, { recursive: true });
  } catch (error) {
    throw new CheckpointError(
      `${folder}: cannot be made a search's folder`,
      { path: folder },
      { cause: error },
    );
  }
}

// One line after the other, each on disk before the next.
function appender(file: FileHandle): (line: Line) => Promise<void> {
  let last: Promise<void> = Promise.resolve();
  return (line) => {
    last = last.then(async () => {
      await file.appendFile(`${JSON.stringify(line)}\n`);
      await file.datasync();
    });
    return last;
  };
}

function withoutKind<L extends { readonly kind: string }>(line: L): Omit<L, 'kind'> {
  const { kind: _, ...rest } = line;
  return rest;
}

/** The whole lines of a file, and how many bytes they are; none where there is no file. */
async function readLines(path: string): Promise<{ lines: Line[]; bytes: number | undefined }> {
  let content: Buffer;
  try {
    content = await readFile(path);
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code === 'ENOENT') return { lines: [], bytes: undefined };
    throw new CheckpointError(`${path}: cannot be read`, { path }, { cause: error });
  }
  const texts = content.toString('utf8').split('\n');
  const torn = texts.pop()!;
  let bytes = content.length - Buffer.byteLength(torn);
  const lines: Line[] = [];
  for (const [index, text] of texts.entries()) {
    const line = parseLine(text);
    if (line !== undefined) lines.push(line);
    else if (index === texts.length - 1) bytes -= Buffer.byteLength(text) + 1;
    else
      throw new CheckpointError(`${path}:${index + 1}: expected a line of a search, received other text`, {
        path,
      });
  }
  return { lines, bytes };
}

function parseLine(text: string): Line | undefined {
  try {
    const value = JSON.parse(text) as Partial<Line> | null;
    return value !== null && ['search', 'trial', 'report'].includes(value.kind!)
      ? (value as Line)
      : undefined;
  } catch {
    return undefined;
  }
}

function requireSame(line: Line, identity: SearchIdentity, path: string): void {
  if (line.kind !== 'search')
    throw new CheckpointError(`${path}:1: expected the line that describes the search`, { path });
  if (line.version > version) {
    throw new CheckpointError(
      `${path}: written by a newer version of this package (format ${line.version}, known is ${version})`,
      { path, received: line.version },
    );
  }
  const { kind: _, version: __, ...stored } = line;
  const plain = JSON.parse(JSON.stringify(identity)) as SearchIdentity;
  const names = [...new Set([...Object.keys(stored), ...Object.keys(plain)])] as (keyof SearchIdentity)[];
  const differs = names.filter((name) => !isDeepStrictEqual(stored[name], plain[name]));
  if (differs.length === 0) return;
  const expected = `the search that is stored there, or another folder`;
  throw new ConfigError(`${path}: expected ${expected}; ${differs.join(', ')} differ from it`, {
    path: 'folder',
    expected,
    received: differs,
  });
}
