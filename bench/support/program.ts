import { existsSync } from 'node:fs';
import { fileURLToPath } from 'node:url';

const folder = new URL('../../build/', import.meta.url);

/** Where a program of bench/native lies. */
export function findProgram(name: string): string {
  const places = [name, `Release/${name}`].map((one) => fileURLToPath(new URL(one, folder)));
  const found = places.find((path) => existsSync(path));
  if (found !== undefined) return found;
  throw new Error(`expected build/${name}; build it: node scripts/buildNative.mjs --target ${name}`);
}
