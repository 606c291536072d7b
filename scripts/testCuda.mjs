// npm run test:cuda: on cuda:0, the C++ tests of the device's ops, the same under compute-sanitizer, the parity tests
// and those of test/cuda. Fails when there is no GPU; a stand-in does not count as one. The last line is
// `N passed, N failed`.   node scripts/testCuda.mjs [vitest filters]     (with filters: vitest alone)
import { existsSync } from 'node:fs';
import { join } from 'node:path';
import { capture, root, run } from './support/shell.mjs';
import { buildNative } from './buildNative.mjs';
import { findComputeSanitizer, underComputeSanitizer } from './support/computeSanitizer.mjs';
import { Tally } from './support/tally.mjs';
import { runVitest } from './support/vitest.mjs';
import { testNative } from './testNative.mjs';

const filters = process.argv.length > 2 ? process.argv.slice(2) : ['test/parity', 'test/cuda'];
const tally = new Tally();

/** cuda:0 of the doctor's report; undefined where it is missing, does not work or stands in for a GPU. */
function findGpu() {
  const report = capture(process.execPath, [`${root}/dist/cli/main.js`, 'doctor', '--json']) ?? '{}';
  const { devices = [] } = JSON.parse(report);
  const gpus = devices.filter(({ device }) => device.startsWith('cuda'));
  for (const { device, name, reason, failure, standIn } of gpus)
    console.log(`${device}: ${standIn ? `${name}, which is no GPU` : (failure ?? reason ?? name)}`);
  return gpus.find(({ device, works, standIn }) => device === 'cuda:0' && works && !standIn);
}

/** The C++ tests that hold the device's ops to the CPU device, then our kernels under each tool. */
function testOps() {
  const library = join(root, 'build', 'Release', 'libcudnn_lstm_cuda.so');
  console.log('\n== C++ tests on cuda:0');
  tally.add('C++ tests on cuda:0', testNative({ args: ['--gpu', library] }));
  const sanitizer = findComputeSanitizer();
  for (const tool of ['memcheck', 'racecheck', 'initcheck']) {
    if (sanitizer === undefined) tally.skip(`compute-sanitizer ${tool}`, 'it is not in this CUDA toolkit');
    for (const file of sanitizer === undefined ? [] : ['cuda_ops_test', 'cuda_sizes_test']) {
      const args = ['--gpu', library, file];
      const program = join(root, 'build', 'lstm_native_tests');
      tally.check(`${tool}: ${file}`, () => underComputeSanitizer(sanitizer, tool, program, args));
    }
  }
}

function main() {
  // CUDNN_LSTM_ADDON names an addon that is built already.
  const build = process.env.CUDNN_LSTM_ADDON ? () => 0 : () => buildNative({ options: { LSTM_CUDA: 'on' } });
  if (!tally.check('build: addon and CUDA library', build)) return tally.close();
  // A machine lent for its GPU may have no compiler for TypeScript: dist then comes along.
  const hasTypeScript = existsSync(`${root}/node_modules/typescript`);
  const buildDist = () => run(process.execPath, [`${root}/scripts/build.mjs`, '--ts']);
  if (hasTypeScript && !tally.check('build: dist', buildDist)) return tally.close();
  if (!tally.check('a GPU', () => (findGpu() === undefined ? 1 : 0))) return tally.close();
  if (process.argv.length === 2) testOps();
  console.log('\n== vitest on cuda:0');
  // One file at a time: each process has a context of its own on the GPU.
  const args = ['--no-file-parallelism', '--testTimeout=300000', ...filters];
  tally.add('vitest on cuda:0', runVitest(args, { env: { CUDNN_LSTM_TEST_GPU: '1' } }));
  return tally.close();
}

process.exitCode = main();
