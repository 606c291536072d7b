import { existsSync, readdirSync, readFileSync } from 'node:fs';
import { dirname, join } from 'node:path';

/** Enough to learn from in half a minute. */
const length = 600_000;

/**
 * The start of the standard library as TypeScript declares it, `lib.*.d.ts`: text that is there after `npm ci`.
 * Files are taken in the order of their names, each without its licence header, which they all share.
 */
export function typescriptText(from: string): string {
  const folder = libFolder(from);
  const names = readdirSync(folder).filter((name) => /^lib\..*d\.ts$/.test(name));
  const texts = names.sort().map((name) => readFileSync(join(folder, name), 'utf8'));
  return texts
    .map((text) => text.replace(/^\s*\/\*![^]*?\*\/\s*/, ''))
    .join('\n')
    .slice(0, length);
}

/** The folder of the declarations, in `typescript` or in the package of its compiler for this platform. */
function libFolder(from: string): string {
  for (let folder = from; ; folder = dirname(folder)) {
    const modules = join(folder, 'node_modules');
    const packages = [join(modules, 'typescript'), ...scopedPackages(join(modules, '@typescript'))];
    const found = packages
      .map((path) => join(path, 'lib'))
      .find((path) => existsSync(join(path, 'lib.es5.d.ts')));
    if (found !== undefined) return found;
    if (folder === dirname(folder)) {
      throw new Error(
        `no lib.es5.d.ts of TypeScript in node_modules of ${from} or above: run npm ci, or give --data`,
      );
    }
  }
}

function scopedPackages(scope: string): string[] {
  return existsSync(scope)
    ? readdirSync(scope)
        .sort()
        .map((name) => join(scope, name))
    : [];
}
