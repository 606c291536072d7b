// The kernels are compiled once for each instruction set. An inline function that such an object shares with the rest
// of the program (std::vector's, say) may be the copy the linker keeps for everybody, and then the program dies on a
// processor without that instruction set. So every symbol such an object defines must be of its own namespace.
//   node scripts/checkKernelSymbols.mjs [build folder]
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { capture, filesBelow, root } from './support/shell.mjs';

const instructionSets = ['avx2', 'avx512', 'wide'];

// Written by the compiler itself: they hold no code.
const harmless = /^DW\.ref\./;

/** Symbols of `nm -C --defined-only` output that are visible to the linker and not of the instruction set's own. */
export function foreignSymbols(nmOutput, instructionSet) {
  return nmOutput
    .split('\n')
    .map((line) => /^[0-9a-f]*\s+([A-Zuvw])\s+(.+)$/.exec(line))
    .filter(
      (match) => match !== null && !harmless.test(match[2]) && !match[2].includes(`::${instructionSet}::`),
    )
    .map((match) => match[2]);
}

function main() {
  const folder = process.argv[2] ?? 'build';
  if (capture('nm', ['--version']) === undefined) {
    console.log('kernel symbols: nm is not here, not checked');
    return 0;
  }
  let failed = 0;
  let count = 0;
  for (const instructionSet of instructionSets) {
    const place = `${folder}/CMakeFiles/lstm_kernels_${instructionSet}.dir`;
    for (const file of filesBelow([place], ['.o'])) {
      count += 1;
      for (const symbol of foreignSymbols(
        capture('nm', ['-C', '--defined-only', join(root, file)]) ?? '',
        instructionSet,
      )) {
        failed += 1;
        console.error(`${file}: defines ${symbol}, which is not of the namespace ${instructionSet}`);
      }
    }
  }
  console.log(`kernel symbols: ${count} objects, ${failed} foreign symbols`);
  return failed === 0 ? 0 : 1;
}

if (process.argv[1] === fileURLToPath(import.meta.url)) process.exitCode = main();
