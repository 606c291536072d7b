import { describe, expect, it } from 'vitest';
import { ConfigError, draw, randomSearch, type Distribution } from '../../../src/index.js';

/** n draws of one distribution, as a search makes them. */
async function drawn(distribution: Distribution, trials = 1500, seed = 3): Promise<number[]> {
  const { trials: done } = await randomSearch({ space: { a: distribution }, trials, seed, run: () => 0 });
  return done.map(({ config }) => (config as { a: number }).a);
}

/**
 * The largest distance between the draws' distribution and the closed form (Kolmogorov 1933); of a right sample of n it is
 * above 1.95 / √n in one of a thousand.
 */
function distance(draws: readonly number[], cdf: (x: number) => number): number {
  const sorted = draws.toSorted((a, b) => a - b);
  const n = sorted.length;
  return Math.max(...sorted.map((x, i) => Math.max(cdf(x) - i / n, (i + 1) / n - cdf(x))));
}

/** erf by Abramowitz and Stegun 7.1.26, right to 1.5e-7. */
function normalCdf(z: number): number {
  const x = Math.abs(z) / Math.SQRT2;
  const t = 1 / (1 + 0.3275911 * x);
  const series =
    t * (0.254829592 + t * (-0.284496736 + t * (1.421413741 + t * (-1.453152027 + t * 1.061405429))));
  const erf = 1 - series * Math.exp(-x * x);
  return z < 0 ? (1 - erf) / 2 : (1 + erf) / 2;
}

const limit = 1.95 / Math.sqrt(1500);

describe('the distributions of a random search', () => {
  it('uniform has the quantiles of its closed form', async () => {
    expect(distance(await drawn(draw.uniform(-2, 6)), (x) => (x + 2) / 8)).toBeLessThan(limit);
  });

  it('logUniform is uniform in the logarithm', async () => {
    const cdf = (x: number) => Math.log(x / 1e-4) / Math.log(1e3);
    const draws = await drawn(draw.logUniform(1e-4, 1e-1));
    expect(distance(draws, cdf)).toBeLessThan(limit);
    expect(distance(draws, (x) => x / 0.1)).toBeGreaterThan(0.3);
  });

  it('normal has the quantiles of its closed form', async () => {
    expect(distance(await drawn(draw.normal(5, 2)), (x) => normalCdf((x - 5) / 2))).toBeLessThan(limit);
  });

  it('integer draws every whole number alike, both ends included', async () => {
    const draws = await drawn(draw.integer(3, 7));
    const counts = [3, 4, 5, 6, 7].map((value) => draws.filter((x) => x === value).length);
    expect(counts.reduce((a, b) => a + b)).toBe(1500);
    // Chi-squared with 4 degrees of freedom is above 18.5 in one of a thousand.
    expect(counts.reduce((sum, count) => sum + (count - 300) ** 2 / 300, 0)).toBeLessThan(18.5);
  });

  it('choice and a list draw every value alike', async () => {
    for (const space of [draw.choice(['a', 'b', 'c']), ['a', 'b', 'c']] as const) {
      const { trials } = await randomSearch({ space: { a: space }, trials: 1500, seed: 1, run: () => 0 });
      const counts = ['a', 'b', 'c'].map((value) => trials.filter(({ config }) => config.a === value).length);
      // Chi-squared with 2 degrees of freedom is above 13.8 in one of a thousand.
      expect(counts.reduce((sum, count) => sum + (count - 500) ** 2 / 500, 0)).toBeLessThan(13.8);
    }
  });

  it('refuse bounds that cannot be', () => {
    expect(() => draw.uniform(2, 1)).toThrow('draw.uniform: expected high above low');
    expect(() => draw.logUniform(0, 1)).toThrow('draw.logUniform.low: expected a number above 0, received 0');
    expect(() => draw.integer(1.5, 3)).toThrow('draw.integer.low: expected a whole number, received 1.5');
    expect(() => draw.normal(0, 0)).toThrow(ConfigError);
    expect(() => draw.choice([])).toThrow(ConfigError);
  });
});
