import { randomUUID } from 'node:crypto';
import { open, readdir, rename, rm } from 'node:fs/promises';
import { hostname } from 'node:os';
import { basename, dirname, join } from 'node:path';

/**
 * Writes a file so that its path shows the old content or the whole new one, whatever happens in between:
 * to a new file beside it, flushed to disk, then renamed over it.
 */
export async function writeFileAtomically(path: string, bytes: Uint8Array): Promise<void> {
  const folder = dirname(path);
  const prefix = temporaryPrefix(path);
  await removeLeftOvers(folder, prefix);
  const temporary = join(folder, `${prefix}${process.pid}.${randomUUID()}.tmp`);
  try {
    await withFile(temporary, 'wx', async (file) => {
      await file.writeFile(bytes);
      await file.sync();
    });
    await rename(temporary, path);
  } catch (error) {
    await rm(temporary, { force: true });
    throw error;
  }
  // The rename itself reaches the disk with the folder.
  await withFile(folder, 'r', (file) => file.sync());
}

// The machine is part of the name: a process of another one, on a folder that both see, cannot be asked for.
function temporaryPrefix(path: string): string {
  return `.${basename(path)}.${hostname().replaceAll(/[^\w-]/g, '_')}.`;
}

/** Removes what writers of the same file have left that were killed in the middle. */
async function removeLeftOvers(folder: string, prefix: string): Promise<void> {
  const names = await readdir(folder).catch(() => []);
  for (const name of names) {
    if (!name.startsWith(prefix)) continue;
    const [pid, , end] = name.slice(prefix.length).split('.');
    if (end === 'tmp' && !isRunning(Number(pid))) await rm(join(folder, name), { force: true });
  }
}

function isRunning(pid: number): boolean {
  try {
    process.kill(pid, 0);
    return true;
  } catch (error) {
    return (error as NodeJS.ErrnoException).code !== 'ESRCH';
  }
}

type FileHandle = Awaited<ReturnType<typeof open>>;

async function withFile(
  path: string,
  flags: string,
  use: (file: FileHandle) => Promise<void>,
): Promise<void> {
  const file = await open(path, flags);
  try {
    await use(file);
  } finally {
    await file.close();
  }
}
