// npm run test:asan: the C++ tests, the device tests and the leak script on a build with AddressSanitizer and
// UndefinedBehaviorSanitizer. The last line is `N passed, N failed`.   node scripts/testAsan.mjs [--device] [vitest filters]
// --device leaves the C++ tests out, whose sources take most of the time to build.
import { existsSync } from 'node:fs';
import { join } from 'node:path';
import { buildNative, hasCmake } from './buildNative.mjs';
import { capture, root, run } from './support/shell.mjs';
import { Tally } from './support/tally.mjs';
import { runVitest } from './support/vitest.mjs';
import { nativeTestsMissing, testNative } from './testNative.mjs';

const build = {
  folder: 'build-asan',
  config: 'RelWithDebInfo',
  options: { LSTM_SANITIZE: 'address,undefined', LSTM_CUDA: 'off' },
};
const ubsan = 'halt_on_error=1:print_stacktrace=1';
// Programs of their own, files and pages: they reach nothing native that the others do not.
const others = [
  'callbacks',
  'commandLine*',
  'cudaMissing',
  'dataSources',
  'doctor',
  'killResume',
  'report',
  'schedules',
  'search*',
];
const excluded = others.flatMap((name) => ['--exclude', `test/device/${name}.test.ts`]);
const given = process.argv.slice(2).filter((argument) => argument !== '--device');
const deviceAlone = process.argv.includes('--device');
const filters = given.length > 0 ? given : ['test/device', ...excluded];
const tally = new Tally();

function main() {
  if (!hasCmake()) {
    console.error('test:asan needs CMake and cmake-js.');
    return 1;
  }
  if (!tally.check('build: addon with sanitizers', () => buildNative(build))) return tally.close();
  // test/leaks.mjs imports the package by its name, that is dist/.
  tally.check('build: dist', () => run(process.execPath, [join(root, 'scripts/build.mjs'), '--ts']));
  const missing = deviceAlone ? '--device asks for the device tests alone' : nativeTestsMissing();
  if (missing === undefined) {
    console.log('\n== C++ tests');
    tally.add('C++ tests', testNative({ ...build, env: { UBSAN_OPTIONS: ubsan } }));
  } else tally.skip('C++ tests', missing);

  // node itself is not instrumented: the sanitizer's library has to be there before anything else.
  const env = {
    CUDNN_LSTM_ADDON: join(root, build.folder, build.config, 'cudnn_lstm.node'),
    LD_PRELOAD: capture('g++', ['-print-file-name=libasan.so']),
    UBSAN_OPTIONS: ubsan,
    CUDNN_LSTM_SANITIZED: '1',
  };
  console.log('\n== device tests');
  // vitest ends its forks early, so leaks are the business of test/leaks.mjs alone.
  const timeouts = ['--testTimeout=300000', '--hookTimeout=300000'];
  tally.add(
    'device tests',
    runVitest([...timeouts, ...filters], { env: { ...env, ASAN_OPTIONS: 'detect_leaks=0' } }),
  );

  const standIn = join(root, build.folder, 'libcudnn_lstm_cuda_standin.so');
  if (existsSync(standIn)) {
    console.log('\n== the CUDA device on its stand-in (no GPU)');
    // Numbers alone, by the calls that the others make too.
    const numbers = ['finiteDifferences', 'precision'].flatMap((name) => [
      '--exclude',
      `test/cuda/${name}.test.ts`,
    ]);
    const onStandIn = ['test/cuda', 'test/device/devices', 'test/device/steps', ...numbers];
    const standInEnv = { ...env, ASAN_OPTIONS: 'detect_leaks=0', CUDNN_LSTM_CUDA_LIBRARY: standIn };
    const stage = 'the CUDA device on its stand-in (no GPU)';
    tally.add(stage, runVitest([...timeouts, ...onStandIn], { env: standInEnv }));
  }

  if (existsSync(join(root, 'test/leaks.mjs'))) {
    const suppressions = `suppressions=${join(root, 'lsan.supp')}`;
    tally.check('leaks', () =>
      run(process.execPath, ['test/leaks.mjs'], { env: { ...env, LSAN_OPTIONS: suppressions } }),
    );
  } else tally.skip('leaks', 'there is no test/leaks.mjs');
  return tally.close();
}

process.exitCode = main();
