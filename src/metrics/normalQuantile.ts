/**
 * How many standard deviations to both sides of the mean hold a share of a normal distribution: 1.96 for 0.95. By
 * bisection on 2Φ(z) - 1 = 2φ(z)(z + z³/3 + z⁵/15 + …) (Abramowitz and Stegun 26.2.11).
 */
export function normalHalfWidth(share: number): number {
  let low = 0;
  let high = 8.3;
  for (let i = 0; i < 60; i++) {
    const middle = (low + high) / 2;
    if (shareWithin(middle) < share) low = middle;
    else high = middle;
  }
  return (low + high) / 2;
}

function shareWithin(z: number): number {
  let term = z;
  let sum = z;
  for (let n = 3; term > sum * 1e-17; n += 2) {
    term *= (z * z) / n;
    sum += term;
  }
  return Math.sqrt(2 / Math.PI) * Math.exp((-z * z) / 2) * sum;
}
