import { describe, expect, it } from 'vitest';

import { calendarPhase, parseTime } from '../../../src/series/calendar.js';
import { fitScaler } from '../../../src/series/scaler.js';

describe('a scaler', () => {
  // Mean 5; squares 9 + 1 + 1 + 1 + 0 + 0 + 4 + 16 = 32, over 8 values 4.
  const sample = Float64Array.of(2, 4, 4, 4, 5, 5, 7, 9);

  it('has the mean and the population standard deviation', () => {
    expect(fitScaler('standard', sample)).toEqual({ kind: 'standard', center: 5, scale: 2 });
  });

  it('has the least value and the range', () => {
    expect(fitScaler('minMax', sample)).toEqual({ kind: 'minMax', center: 2, scale: 7 });
  });

  it('has the median and the distance of the quartiles', () => {
    // numpy.percentile(sample, [25, 50, 75]) is [4, 4.5, 5.5].
    expect(fitScaler('robust', sample.toReversed())).toEqual({ kind: 'robust', center: 4.5, scale: 1.5 });
  });

  it('leaves values as they are', () => {
    expect(fitScaler('none', sample)).toEqual({ kind: 'none', center: 0, scale: 1 });
  });

  it.each(['standard', 'minMax', 'robust', 'log'] as const)(
    '%s divides by 1 where all values are equal',
    (kind) => {
      expect(fitScaler(kind, new Float64Array(7).fill(0.1)).scale).toBe(1);
    },
  );
});

describe('a time', () => {
  it.each([
    ['1949-01', '1949-01-01T00:00:00Z'],
    ['0050-03-01', '0050-03-01T00:00:00Z'],
    ['2016-07-01 13:05:09', '2016-07-01T13:05:09Z'],
    ['2016-07-01T13:05', '2016-07-01T13:05:00Z'],
    ['2016-07-01T13:05:09.250+02:00', '2016-07-01T11:05:09.25Z'],
    ['2016-07-01T13:05:09-0130', '2016-07-01T14:35:09Z'],
  ])('is read from %s', (text, iso) => {
    expect(parseTime(text)).toBe(Date.parse(iso));
  });

  it.each(['', '2016', '2016-13-01', '2016-02-30', '2016-07-01 24:00', '1/7/2016', 'now', null, Number.NaN])(
    'is not read from %s',
    (value) => {
      expect(parseTime(value)).toBeUndefined();
    },
  );

  it.each([
    ['hour', '2024-05-01T18:00:00Z', 0.75],
    ['hour', '1950-05-01T06:00:00Z', 0.25],
    // A Monday and a Sunday.
    ['weekday', '2024-01-01T23:00:00Z', 0],
    ['weekday', '2024-01-07T00:00:00Z', 6 / 7],
    ['month', '2024-12-31T00:00:00Z', 11 / 12],
    // Of a year of 366 days and of one of 365.
    ['dayOfYear', '2024-12-31T23:00:00Z', 365 / 366],
    ['dayOfYear', '2023-02-01T00:00:00Z', 31 / 365],
  ] as const)('has the phase of its %s: %s', (feature, iso, phase) => {
    expect(calendarPhase(feature, Date.parse(iso))).toBeCloseTo(phase, 12);
  });
});
