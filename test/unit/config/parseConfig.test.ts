import { describe, expect, it } from 'vitest';
import { z } from 'zod';
import { choice, flag, fraction, positive, settings, whole } from '../../../src/config/fields.js';
import { parseConfig } from '../../../src/config/parseConfig.js';

const schema = settings({
  size: whole(1, 100),
  rate: fraction.default(0.5),
  mode: choice('last', 'mean').default('last'),
  on: flag.default(true),
  inner: settings({ limit: positive }).optional(),
  list: z.array(whole(0)).optional(),
});

function failure(value: unknown): unknown {
  try {
    return parseConfig(schema, value, 'thing');
  } catch (error) {
    return error;
  }
}

describe('parseConfig', () => {
  it('fills in defaults and freezes every level', () => {
    const parsed = parseConfig(schema, { size: 3, inner: { limit: 1 } }, 'thing');
    expect(parsed).toEqual({ size: 3, rate: 0.5, mode: 'last', on: true, inner: { limit: 1 } });
    expect(Object.isFrozen(parsed)).toBe(true);
    expect(Object.isFrozen(parsed.inner)).toBe(true);
  });

  it.each([
    [{ size: 0 }, 'thing.size: expected a whole number from 1 to 100, received 0'],
    [{ size: -3 }, 'thing.size: expected a whole number from 1 to 100, received -3'],
    [{ size: 1.5 }, 'thing.size: expected a whole number from 1 to 100, received 1.5'],
    [{ size: '3' }, "thing.size: expected a whole number from 1 to 100, received '3'"],
    [{ size: Number.NaN }, 'thing.size: expected a whole number from 1 to 100, received NaN'],
    [{}, 'thing.size: expected a whole number from 1 to 100, received undefined'],
    [{ size: 1, rate: 1 }, 'thing.rate: expected a number from 0 to less than 1, received 1'],
    [{ size: 1, on: 'yes' }, "thing.on: expected true or false, received 'yes'"],
    [{ size: 1, inner: { limit: 0 } }, 'thing.inner.limit: expected a number above 0, received 0'],
    [{ size: 1, list: [1, -1] }, 'thing.list[1]: expected a whole number from 0, received -1'],
    [
      { size: 1, mode: 'maen' },
      "thing.mode: expected 'last' | 'mean' (did you mean 'mean'?), received 'maen'",
    ],
    [{ size: 1, siez: 2 }, "thing: no setting 'siez'; did you mean 'size'?"],
    [{ size: 1, inner: { limt: 1 } }, "thing.inner: no setting 'limt'; did you mean 'limit'?"],
    [{ size: 1, zzz: 2 }, "thing: no setting 'zzz'; known are size, rate, mode, on, inner, list"],
    [undefined, 'thing: expected an object with settings, received undefined'],
    [[], 'thing: expected an object with settings, received an array of length 0'],
  ])('says for %j what was expected and what came', (value, message) => {
    expect(failure(value)).toMatchObject({ name: 'ConfigError', message });
  });

  it('carries path, expected and received', () => {
    const details = { path: 'thing.size', expected: 'a whole number from 1 to 100', received: '101' };
    expect(failure({ size: 101 })).toMatchObject({ details });
  });
});
