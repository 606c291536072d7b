// npm run test:neon: the engine, the CPU device and their C++ tests, cross-compiled for 64-bit ARM and run by qemu's user
// mode, so that the NEON code is tested where there is no ARM machine. Debian has both: g++-aarch64-linux-gnu, qemu-user.
// The last line is `N passed, N failed`.   node scripts/testNeon.mjs [part of a sentence or file name]
import { spawnSync } from 'node:child_process';
import { join } from 'node:path';
import { capture, root, run } from './support/shell.mjs';
import { countsIn, Tally } from './support/tally.mjs';

const compiler = 'aarch64-linux-gnu-g++';
const emulator = 'qemu-aarch64';
const folder = 'build-neon';
const target = 'lstm_cpu_tests';
const tally = new Tally();

function missing() {
  const absent = ['cmake', compiler, emulator].filter(
    (command) => capture(command, ['--version']) === undefined,
  );
  return absent.length === 0 ? undefined : `${absent.join(', ')} not found`;
}

function build() {
  const options = {
    CMAKE_SYSTEM_NAME: 'Linux',
    CMAKE_SYSTEM_PROCESSOR: 'aarch64',
    CMAKE_C_COMPILER: 'aarch64-linux-gnu-gcc',
    CMAKE_CXX_COMPILER: compiler,
    LSTM_CUDA: 'off',
  };
  const defines = Object.entries(options).map(([name, value]) => `-D${name}=${value}`);
  const jobs = process.env.CMAKE_BUILD_PARALLEL_LEVEL ?? '2';
  return (
    run('cmake', ['-S', '.', '-B', folder, ...defines]) ||
    run('cmake', ['--build', folder, '--target', target, '-j', jobs])
  );
}

/** That the product's inner loop multiplies and adds four floats at once. */
function usesVectors() {
  const object = `${folder}/CMakeFiles/lstm_kernels_baseline.dir/native/cpu/kernels/gemm.cpp.o`;
  const code = capture('aarch64-linux-gnu-objdump', ['-d', join(root, object)]) ?? '';
  const count = (code.match(/\bfmla\s+v\d+\.4s/g) ?? []).length;
  console.log(`${object}: ${count} instructions fmla of four floats`);
  return count > 100 ? 0 : 1;
}

function test() {
  const sysroot = '/usr/aarch64-linux-gnu';
  const result = spawnSync(emulator, ['-L', sysroot, join(root, folder, target), ...process.argv.slice(2)], {
    cwd: root,
    encoding: 'utf8',
    maxBuffer: 1 << 28,
    stdio: ['ignore', 'pipe', 'inherit'],
  });
  process.stdout.write(result.stdout ?? '');
  const counts = countsIn(result.stdout ?? '') ?? { passed: 0, failed: 0 };
  if (result.status !== 0 && counts.failed === 0) counts.failed = 1;
  return counts;
}

const reason = missing();
if (reason !== undefined) {
  console.error(`test:neon cannot run: ${reason}`);
  tally.add('NEON', { passed: 0, failed: 1 });
} else if (tally.check('build: C++ tests for 64-bit ARM', build)) {
  tally.check('NEON code', usesVectors);
  console.log('\n== C++ tests by qemu');
  tally.add('C++ tests by qemu', test());
}
process.exitCode = tally.close();
