// The import rules: who may import whom, in src/ (TypeScript) and in native/ (C++). The rooms are those of
// ARCHITECTURE.md; a new folder needs a row here.   node scripts/checkImports.mjs [ROOT]
import { readFileSync } from 'node:fs';
import { dirname, join, normalize } from 'node:path';
import { fileURLToPath } from 'node:url';
import { filesBelow, root } from './support/shell.mjs';

// Anybody may import these.
const common = ['errors.ts', 'config'];
// Descriptors, data and files: they know no native code and no model.
const leaves = ['layers', 'losses', 'regularizers', 'optimizers', 'schedules', 'metrics', 'initializers'];
const below = [...leaves, 'data', 'text', 'series', 'io'];

/** Room of src/ (first folder or file name) -> rooms it may import. Every room may import itself. */
const typescriptRooms = {
  'errors.ts': [],
  config: ['errors.ts'],
  ...Object.fromEntries(below.map((room) => [room, [...common, ...below]])),
  native: common,
  model: [...common, ...below, 'native', 'training', 'report'],
  training: [...common, ...below, 'native', 'model'],
  experiment: [...common, ...below, 'native', 'model', 'training', 'search', 'report'],
  search: [...common, ...below, 'native', 'model', 'training'],
  report: [...common, ...below, 'native', 'training'],
  cli: [...common, ...below, 'native', 'model', 'training', 'search', 'report', 'experiment', 'index.ts'],
  'index.ts': [...common, ...below, 'native', 'model', 'training', 'search', 'report', 'experiment'],
};

/** What a room may import by `import type` beside that: types leave no import in the program. */
const typescriptTypes = {
  'errors.ts': ['training'],
};

/** Room of native/ -> rooms whose headers it may include, and single headers beside them. */
const nativeRooms = {
  engine: { rooms: [], headers: [] },
  cpu: { rooms: ['engine'], headers: [] },
  cuda: { rooms: ['engine'], headers: [] },
  addon: {
    rooms: ['engine'],
    headers: ['cpu/cpu_device.h', 'cuda/cuda_device.h', 'cuda/runtime.h', 'cuda/runtime_library.h'],
  },
};

const importPattern =
  /(\b(?:import|export)\s+type\b[^;'"]*)?(?:\bfrom\s*|\bimport\s*\(\s*|^\s*import\s+)['"]([^'"]+)['"]/gm;
const includePattern = /^[ \t]*#[ \t]*include[ \t]*([<"])([^>"]+)[>"]/gm;

/** Every breach of the rules in `files`, a map of path (from the root) to text, as sentences. */
export function findBreaches(files) {
  return [...files].flatMap(([path, text]) => {
    if (path.startsWith('src/')) return typescriptBreaches(path, text);
    if (path.startsWith('native/')) return nativeBreaches(path, text, files);
    return [];
  });
}

function typescriptBreaches(path, text) {
  const room = path.split('/')[1];
  const allowed = typescriptRooms[room];
  if (allowed === undefined)
    return [`${path}: src/${room} is no room of typescriptRooms in checkImports.mjs`];
  const breaches = [];
  for (const [, typeOnly, specifier] of withoutComments(text).matchAll(importPattern)) {
    if (!specifier.startsWith('.')) continue;
    const target = normalize(join(dirname(path), specifier)).split('/');
    const targetRoom = target[1]?.replace(/\.js$/, '.ts');
    if (target[0] !== 'src') breaches.push(`${path}: imports ${specifier}, which is outside of src/`);
    else if (typeOnly !== undefined && typescriptTypes[room]?.includes(targetRoom)) continue;
    else if (targetRoom !== room && !allowed.includes(targetRoom))
      breaches.push(`${path}: src/${room} must not import src/${targetRoom} (${specifier})`);
    else if (room !== 'native' && target.slice(1).join('/') === 'native/loadAddon.js')
      breaches.push(`${path}: only src/native imports the addon's loader (${specifier})`);
  }
  return breaches;
}

function nativeBreaches(path, text, files) {
  const room = path.split('/')[1];
  const allowed = nativeRooms[room];
  if (allowed === undefined) return [`${path}: native/${room} is no room of nativeRooms in checkImports.mjs`];
  const breaches = [];
  for (const [, bracket, header] of withoutComments(text).matchAll(includePattern)) {
    const beside = normalize(join(dirname(path), header));
    const target = files.has(beside) ? beside.slice('native/'.length) : header;
    const targetRoom = target.split('/')[0];
    if (!Object.hasOwn(nativeRooms, targetRoom)) {
      // A foreign header: the standard library's have no ending.
      const isStandard = bracket === '<' && !header.includes('.');
      if (room === 'engine' && !isStandard)
        breaches.push(`${path}: native/engine includes the C++ standard library alone, not ${header}`);
    } else if (
      targetRoom !== room &&
      !allowed.rooms.includes(targetRoom) &&
      !allowed.headers.includes(target)
    ) {
      breaches.push(`${path}: native/${room} must not include ${target}`);
    }
  }
  return breaches;
}

function withoutComments(text) {
  return text.replace(/\/\*[\s\S]*?\*\//g, '').replace(/(^|[\s;{}])\/\/.*$/gm, '$1');
}

function main() {
  const paths = [...filesBelow(['src'], ['.ts']), ...filesBelow(['native'], ['.h', '.cpp', '.cu', '.cuh'])];
  const breaches = findBreaches(new Map(paths.map((path) => [path, readFileSync(join(root, path), 'utf8')])));
  for (const breach of breaches) console.error(breach);
  console.log(`import rules: ${paths.length} files, ${breaches.length} breaches`);
  return breaches.length === 0 ? 0 : 1;
}

if (process.argv[1] === fileURLToPath(import.meta.url)) process.exitCode = main();
