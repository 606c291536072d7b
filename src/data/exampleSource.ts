import { describe } from '../config/describe.js';
import { ConfigError, DataError, LstmError, StateError } from '../errors.js';
import type { Example } from './examples.js';
import { isList } from './rows.js';

type Items = Iterable<Example> | AsyncIterable<Example>;

/** Where examples come from: opened anew for each epoch (counted from 0), or something that can be iterated anew. */
export type ExampleSource = ((epoch: number) => Items | Promise<Items>) | Items;

type Opener = (epoch: number) => Items | Promise<Items>;

/** @throws ConfigError for what is neither a function nor iterable. */
export function makeOpener(source: ExampleSource): Opener {
  if (typeof source === 'function') return source;
  if (!isIterable(source)) throw notASource('source', source);
  if (!isReadOnce(source)) return () => source;
  let used = false;
  return (epoch) => {
    if (used) {
      const expected = 'a function that opens the source anew, as this one can be read only once';
      throw new StateError(`source: expected ${expected}; epoch ${epoch} is to be read`, { expected, epoch });
    }
    used = true;
    return source;
  };
}

/** How many examples a source has, where it is an array of some. */
export function sourceCount(source: ExampleSource): number | undefined {
  return Array.isArray(source) && source.length > 0 ? source.length : undefined;
}

/**
 * The examples of an epoch, each looked at: whether it is one at all; against a model it is checked in its batch.
 *
 * @param expected How many there should be, where that is known.
 */
export async function* checkedExamples(
  open: Opener,
  epoch: number,
  expected: number | undefined,
): AsyncGenerator<Example> {
  let index = 0;
  try {
    const items = await open(epoch);
    if (!isIterable(items)) throw notASource(`source(${epoch})`, items);
    for await (const example of items) {
      checkExample(example, index);
      index += 1;
      if (expected !== undefined && index > expected) break;
      yield example;
    }
  } catch (error) {
    throw sourceError(error, epoch, index);
  }
  if (index > 0 && (expected === undefined || index === expected)) return;
  throw wrongCount(index, expected, epoch);
}

function checkExample(example: unknown, index: number): void {
  if (typeof example !== 'object' || example === null) throw wrongExample('{ x, y }', example, index);
  const { x, y, sampleWeight } = example as Partial<Example>;
  if (!isList(x) || x.length === 0) {
    throw wrongExample('x of at least one time step, [T][C] or [T]', x, index);
  }
  if (typeof y !== 'number' && !isList(y)) throw wrongExample('y, a number or an array', y, index);
  const weighs = sampleWeight === undefined || (Number.isFinite(sampleWeight) && sampleWeight >= 0);
  if (!weighs) throw wrongExample('a sampleWeight from 0', sampleWeight, index);
}

function wrongExample(expected: string, received: unknown, index: number): DataError {
  return new DataError(`example ${index}: expected ${expected}, received ${describe(received)}`, {
    name: 'examples',
    expected,
    received,
    index,
  });
}

function wrongCount(index: number, expected: number | undefined, epoch: number): DataError {
  const wanted = expected === undefined ? 'at least one example' : `${expected} examples`;
  const received = expected !== undefined && index > expected ? 'more' : `${index}`;
  return new DataError(`source: expected ${wanted} in epoch ${epoch}, received ${received}`, {
    name: 'source',
    expected: wanted,
    received: index,
    epoch,
  });
}

// What tells its place by itself (a file's line) is passed on.
function sourceError(error: unknown, epoch: number, index: number): LstmError {
  if (error instanceof LstmError) return error;
  const text = error instanceof Error ? error.message : describe(error);
  const message = `source: failed in epoch ${epoch} after ${index} examples: ${text}`;
  return new DataError(message, { name: 'source', epoch, index }, { cause: error });
}

function notASource(path: string, received: unknown): ConfigError {
  const expected = 'a function that gives an iterable of examples, or an iterable';
  return new ConfigError(`${path}: expected ${expected}, received ${describe(received)}`, {
    path,
    expected,
    received,
  });
}

function isIterable(value: unknown): value is Items {
  return (
    typeof value === 'object' && value !== null && (Symbol.iterator in value || Symbol.asyncIterator in value)
  );
}

/** Generators are their own iterators; streams of Node and of the web give what has not been read yet. */
function isReadOnce(source: Items): boolean {
  return 'pipe' in source || 'getReader' in source || 'next' in source;
}
