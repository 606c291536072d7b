// npm test: format, lint, import rules, types, build, C++ tests, the CUDA library, vitest. A failing stage does not hide
// the ones after it. The last line is `N passed, N failed`.   node scripts/test.mjs [vitest filters]
import { existsSync } from 'node:fs';
import { createRequire } from 'node:module';
import { buildNative } from './buildNative.mjs';
import { run, root } from './support/shell.mjs';
import { clangFormat, importRules, oxlint, prettier, types } from './support/style.mjs';
import { Tally } from './support/tally.mjs';
import { runVitest } from './support/vitest.mjs';
import { cudaLibraryMissing, testCudaLibrary } from './testCudaLibrary.mjs';
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

const cudaMissing = cudaLibraryMissing();
if (cudaMissing === undefined) {
  console.log('\n== CUDA library (no GPU)');
  tally.add('CUDA library (no GPU): built, opened, layout against cuDNN', testCudaLibrary());
} else tally.skip('CUDA library (no GPU)', cudaMissing);

tally.check('lint: kernel symbols', () => run(process.execPath, [`${root}/scripts/checkKernelSymbols.mjs`]));

// Packing builds dist/ anew, which other tests start programs from: it comes after them.
const packaging = filters.length === 0 ? ['--exclude', 'test/package/**'] : [];
console.log('\n== vitest');
tally.add('vitest', runVitest([...filters, ...packaging]));
if (filters.length === 0) {
  console.log('\n== the packed package');
  tally.add('the packed package', runVitest(['test/package']));
}

// What is the same on every device needs no second run.
const ofAnyDevice = ['oracle', 'pythonInterop'].flatMap((name) => [
  '--exclude',
  `test/parity/${name}.test.ts`,
]);

// The tests above ran on the best instruction set of this processor; here are the others.
for (const set of filters.length > 0 ? [] : instructionSets().slice(1)) {
  console.log(`\n== parity on ${set}`);
  tally.add(
    `parity on ${set}`,
    runVitest(['test/parity', ...ofAnyDevice], { env: { CUDNN_LSTM_INSTRUCTION_SET: set } }),
  );
}

// The CUDA device's own logic, on host memory that stands in for a GPU: it proves nothing about one.
const standIn = `${root}/build/libcudnn_lstm_cuda_standin.so`;
if (filters.length === 0 && existsSync(standIn)) {
  console.log('\n== the CUDA device on its stand-in (no GPU)');
  const shared = ['devices', 'steps', 'customLoss', 'resume', 'heads', 'tiedWeights'].map(
    (name) => `test/device/${name}`,
  );
  const onStandIn = ['test/cuda', 'test/parity', ...shared, ...ofAnyDevice];
  const env = { CUDNN_LSTM_CUDA_LIBRARY: standIn };
  tally.add('the CUDA device on its stand-in (no GPU)', runVitest(onStandIn, { env }));
}

process.exitCode = tally.close();

function instructionSets() {
  try {
    return createRequire(import.meta.url)(`${root}/build/Release/cudnn_lstm.node`).instructionSets();
  } catch {
    return [];
  }
}
