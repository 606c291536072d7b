import { describe } from '../config/describe.js';
import { deepFreeze, parseConfig } from '../config/parseConfig.js';
import { RandomWords } from '../data/philox.js';
import { ConfigError } from '../errors.js';
import { checked, isDistribution, listSchema, quantileOf, type Distribution } from './draw.js';

/** Names with the values to try, in groups as the config has them. */
export interface GridSpace {
  readonly [name: string]: readonly unknown[] | GridSpace;
}

/** Names with what their values are drawn from; a list means each of its values alike. */
export interface DrawSpace {
  readonly [name: string]: readonly unknown[] | Distribution | DrawSpace;
}

type Drawn<E> = E extends readonly (infer V)[]
  ? V
  : E extends { readonly kind: 'choice'; readonly values: readonly (infer V)[] }
    ? V
    : E extends { readonly kind: string }
      ? number
      : { readonly [K in keyof E]: Drawn<E[K]> };

type Group = Readonly<Record<string, unknown>>;

type Merged<B, C> = B extends readonly unknown[]
  ? C
  : B extends object
    ? C extends object
      ? {
          readonly [K in keyof B | keyof C]: K extends keyof C
            ? K extends keyof B
              ? Merged<B[K], C[K]>
              : C[K]
            : K extends keyof B
              ? B[K]
              : never;
        }
      : C
    : C;

/** The config of a trial: `base` with a value for each name of the space. */
export type ConfigOf<S, B = unknown> = unknown extends B ? Drawn<S> : Merged<B, Drawn<S>>;

/** One name of a space with its path. */
export interface Leaf {
  readonly path: readonly string[];
  readonly from: readonly unknown[] | Distribution;
}

/** More trials than anybody waits for: a mistake in the space. */
const maxTrials = 1_000_000;

/**
 * The names of a space in order, each checked.
 *
 * @param name For messages: `gridSearch.space`.
 * @throws ConfigError
 */
export function leavesOf(space: unknown, name: string, allowsDraws: boolean): Leaf[] {
  const leaves = groupLeaves(space, name, [], allowsDraws);
  if (leaves.length === 0) throw invalid(name, 'at least one name with values', space);
  return leaves;
}

function groupLeaves(value: unknown, name: string, path: readonly string[], allowsDraws: boolean): Leaf[] {
  const place = [name, ...path].join('.');
  if (Array.isArray(value)) {
    parseConfig(listSchema, value, place);
    requireJson(value, place);
    return [{ path, from: value }];
  }
  const isGroup = typeof value === 'object' && value !== null && (path.length > 0 || !isDistribution(value));
  if (!isGroup) throw invalid(place, allowsDraws ? 'a list, a distribution or a group' : 'a list', value);
  if (path.length > 0 && isDistribution(value)) {
    if (!allowsDraws) throw invalid(place, 'a list of values, as a grid has', value);
    const from = checked(value, place);
    requireJson(from, place);
    return [{ path, from }];
  }
  return Object.entries(value).flatMap(([key, inner]) =>
    groupLeaves(inner, name, [...path, key], allowsDraws),
  );
}

/**
 * Every combination of a grid's values, the last name varying fastest.
 *
 * @throws ConfigError for more than a million
 */
export function gridConfigs(leaves: readonly Leaf[], base: Group | undefined): Group[] {
  const lists = leaves.map(({ from }) => from as readonly unknown[]);
  const count = lists.reduce((product, list) => product * list.length, 1);
  if (count > maxTrials) throw invalid('gridSearch.space', `at most ${maxTrials} combinations`, count);
  return Array.from({ length: count }, (_, index) => configFrom(leaves, base, combination(lists, index)));
}

function combination(lists: readonly (readonly unknown[])[], index: number): unknown[] {
  let rest = index;
  return lists
    .toReversed()
    .map((list) => {
      const value = list[rest % list.length];
      rest = Math.floor(rest / list.length);
      return value;
    })
    .reverse();
}

/** Philox streams of the searches, apart from the trainings' own. */
const configStream = 0x5ea0;
const seedStream = 0x5ea1;

/** The config of one trial: a function of the seed, the trial's number and the space alone. */
export function drawnConfig(
  leaves: readonly Leaf[],
  base: Group | undefined,
  seed: number,
  number: number,
): Group {
  const words = new RandomWords(seed, configStream, number);
  const values = leaves.map(({ from }) =>
    quantileOf(Array.isArray(from) ? { kind: 'choice', values: from } : (from as Distribution), open(words)),
  );
  return configFrom(leaves, base, values);
}

/** A seed for one trial, from 0 to 2^32 - 1. */
export function trialSeed(seed: number, number: number): number {
  return new RandomWords(seed, seedStream, number).next();
}

// 0 < u < 1: the ends of a normal distribution are no numbers.
function open(words: RandomWords): number {
  return (words.next() + 0.5) / 2 ** 32;
}

function configFrom(leaves: readonly Leaf[], base: Group | undefined, values: readonly unknown[]): Group {
  const config = leaves.reduce<Group>((group, { path }, i) => withValue(group, path, values[i]), base ?? {});
  return deepFreeze(structuredClone(config));
}

function withValue(group: Group, [name, ...rest]: readonly string[], value: unknown): Group {
  const inner = Object.hasOwn(group, name!) ? group[name!] : undefined;
  const next = rest.length === 0 ? value : withValue(isGroup(inner) ? inner : {}, rest, value);
  return Object.fromEntries([...Object.entries(group), [name!, next]]);
}

function isGroup(value: unknown): value is Group {
  return typeof value === 'object' && value !== null && !Array.isArray(value);
}

/** The value at a path of a config. */
export function valueAt(config: unknown, path: readonly string[]): unknown {
  return path.reduce<unknown>((inner, name) => (inner as Group | undefined)?.[name], config);
}

/**
 * What is stored and handed to other threads has to be JSON.
 *
 * @throws ConfigError with the place of what is not
 */
export function requireJson(value: unknown, name: string): void {
  const bad = notJson(value, name, 0);
  if (bad !== undefined) throw invalid(bad.place, 'a JSON value', bad.value);
}

function notJson(
  value: unknown,
  place: string,
  depth: number,
): { place: string; value: unknown } | undefined {
  if (value === null || value === undefined) return undefined;
  if (typeof value === 'number') return Number.isFinite(value) ? undefined : { place, value };
  if (typeof value === 'string' || typeof value === 'boolean') return undefined;
  if (typeof value !== 'object' || depth > 50 || !isPlain(value)) return { place, value };
  const parts = Object.entries(value).map(([key, inner]) =>
    notJson(inner, Array.isArray(value) ? `${place}[${key}]` : `${place}.${key}`, depth + 1),
  );
  return parts.find((part) => part !== undefined);
}

function isPlain(value: object): boolean {
  const prototype: unknown = Object.getPrototypeOf(value);
  return Array.isArray(value) || prototype === Object.prototype || prototype === null;
}

export function invalid(path: string, expected: string, received: unknown): ConfigError {
  const text = describe(received);
  return new ConfigError(`${path}: expected ${expected}, received ${text}`, {
    path,
    expected,
    received: text,
  });
}
