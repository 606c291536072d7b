import { mkdtempSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { runPackage } from './shell.mjs';

/**
 * Runs vitest on the files that the filters name (all without any) and counts its report: {passed, failed, note}.
 * A file that does not load, or a fork that dies, is one failure more. Skipped tests are printed by name.
 */
export function runVitest(filters, options = {}) {
  const folder = mkdtempSync(join(tmpdir(), 'cudnn-lstm-vitest-'));
  const report = join(folder, 'report.json');
  try {
    const reporters = ['--reporter=default', '--reporter=json', `--outputFile.json=${report}`];
    const status = runPackage('vitest', ['run', ...reporters, ...filters], options);
    return countReport(readReport(report), status);
  } finally {
    rmSync(folder, { recursive: true, force: true });
  }
}

function readReport(file) {
  try {
    return JSON.parse(readFileSync(file, 'utf8'));
  } catch {
    return { testResults: [] };
  }
}

function countReport({ testResults }, status) {
  const tests = testResults.flatMap((file) => file.assertionResults);
  const passed = tests.filter((test) => test.status === 'passed').length;
  const skipped = tests.filter((test) => test.status === 'skipped' || test.status === 'pending');
  const broken = testResults.filter(
    (file) => file.status === 'failed' && !file.assertionResults.some((test) => test.status === 'failed'),
  );
  let failed = tests.filter((test) => test.status === 'failed').length + broken.length;
  if (status !== 0 && failed === 0) failed = 1;
  for (const test of skipped) console.log(`skipped: ${test.fullName}`);
  return { passed, failed, note: skipped.length > 0 ? `, ${skipped.length} skipped (named above)` : '' };
}
