// gyp has no globs. Prints the .cpp files of one folder below native/, relative to gyp/, one a line.
//   node sources.mjs engine
//   node sources.mjs cpu/kernels avx2
// With an instruction set, it prints files of generated/<set>/ that include the sources: gyp names an object after its
// source from the root on, so one source that is compiled in several targets would be one object.
import { mkdirSync, readdirSync, rmSync, writeFileSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { fileURLToPath } from 'node:url';

const [folder, instructionSet] = process.argv.slice(2);
const here = dirname(fileURLToPath(import.meta.url));
const names = readdirSync(join(here, '..', 'native', folder)).filter((name) => name.endsWith('.cpp'));
names.sort();
const place = instructionSet === undefined ? `../native/${folder}` : `generated/${instructionSet}`;
if (instructionSet !== undefined) {
  rmSync(join(here, place), { recursive: true, force: true });
  mkdirSync(join(here, place), { recursive: true });
  for (const name of names) writeFileSync(join(here, place, name), `#include "${folder}/${name}"\n`);
}
for (const name of names) console.log(`${place}/${name}`);
