// Makes prebuilds/<platform>-<arch>/: the addon that the packed package carries, built, stripped and tried.
import { copyFileSync, existsSync, mkdirSync, readdirSync, rmSync, statSync } from 'node:fs';
import { join } from 'node:path';
import { buildNative, hasCmake } from './buildNative.mjs';
import { capture, root, run } from './support/shell.mjs';

const from = join(root, hasCmake() ? 'build/Release' : 'gyp/build/Release');
const to = join(root, 'prebuilds', `${process.platform}-${process.arch}`);

function main() {
  const status = buildNative();
  if (status !== 0) return status;
  rmSync(to, { recursive: true, force: true });
  mkdirSync(to, { recursive: true });
  // Beside the addon lie the libraries that it opens at run time.
  for (const file of readdirSync(from).filter((name) => /\.(node|so|dylib|dll)$/.test(name))) {
    copyFileSync(join(from, file), join(to, file));
    if (process.platform === 'linux') capture('strip', ['--strip-unneeded', join(to, file)]);
  }
  const addon = join(to, 'cudnn_lstm.node');
  if (!existsSync(addon)) {
    console.error(`The build left no ${join(from, 'cudnn_lstm.node')}.`);
    return 1;
  }
  const loads = run(process.execPath, ['-e', 'require(process.argv[1])', addon]);
  if (loads === 0) console.log(`${addon}: ${(statSync(addon).size / 1e6).toFixed(2)} MB`);
  return loads;
}

process.exitCode = main();
