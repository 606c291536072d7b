import { mkdir } from 'node:fs/promises';
import { dirname } from 'node:path';
import { ConfigError } from '../errors.js';

/**
 * Makes the folders that files are to be written into, before anything is computed for them.
 *
 * @param paths By the settings that name them, for messages: `$.output.model`.
 * @throws ConfigError
 */
export async function makeFolders(paths: Readonly<Record<string, string | undefined>>): Promise<void> {
  for (const [setting, path] of Object.entries(paths)) {
    if (path !== undefined) await makeFolder(dirname(path), setting);
  }
}

async function makeFolder(folder: string, setting: string): Promise<void> {
  try {
    await mkdir(folder, { recursive: true });
  } catch (cause) {
    const expected = 'a path in a folder that is there or can be made';
    const received = cause instanceof Error ? cause.message : String(cause);
    throw new ConfigError(
      `${setting}: expected ${expected}, received ${received}`,
      { path: setting, expected, received },
      { cause },
    );
  }
}
