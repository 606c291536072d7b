import { readFileSync } from 'node:fs';
import { join } from 'node:path';

/** The lines of a text file, without empty ones at its end. */
export function linesOf(folder: string, file: string, encoding: 'utf8' | 'latin1' = 'utf8'): string[] {
  return readFileSync(join(folder, file), encoding).trimEnd().split(/\r?\n/);
}

/** The records of a CSV file of plain fields below its header. */
export function csvRows(folder: string, file: string): string[][] {
  return linesOf(folder, file)
    .slice(1)
    .map((line) => line.split(','));
}

/** Steps of a CSV file as sequences: consecutive lines with the same first field are one. */
export function sequencesOf(records: readonly string[][]): string[][][] {
  const sequences: string[][][] = [];
  let last: string | undefined;
  for (const record of records) {
    if (record[0] !== last) sequences.push([]);
    sequences.at(-1)!.push(record);
    last = record[0];
  }
  return sequences;
}

/** Numbers for names, in the order in which they first come. */
export class Labels {
  readonly names: string[] = [];
  readonly #ids = new Map<string, number>();

  /** The number of a name; a new name gets the next one. */
  of(name: string): number {
    const known = this.#ids.get(name);
    if (known !== undefined) return known;
    this.#ids.set(name, this.names.length);
    return this.names.push(name) - 1;
  }
}
