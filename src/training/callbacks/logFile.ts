import { appendFile, mkdir, open, writeFile } from 'node:fs/promises';
import { dirname } from 'node:path';

import { field, flag } from '../../config/fields.js';

/** What logs of lines take. */
export interface LogOptions {
  /** The file; its folder is made where it is missing. */
  readonly path: string;
  /** Go on with what is in the file, for a resumed run. By default it begins anew. */
  readonly append?: boolean | undefined;
}

export const logFields = {
  path: field<string>('the path of a file', (value) => typeof value === 'string' && value !== ''),
  append: flag.default(false),
};

/** Makes the file empty, or with `append` ready for the next line. */
export async function startLog({ path, append }: { path: string; append: boolean }): Promise<void> {
  await mkdir(dirname(path), { recursive: true });
  if (!append) return writeFile(path, '');
  // A crash may have left half a line.
  if (!(await endsWithLine(path))) await appendFile(path, '\n');
}

export function addLine(path: string, line: string): Promise<void> {
  return appendFile(path, `${line}\n`);
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
