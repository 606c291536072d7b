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

const part = field<number>(
  'a share from 0 to less than 1, or a whole number of steps',
  (value) => typeof value === 'number' && value >= 0 && (value < 1 || Number.isSafeInteger(value)),
);
const schema = settings({ validation: part.default(0), test: part.default(0), gap: whole(0).default(0) });

/**
 * The parts of an axis of `length` places. A share s is round(s * length) places.
 *
 * @throws ConfigError for parts that leave nothing to train on.
 */
export function splitPlaces(length: number, options: SeriesSplitOptions): SeriesPlaces {
  const { validation, test, gap } = parseOptions(schema, options, 'split');
  const stepsOf = (share: number): number => (share < 1 ? Math.round(share * length) : share);
  const [validationSteps, testSteps] = [stepsOf(validation), stepsOf(test)];
  const testFrom = length - testSteps;
  const validationTo = testSteps > 0 ? testFrom - gap : length;
  const validationFrom = validationTo - validationSteps;
  const trainTo = validationSteps > 0 ? validationFrom - gap : validationTo;
  if (trainTo < 1) {
    const expected = `less than ${length} steps for validation, test and gaps`;
    const received = `${length - trainTo}`;
    throw new ConfigError(`split: expected ${expected}, received ${received}`, {
      path: 'split',
      expected,
      received,
    });
  }
  return Object.freeze({
    train: Object.freeze({ from: 0, to: trainTo }),
    validation: validationSteps > 0 ? Object.freeze({ from: validationFrom, to: validationTo }) : undefined,
    test: testSteps > 0 ? Object.freeze({ from: testFrom, to: length }) : undefined,
  });
}
