import { z } from 'zod';
import { abortSignal, choice, field, settings, whole } from '../config/fields.js';
import type { ModelTrialOptions } from './modelTrial.js';
import type { TrialFunction, TrialResult } from './trial.js';

/** What every search takes beside its space. */
export interface SearchOptions<S, B, C> {
  /** The names to search, each with its values; groups as the config has them. */
  readonly space: S;
  /** What every config begins with; the space's names go into it. JSON. Default empty. */
  readonly base?: B | undefined;
  /** The config's own schema (zod): the space's names and every config are held against it before any trial. */
  readonly schema?: z.ZodType | undefined;
  /** Decides configs and the trials' seeds. Default 0. */
  readonly seed?: number | undefined;
  /** Whether values are to fall or to rise. Default `auto`: by the monitor's name, for functions `min`. */
  readonly mode?: 'auto' | 'min' | 'max' | undefined;
  /** Trials at once. Default 1 for functions, as many as the machine has threads for a module. */
  readonly concurrency?: number | undefined;
  /**
   * Where trials are stored as they come in (`trials.jsonl`) and have folders of their own. A search that was stopped or
   * killed goes on from there when it is called again. Default: nothing is stored.
   */
  readonly folder?: string | undefined;
  readonly signal?: AbortSignal | undefined;
  /** Told of each trial that has come to its end. */
  readonly onTrial?: ((result: TrialResult<C>) => void) | undefined;
}

/** What trials are: a function, the module of one, or models by their configs. */
export type TrialSource<C> =
  | {
      /**
       * A function, called on this thread; or the URL or path of a module whose default export is one, called in worker
       * threads.
       */
      readonly run: TrialFunction<C> | URL | string;
      readonly build?: undefined;
    }
  | (ModelTrialOptions<C> & { readonly run?: undefined });

/** How many trials, and how long the best of them may become. */
export interface HalvingOptions {
  /** Configs that are drawn. */
  readonly trials: number;
  /** R, the most that a trial may be given: epochs, for models. */
  readonly maxResource: number;
  /** r, what every trial is given. Default 1. */
  readonly minResource?: number | undefined;
  /** η: one in η goes on from a rung to the next, with η times the resource. Default 3. */
  readonly reductionFactor?: number | undefined;
}

const plainObject = (value: unknown) => typeof value === 'object' && value !== null && !Array.isArray(value);
const isFunction = (value: unknown) => typeof value === 'function';

const common = {
  space: field<Readonly<Record<string, unknown>>>('an object of names with their values', plainObject),
  base: field<Readonly<Record<string, unknown>>>('an object', plainObject).optional(),
  schema: field<z.ZodType>('a zod schema', (value) => value instanceof z.ZodType).optional(),
  seed: whole(0).default(0),
  mode: choice('auto', 'min', 'max').default('auto'),
  concurrency: whole(1, 1024).optional(),
  folder: field<string>('a path', (value) => typeof value === 'string' && value !== '').optional(),
  signal: abortSignal.optional(),
  onTrial: field<(result: TrialResult<never>) => void>('a function', isFunction).optional(),
  run: field<TrialFunction<never> | URL | string>(
    'a function, or the URL or path of a module',
    (value) => isFunction(value) || value instanceof URL || (typeof value === 'string' && value !== ''),
  ).optional(),
  build: field<ModelTrialOptions<never>['build']>('a function', isFunction).optional(),
  data: z.unknown().optional(),
  validationData: z.unknown().optional(),
  split: z.unknown().optional(),
  folds: z.unknown().optional(),
  monitor: field<NonNullable<ModelTrialOptions<never>['monitor']>>(
    "the name of a value of an epoch's record, such as 'valLoss'",
    (value) => typeof value === 'string' && value !== '',
  ).optional(),
  take: choice('last', 'best').optional(),
};

export const gridSchema = settings(common);
export const randomSchema = settings({ ...common, trials: whole(1, 1_000_000) });
export const halvingSchema = settings({
  ...common,
  trials: whole(1, 1_000_000),
  maxResource: whole(1),
  minResource: whole(1).default(1),
  reductionFactor: whole(2).default(3),
});

export type CommonOptions = z.output<typeof gridSchema>;
