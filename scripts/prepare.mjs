// npm runs this after `npm ci` in a clone, and never for a dependent.
import { existsSync } from 'node:fs';
import { join } from 'node:path';
import { packageCommand, root, run } from './support/shell.mjs';

if (packageCommand('typescript', 'tsc') === undefined) {
  console.log('cudnn-lstm: the development dependencies are not installed, so nothing is built.');
} else if (!existsSync(join(root, 'src', 'index.ts'))) {
  console.log('cudnn-lstm: no sources here, so nothing is built.');
} else {
  process.exitCode = run(process.execPath, [join(root, 'scripts', 'build.mjs')]);
}
