// npm run docs: API pages in docs/api/, from the doc comments of everything that src/index.ts exports.
import { existsSync } from 'node:fs';
import { join } from 'node:path';
import { root, run } from './support/shell.mjs';

const typedoc = join(root, 'docs/generator/node_modules/typedoc/bin/typedoc');

if (existsSync(typedoc)) {
  process.exitCode = run(process.execPath, [typedoc, '--options', 'docs/generator/typedoc.json']);
} else {
  console.error('typedoc is not installed: run npm ci');
  process.exitCode = 127;
}
