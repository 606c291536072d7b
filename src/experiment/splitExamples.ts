import { kFold, split, type Fold, type KFoldOptions, type SplitOptions } from '../data/splits.js';
import { sourceError } from '../data/sources/sourceError.js';
import { DataError } from '../errors.js';
import type { FoldPlace } from './folds.js';

/** Examples to train on and to validate with. */
export interface ExampleParts<E> {
  readonly train: readonly E[];
  readonly validation: readonly E[] | undefined;
}

/** How examples are divided. */
export interface ExampleSplit {
  readonly by: 'random' | 'stratified' | 'group' | 'tail';
  readonly seed: number;
  /** The share to validate with; none: all examples train. */
  readonly share: number | undefined;
  /** A fold instead of the share. */
  readonly fold?: FoldPlace | undefined;
  /** For messages: the file. */
  readonly source: string;
  /** The class of each example, asked for where it matters. */
  readonly labels?: (() => readonly string[]) | undefined;
  /** Of `by: 'group'`: the column, and each example's value in it. */
  readonly group?: string | undefined;
  readonly groups?: (() => readonly string[]) | undefined;
}

/**
 * Takes a share of examples, or a fold of them, for validation: the same for the same examples and seed.
 *
 * @throws DataError naming the source
 */
export function splitExamples<E>(examples: readonly E[], how: ExampleSplit): ExampleParts<E> {
  if (examples.length === 0) throw sourceError({ file: how.source }, 'at least one example', 'none');
  const fold = foldOf(examples.length, how);
  if (fold === undefined) return { train: examples, validation: undefined };
  const rows = (list: Uint32Array) => Array.from(list, (row) => examples[row]!);
  return { train: rows(fold.train), validation: rows(fold.validation) };
}

function foldOf(count: number, how: ExampleSplit): Fold | undefined {
  const { share, fold } = how;
  if (fold !== undefined) {
    const options = foldOptions(how, fold);
    return inSource(how, () => kFold(count, options)[fold.index]!);
  }
  if (share === undefined) return undefined;
  const options = splitOptions(how, share);
  return inSource(how, () => split(count, options));
}

function inSource<T>({ source, by, group }: ExampleSplit, run: () => T): T {
  try {
    return run();
  } catch (error) {
    if (!(error instanceof DataError)) throw error;
    const column = by === 'group' ? { column: group } : {};
    const where = by === 'group' ? `${source}, column '${group}'` : source;
    const details = { ...error.details, file: source, ...column };
    throw new DataError(`${where}: ${error.message}`, details, { cause: error });
  }
}

function splitOptions({ by, seed, labels, groups }: ExampleSplit, validation: number): SplitOptions {
  switch (by) {
    case 'random':
      return { by, seed, validation };
    case 'stratified':
      return { by, seed, validation, labels: labels?.() };
    case 'group':
      return { by, seed, validation, groups: groups?.() ?? [] };
    case 'tail':
      return { by, validation };
  }
}

// Of what lies in an order the tail is validated, so folds go forward in it.
function foldOptions({ by, seed, labels, groups }: ExampleSplit, { folds }: FoldPlace): KFoldOptions {
  switch (by) {
    case 'random':
      return { kind: 'plain', folds, seed };
    case 'stratified':
      return { kind: 'stratified', folds, seed, labels: labels?.() };
    case 'group':
      return { kind: 'grouped', folds, seed, groups: groups?.() ?? [] };
    case 'tail':
      return { kind: 'forward', folds };
  }
}
