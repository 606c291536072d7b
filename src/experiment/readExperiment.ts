import { readFile } from 'node:fs/promises';
import { dirname } from 'node:path';
import { ConfigError } from '../errors.js';
import { resolveExperiment, type ResolvedExperiment } from './experimentConfig.js';

/** A config file, read. */
export interface ExperimentFile {
  readonly path: string;
  /** What the paths in it are taken from. */
  readonly folder: string;
  readonly config: ResolvedExperiment;
}

/**
 * Reads and checks a config file.
 *
 * @throws ConfigError naming the file and, in it, the place: line and column of what is no JSON, else the path from `$`.
 */
export async function readExperiment(path: string): Promise<ExperimentFile> {
  const config = await inFile(path, async () => resolveExperiment(await readJson(path), '$'));
  return { path, folder: dirname(path), config };
}

/** The JSON in a file. */
export async function readJson(path: string): Promise<unknown> {
  let text: string;
  try {
    text = await readFile(path, 'utf8');
  } catch (cause) {
    const received = cause instanceof Error ? cause.message : String(cause);
    throw new ConfigError(`cannot be read: ${received}`, { path, received }, { cause });
  }
  // A mark that some editors on Windows put first.
  const plain = text.replace(/^\uFEFF/, '');
  try {
    return JSON.parse(plain);
  } catch (cause) {
    const place = placeOf(plain);
    const received = cause instanceof Error ? cause.message : String(cause);
    throw new ConfigError(`${place}expected JSON, received ${received}`, { path, received }, { cause });
  }
}

/** Runs something on behalf of a file: errors about its settings name it first. */
export async function inFile<T>(path: string, run: () => Promise<T>): Promise<T> {
  try {
    return await run();
  } catch (error) {
    if (!(error instanceof ConfigError)) throw error;
    throw new ConfigError(`${path}: ${error.message}`, { ...error.details, file: path }, { cause: error });
  }
}

function placeOf(text: string): string {
  const before = text.slice(0, errorPosition(text)).split('\n');
  return `line ${before.length}, column ${before.at(-1)!.length + 1}: `;
}

// JSON.parse does not always say where it gave up: the first character that makes what precedes it no beginning of JSON.
function errorPosition(text: string): number {
  let [fine, broken] = [0, text.length + 1];
  while (broken - fine > 1) {
    const middle = (fine + broken) >> 1;
    if (isBroken(text.slice(0, middle))) broken = middle;
    else fine = middle;
  }
  return broken - 1;
}

function isBroken(text: string): boolean {
  try {
    JSON.parse(text);
    return false;
  } catch (error) {
    const message = (error as SyntaxError).message;
    const position = /position (\d+)/.exec(message)?.[1];
    return !/end of JSON|Unterminated/.test(message) && Number(position ?? 0) < text.length;
  }
}
