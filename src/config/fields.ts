import { z } from 'zod';
import { describe } from './describe.js';
import { nearestName } from './nearestName.js';

/**
 * Schemas of single settings. The message of each issue is what was expected; `parseConfig` adds the path and what
 * came. Nothing is converted: a number in a string is not a number.
 *
 * @param json What JSON schema says of the values, for editors.
 */
export function field<T>(
  expected: string,
  accepts: (value: unknown) => boolean,
  json: JsonForm = {},
): z.ZodCustom<T, T> {
  return z.custom<T>(accepts, { error: () => expected }).meta(json);
}

/** A JSON schema's words on a value. */
export type JsonForm = Readonly<Record<string, unknown>>;

/** A whole number from `min` to `max`. */
export function whole(min: number, max: number = Number.MAX_SAFE_INTEGER) {
  const bound = max === Number.MAX_SAFE_INTEGER ? `from ${min}` : `from ${min} to ${max}`;
  return field<number>(
    `a whole number ${bound}`,
    (value) => Number.isSafeInteger(value) && (value as number) >= min && (value as number) <= max,
    { type: 'integer', minimum: min, ...(max < Number.MAX_SAFE_INTEGER && { maximum: max }) },
  );
}

/** A finite number for which `accepts` holds; `expected` says it in words, `json` in JSON schema's. */
export function real(
  expected = 'a finite number',
  accepts: (value: number) => boolean = () => true,
  json: JsonForm = {},
) {
  const numeric = (value: unknown) => Number.isFinite(value) && accepts(value as number);
  return field<number>(expected, numeric, { type: 'number', ...json });
}

/** A number above 0. */
export const positive = real('a number above 0', (value) => value > 0, { exclusiveMinimum: 0 });

/** A number from 0. */
export const nonNegative = real('a number from 0', (value) => value >= 0, { minimum: 0 });

/** A number from 0 up to, but not, 1: a dropout rate, a decay, a share. */
export const fraction = real('a number from 0 to less than 1', (value) => value >= 0 && value < 1, {
  minimum: 0,
  exclusiveMaximum: 1,
});

/** True or false. */
export const flag = field<boolean>('true or false', (value) => typeof value === 'boolean', {
  type: 'boolean',
});

/** One of a few words; a near miss is named. */
export function choice<const T extends string>(...words: readonly T[]) {
  const list = words.map((word) => `'${word}'`).join(' | ');
  const schema = z.custom<T>((value) => words.includes(value as T), {
    error: (issue) => {
      const near = typeof issue.input === 'string' ? nearestName(issue.input, words) : undefined;
      return near === undefined ? list : `${list} (did you mean '${near}'?)`;
    },
  });
  return schema.meta({ enum: words });
}

/** A text that is not empty; `expected` says what it is of. */
export function text(expected = 'a text that is not empty') {
  return field<string>(expected, (value) => typeof value === 'string' && value !== '', {
    type: 'string',
    minLength: 1,
  });
}

/** An `AbortSignal`. */
export const abortSignal = field<AbortSignal>(
  'an AbortSignal',
  (value) => typeof value === 'object' && value !== null && 'aborted' in value && 'addEventListener' in value,
);

/** An object with these settings and no others; the nearest known name is suggested for an unknown one. */
export function settings<S extends z.ZodRawShape>(shape: S) {
  return z.strictObject(shape, {
    error: (issue) =>
      issue.code === 'unrecognized_keys'
        ? unknownSetting((issue as unknown as { keys: string[] }).keys[0]!, Object.keys(shape))
        : 'an object with settings',
  });
}

function unknownSetting(name: string, known: readonly string[]): string {
  const near = nearestName(name, known);
  if (near !== undefined) return `no setting ${describe(name)}; did you mean '${near}'?`;
  return `no setting ${describe(name)}; known are ${known.join(', ')}`;
}
