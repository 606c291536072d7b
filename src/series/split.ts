import { field, settings, whole } from '../config/fields.js';
import { parseOptions } from '../config/parseConfig.js';
import { ConfigError } from '../errors.js';

/** How a table is split by time; the training part comes first, the test part last. */
export interface SeriesSplitOptions {
  /** A share below 1, or a number of steps. Default 0: none. */
  readonly validation?: number | undefined;
  /** A share below 1, or a number of steps. Default 0: none. */
  readonly test?: number | undefined;
  /** Steps between two parts whose values are no part's targets. Default 0. */
  readonly gap?: number | undefined;
}

/** Places of the targets of a part: from `from` to, but not, `to`. */
export interface PlaceRange {
  readonly from: number;
  readonly to: number;
}

/** The parts of a time axis. */
export interface SeriesPlaces {
  readonly train: PlaceRange;
  readonly validation: PlaceRange | undefined;
  readonly test: PlaceRange | undefined;
}

/** How a table is cut into folds of forward chaining. */
export interface SeriesFoldOptions {
  /** How many, from 2. */
  readonly folds: number;
  /** Steps validated in a fold. Default floor(steps / (folds + 1)). */
  readonly validation?: number | undefined;
  /** Steps between training and validation whose values are no part's targets. Default 0. */
  readonly gap?: number | undefined;
}

const part = field<number>(
  'a share from 0 to less than 1, or a whole number of steps',
  (value) => typeof value === 'number' && value >= 0 && (value < 1 || Number.isSafeInteger(value)),
);
const splitSchema = settings({
  validation: part.default(0),
  test: part.default(0),
  gap: whole(0).default(0),
});

/**
 * The parts of an axis of `length` places. A share s is round(s * length) places.
 *
 * @throws ConfigError for parts that leave nothing to train on.
 */
export function splitPlaces(length: number, options: SeriesSplitOptions): SeriesPlaces {
  const { validation, test, gap } = parseOptions(splitSchema, options, 'split');
  const stepsOf = (share: number): number => (share < 1 ? Math.round(share * length) : share);
  const [validationSteps, testSteps] = [stepsOf(validation), stepsOf(test)];
  const testFrom = length - testSteps;
  const validationTo = testSteps > 0 ? testFrom - gap : length;
  const validationFrom = validationTo - validationSteps;
  const trainTo = validationSteps > 0 ? validationFrom - gap : validationTo;
  if (trainTo < 1) throw tooLittle('split', length, length - trainTo);
  return Object.freeze({
    train: Object.freeze({ from: 0, to: trainTo }),
    validation: validationSteps > 0 ? Object.freeze({ from: validationFrom, to: validationTo }) : undefined,
    test: testSteps > 0 ? Object.freeze({ from: testFrom, to: length }) : undefined,
  });
}

const foldSchema = settings({ folds: whole(2), validation: whole(1).optional(), gap: whole(0).default(0) });

/**
 * Folds of forward chaining: the validation parts follow each other to the end of the axis, and each is trained for on all
 * that lies `gap` places before it.
 *
 * @throws ConfigError for folds that leave nothing to train on.
 */
export function foldPlaces(
  length: number,
  options: SeriesFoldOptions,
): readonly { readonly train: PlaceRange; readonly validation: PlaceRange }[] {
  const {
    folds,
    gap,
    validation = Math.floor(length / (folds + 1)),
  } = parseOptions(foldSchema, options, 'folds');
  const first = length - folds * validation;
  if (validation < 1 || first - gap < 1) throw tooLittle('folds', length, folds * validation + gap);
  return Array.from({ length: folds }, (_, fold) => {
    const from = first + fold * validation;
    return Object.freeze({
      train: Object.freeze({ from: 0, to: from - gap }),
      validation: Object.freeze({ from, to: from + validation }),
    });
  });
}

function tooLittle(path: string, length: number, received: number): ConfigError {
  const expected = `less than ${length} steps for all parts but training, and gaps`;
  return new ConfigError(`${path}: expected ${expected}, received ${received}`, { path, expected, received });
}
