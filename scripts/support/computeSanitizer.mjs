import { existsSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { capture, run } from './shell.mjs';

/** Path of NVIDIA's compute-sanitizer: on PATH, or in the toolkit of the nvcc that is; undefined: not here. */
export function findComputeSanitizer() {
  if (capture('compute-sanitizer', ['--version']) !== undefined) return 'compute-sanitizer';
  const nvcc = (capture('sh', ['-c', 'readlink -f "$(command -v nvcc)"']) ?? '').trim();
  if (nvcc === '') return undefined;
  const toolkit = dirname(dirname(nvcc));
  const candidates = ['bin/compute-sanitizer', 'compute-sanitizer/compute-sanitizer'];
  return candidates.map((path) => join(toolkit, path)).find((path) => existsSync(path));
}

/**
 * Runs a program under one tool (memcheck, racecheck, initcheck); the exit status, not 0 when the tool or the
 * program finds an error.
 */
export function underComputeSanitizer(sanitizer, tool, program, args) {
  return run(sanitizer, ['--tool', tool, '--error-exitcode', '9', program, ...args]);
}
