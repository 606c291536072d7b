// Builds and runs the C++ tests; its last line is theirs, `N passed, N failed`.
//   node scripts/testNative.mjs [arguments of lstm_native_tests]
import { spawnSync } from 'node:child_process';
import { existsSync } from 'node:fs';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { buildNative, hasCmake } from './buildNative.mjs';
import { filesBelow, root } from './support/shell.mjs';
import { countsIn } from './support/tally.mjs';

/** Why the C++ tests cannot run here; undefined when they can. */
export function nativeTestsMissing() {
  if (filesBelow(['test/native'], ['.cpp']).length === 0) return 'there are no sources in test/native';
  return hasCmake() ? undefined : 'they need CMake and cmake-js';
}

/** Builds a program of tests in `folder` and runs it; {passed, failed}. A crash is one failure. */
export function testNative({
  folder = 'build',
  config,
  options,
  env,
  args = [],
  target = 'lstm_native_tests',
} = {}) {
  if (buildNative({ folder, config, options, target }) !== 0) return { passed: 0, failed: 1 };
  const program = join(root, folder, target);
  if (!existsSync(program)) return { passed: 0, failed: 1 };
  const result = spawnSync(program, args, {
    cwd: root,
    encoding: 'utf8',
    maxBuffer: 1 << 28,
    stdio: ['ignore', 'pipe', 'inherit'],
    env: { ...process.env, ...env },
  });
  process.stdout.write(result.stdout ?? '');
  const counts = countsIn(result.stdout ?? '') ?? { passed: 0, failed: 0 };
  if (result.status !== 0 && counts.failed === 0) counts.failed = 1;
  return counts;
}

if (process.argv[1] === fileURLToPath(import.meta.url)) {
  const { failed } = testNative({ args: process.argv.slice(2) });
  process.exitCode = failed === 0 ? 0 : 1;
}
