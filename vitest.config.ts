import { defineConfig } from 'vitest/config';

export default defineConfig({
  test: {
    include: ['test/**/*.test.ts'],
    environment: 'node',
    // A crash in the addon then ends one fork, and vitest reports it as a failure of that file.
    pool: 'forks',
    // Each fork trains with threads of its own: more than two only makes them wait for each other.
    maxWorkers: 2,
    testTimeout: 60_000,
    hookTimeout: 60_000,
    typecheck: { enabled: false },
  },
});
