import { appendFile, mkdir, open, stat, writeFile } from 'node:fs/promises';
import { dirname } from 'node:path';

import { field, flag } from '../../config/fields.js';
import type { CallbackState } from '../callbackStates.js';

/** What logs of lines take. */
export interface LogOptions {
  /** The file; its folder is made where it is missing. */
  readonly path: string;
  /** Go on with what is in the file. By default it begins anew, but for a run that is resumed (`resume`). */
  readonly append?: boolean | undefined;
}

export const logFields = {
  path: field<string>('the path of a file', (value) => typeof value === 'string' && value !== ''),
  append: flag.default(false),
};

/** A file of lines that a run adds to, and that a resumed run goes on with where its checkpoint was written. */
export class LogFile {
  readonly #path: string;
  readonly #append: boolean;
  /** Its size after what this run has written; undefined: nothing yet. */
  #bytes: number | undefined;

  constructor({ path, append }: { readonly path: string; readonly append: boolean }) {
    this.#path = path;
    this.#append = append;
  }

  saveState(): CallbackState {
    return { values: { bytes: this.#bytes } };
  }

  restoreState({ values }: CallbackState): void {
    this.#bytes = (values as { readonly bytes?: number }).bytes;
  }

  /** Makes the file empty, ready for the next line (`append`), or what it was at the checkpoint of a resumed run. */
  async start(resumed: boolean): Promise<void> {
    await mkdir(dirname(this.#path), { recursive: true });
    const bytes = resumed ? this.#bytes : undefined;
    if (!resumed && !this.#append) await writeFile(this.#path, '');
    else {
      if (bytes !== undefined) await cutTo(this.#path, bytes);
      // A crash may have left half a line.
      if (!(await endsWithLine(this.#path))) await appendFile(this.#path, '\n');
    }
    await this.#measure();
  }

  async add(line: string): Promise<void> {
    await appendFile(this.#path, `${line}\n`);
    await this.#measure();
  }

  async #measure(): Promise<void> {
    this.#bytes = (await stat(this.#path)).size;
  }
}

// What was logged after the checkpoint is logged again.
async function cutTo(path: string, bytes: number): Promise<void> {
  const file = await open(path, 'a+');
  try {
    if ((await file.stat()).size > bytes) await file.truncate(bytes);
  } finally {
    await file.close();
  }
}

/** The first line of a file, or undefined for an empty one. */
export async function firstLine(path: string): Promise<string | undefined> {
  const file = await open(path, 'r');
  try {
    for await (const line of file.readLines()) return line;
    return undefined;
  } finally {
    await file.close();
  }
}

async function endsWithLine(path: string): Promise<boolean> {
  const file = await open(path, 'a+');
  try {
    const { size } = await file.stat();
    if (size === 0) return true;
    const { buffer } = await file.read(Buffer.alloc(1), 0, 1, size - 1);
    return buffer[0] === 0x0a;
  } finally {
    await file.close();
  }
}
