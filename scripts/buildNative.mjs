// Builds the addon: by cmake-js where CMake is, else by node-gyp (the CPU device alone).
//   node scripts/buildNative.mjs [--gyp] [--folder build] [--config Release] [--target NAME] [--option LSTM_CUDA=off]...
import { existsSync, realpathSync, rmSync } from 'node:fs';
import { delimiter, dirname, join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { parseArgs } from 'node:util';
import { capture, packageCommand, root, run, runPackage } from './support/shell.mjs';

const optionNames = ['LSTM_CUDA', 'LSTM_CUDA_ARCHS', 'LSTM_SANITIZE', 'LSTM_TESTS'];

/** Whether this machine can build by CMake: cmake answers, and cmake-js is installed. */
export function hasCmake() {
  return packageCommand('cmake-js') !== undefined && capture('cmake', ['--version']) !== undefined;
}

/** Builds; returns the exit status. `options` are CMake options such as {LSTM_CUDA: 'off'}. */
export function buildNative({
  gyp = false,
  folder = 'build',
  config = 'Release',
  target,
  options = {},
} = {}) {
  return gyp || !hasCmake() ? buildByGyp() : buildByCmake({ folder, config, target, options });
}

function buildByCmake({ folder, config, target, options }) {
  const fromEnvironment = optionNames.filter((name) => process.env[name] !== undefined);
  const wanted = {
    ...Object.fromEntries(fromEnvironment.map((name) => [name, process.env[name]])),
    ...options,
  };
  const place = ['-O', join(root, folder), '-B', config];
  const isConfigured = ['build.ninja', 'Makefile'].some((file) => existsSync(join(root, folder, file)));
  // A configuration that failed leaves its options behind.
  if (!isConfigured) rmSync(join(root, folder, 'CMakeCache.txt'), { force: true });
  // `cmake-js build` configures only a new folder, and an option once cached stays: options configure again.
  if (Object.keys(wanted).length > 0 || !isConfigured) {
    const defines = Object.entries(wanted).map(([name, value]) => `--CD${name}=${value}`);
    const status = runPackage('cmake-js', ['configure', ...place, ...defines]);
    if (status !== 0) return status;
  }
  return runPackage('cmake-js', ['build', ...place, ...(target ? ['-T', target] : [])], { env: parallel() });
}

function parallel() {
  return { CMAKE_BUILD_PARALLEL_LEVEL: process.env.CMAKE_BUILD_PARALLEL_LEVEL ?? '2' };
}

function buildByGyp() {
  const nodeGyp = findNodeGyp();
  if (nodeGyp === undefined) {
    console.error(
      'Neither cmake with cmake-js nor node-gyp was found: install CMake, or npm (it brings node-gyp).',
    );
    return 127;
  }
  const prefix = dirname(dirname(realpathSync(process.execPath)));
  const hasHeaders = existsSync(join(prefix, 'include', 'node', 'common.gypi'));
  const args = ['rebuild', '-C', join(root, 'gyp'), ...(hasHeaders ? [`--nodedir=${prefix}`] : [])];
  return run(process.execPath, [nodeGyp, ...args], { env: { JOBS: process.env.JOBS ?? '2' } });
}

// npm sets npm_config_node_gyp inside its scripts; outside of them node-gyp lies within npm's own folder.
function findNodeGyp() {
  const candidates = [process.env.npm_config_node_gyp];
  for (const folder of (process.env.PATH ?? '').split(delimiter)) {
    const npm = join(folder, 'npm');
    if (!existsSync(npm)) continue;
    candidates.push(join(dirname(realpathSync(npm)), '..', 'node_modules', 'node-gyp', 'bin', 'node-gyp.js'));
  }
  return candidates.find((file) => file !== undefined && existsSync(file));
}

function main() {
  const { values } = parseArgs({
    options: {
      gyp: { type: 'boolean' },
      folder: { type: 'string' },
      config: { type: 'string' },
      target: { type: 'string' },
      option: { type: 'string', multiple: true, default: [] },
    },
  });
  const options = Object.fromEntries(
    values.option.map((text) => [text.slice(0, text.indexOf('=')), text.slice(text.indexOf('=') + 1)]),
  );
  return buildNative({ ...values, options });
}

if (process.argv[1] && realpathSync(process.argv[1]) === fileURLToPath(import.meta.url))
  process.exitCode = main();
