// npm test: format, lint, import rules, types, build, C++ tests, vitest. A failing stage does not hide the ones after
// it. The last line is `N passed, N failed`.   node scripts/test.mjs [vitest filters]
import { createRequire } from 'node:module';
import { buildNative } from './buildNative.mjs';
import { run, root } from './support/shell.mjs';
import { clangFormat, importRules, oxlint, prettier, types } from './support/style.mjs';
import { Tally } from './support/tally.mjs';
import { runVitest } from './support/vitest.mjs';
import { nativeTestsMissing, testNative } from './testNative.mjs';

const filters = process.argv.slice(2);
const tally = new Tally();

tally.check('format: prettier', () => prettier({ check: true }));
tally.check('format: clang-format', () => clangFormat({ check: true }));
tally.check('lint: oxlint', oxlint);
tally.check('lint: import rules', importRules);
tally.check('types', types);
tally.check('build: addon', () => buildNative());
tally.check('build: dist', () => run(process.execPath, [`${root}/scripts/build.mjs`, '--ts']));

const missing = nativeTestsMissing();
if (missing === undefined) {
  console.log('\n== C++ tests');
  tally.add('C++ tests', testNative());
} else tally.skip('C++ tests', missing);

tally.check('lint: kernel symbols', () => run(process.execPath, [`${root}/scripts/checkKernelSymbols.mjs`]));

console.log('\n== vitest');
tally.add('vitest', runVitest(filters));

// The tests above ran on the best instruction set of this processor; here are the others.
for (const set of filters.length > 0 ? [] : instructionSets().slice(1)) {
  console.log(`\n== parity on ${set}`);
  tally.add(`parity on ${set}`, runVitest(['test/parity'], { env: { CUDNN_LSTM_INSTRUCTION_SET: set } }));
}

process.exitCode = tally.close();

function instructionSets() {
  try {
    return createRequire(import.meta.url)(`${root}/build/Release/cudnn_lstm.node`).instructionSets();
  } catch {
    return [];
  }
}
