import { execFileSync } from 'node:child_process';
import { fileURLToPath } from 'node:url';
import { describe, expect, it } from 'vitest';

const probe = fileURLToPath(new URL('../support/memoryGrowth.mjs', import.meta.url));

interface Growth {
  readonly parameterBytes: number;
  readonly activationBytes: number;
  readonly grownBytes: number;
}

/** In a process of its own, whose allocator gives large blocks back as soon as they are free (glibc). */
function measure(...sizes: readonly number[]): Growth {
  const env = { ...process.env, MALLOC_MMAP_THRESHOLD_: '65536' };
  const output = execFileSync(process.execPath, ['--expose-gc', probe, ...sizes.map(String)], { env });
  return JSON.parse(output.toString()) as Growth;
}

// The sanitizer's shadow and quarantine grow with every allocation.
const isComparable = process.platform === 'linux' && !process.env['LD_PRELOAD']?.includes('asan');

describe.skipIf(!isComparable)('the memory that a model says it holds', () => {
  it.each([
    ['mostly activations', [64, 32, 256, 512, 2]],
    ['mostly weights', [5, 8, 1024, 1024, 1]],
  ])('is what the process grew by within 10 %%: %s', (_, sizes) => {
    const { parameterBytes, activationBytes, grownBytes } = measure(...sizes);
    const planned = parameterBytes + activationBytes;
    expect(grownBytes).toBeGreaterThan(0.9 * planned);
    expect(grownBytes).toBeLessThan(1.1 * planned);
  });

  it('holds the parameters, their gradients and two moments of Adam', () => {
    const [hidden, input] = [64, 32];
    const parameters = 4 * hidden * (input + hidden + 2) + 10 * (hidden + 1);
    const { parameterBytes } = measure(3, 2, input, hidden, 1);
    expect(parameterBytes).toBeGreaterThanOrEqual(4 * 4 * parameters);
    // Blocks begin at multiples of 256 bytes.
    expect(parameterBytes).toBeLessThanOrEqual(4 * (4 * parameters + 256));
  });
});
