import { capturePackage, filesBelow, root, run, runPackage } from './shell.mjs';

const cppFiles = () =>
  filesBelow(['native', 'test/native', 'test/cuda-host', 'bench/native'], ['.h', '.cpp', '.cu', '.cuh']);

/** Formats every file, or (check) fails when one is not as the formatter would leave it. */
export function prettier({ check }) {
  return runPackage('prettier', [check ? '--check' : '--write', '--log-level', 'warn', '.']);
}

/** The same for C++. */
export function clangFormat({ check }) {
  const files = cppFiles();
  if (files.length === 0) return 0;
  if (!check) return runPackage('clang-format-node', ['-i', ...files], { command: 'clang-format' });
  const { status, stderr } = capturePackage('clang-format-node', ['--dry-run', ...files], 'clang-format');
  const wrong = files.filter((file) => stderr.includes(`${file}:`));
  for (const file of wrong) console.error(`not formatted (npm run format): ${file}`);
  return wrong.length > 0 ? 1 : status;
}

export function oxlint() {
  return runPackage('oxlint', ['--type-aware', '--deny-warnings']);
}

export function importRules() {
  return run(process.execPath, [`${root}/scripts/checkImports.mjs`]);
}

/** Types of src, test, bench and examples together, with nothing written. */
export function types() {
  return runPackage('typescript', ['--noEmit', '-p', 'tsconfig.json'], { command: 'tsc' });
}
