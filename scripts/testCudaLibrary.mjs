// Checks libcudnn_lstm_cuda.so without a GPU: what it needs and shows, and the C++ tests against the real cuDNN
// library. Its last line is `N passed, N failed`.   node scripts/testCudaLibrary.mjs [arguments of lstm_cudnn_tests]
import { existsSync } from 'node:fs';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { capture, root } from './support/shell.mjs';
import { testNative } from './testNative.mjs';

const folder = join(root, 'build', 'Release');
const library = join(folder, 'libcudnn_lstm_cuda.so');
const entry = 'cudnn_lstm_cuda_runtime';

/** Why the CUDA library cannot be checked here; undefined when it can. */
export function cudaLibraryMissing() {
  return existsSync(library)
    ? undefined
    : 'it is not part of this build (the configuration says why, LSTM_CUDA=on makes that an error)';
}

/** Runs every check; {passed, failed}. */
export function testCudaLibrary(args = []) {
  const total = testNative({ target: 'lstm_cudnn_tests', args });
  for (const [sentence, problem] of checks()) {
    console.log(problem === undefined ? `ok    ${sentence}` : `FAIL  ${sentence}\n      ${problem}`);
    if (problem === undefined) total.passed += 1;
    else total.failed += 1;
  }
  return total;
}

function checks() {
  if (capture('readelf', ['--version']) === undefined) {
    console.log('skipped: the dependencies of the binaries (readelf is not here)');
    return [];
  }
  return [
    ['the CUDA library needs no CUDA library to be opened', needsCuda(library)],
    ['the addon needs no CUDA library to be opened', needsCuda(join(folder, 'cudnn_lstm.node'))],
    [`the CUDA library shows ${entry} and nothing else`, showsMore(library)],
  ];
}

function needsCuda(file) {
  const needed = [...(capture('readelf', ['-d', file]) ?? '').matchAll(/\(NEEDED\).*\[(.+)\]/g)].map(
    (m) => m[1],
  );
  if (needed.length === 0) return `readelf gives no dependencies of ${file}`;
  const cuda = needed.filter((name) => /cuda|cudnn|cublas|nvrtc|nvidia/i.test(name));
  return cuda.length === 0 ? undefined : `it needs ${cuda.join(', ')}`;
}

function showsMore(file) {
  const symbols = [...(capture('readelf', ['--dyn-syms', '-W', file]) ?? '').matchAll(/^.*$/gm)]
    .map(([line]) => line.trim().split(/\s+/))
    .filter((fields) => fields.length === 8 && /^\d+:$/.test(fields[0]) && fields[6] !== 'UND')
    .map((fields) => fields[7]);
  return symbols.join() === entry ? undefined : `it shows ${symbols.join(', ') || 'nothing'}`;
}

if (process.argv[1] === fileURLToPath(import.meta.url)) {
  const missing = cudaLibraryMissing();
  if (missing !== undefined) console.error(`The CUDA library: ${missing}.`);
  const { passed, failed } =
    missing === undefined ? testCudaLibrary(process.argv.slice(2)) : { passed: 0, failed: 1 };
  console.log(`${passed} passed, ${failed} failed`);
  process.exitCode = failed === 0 ? 0 : 1;
}
