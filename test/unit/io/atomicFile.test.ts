import { spawnSync } from 'node:child_process';
import { mkdtemp, readdir, readFile, rm, writeFile } from 'node:fs/promises';
import { hostname, tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { writeFileAtomically } from '../../../src/io/atomicFile.js';

let folder: string;
beforeEach(async () => {
  folder = await mkdtemp(join(tmpdir(), 'atomic-'));
});
afterEach(() => rm(folder, { recursive: true }));

describe('a file that is written whole', () => {
  it('removes what a writer of the same file left when it was killed, and nothing else', async () => {
    // A process that is over: nobody has its number now, or it would be a new one's.
    const { pid } = spawnSync(process.execPath, ['-e', '']);
    const host = hostname().replaceAll(/[^\w-]/g, '_');
    const ofDead = `.model.${host}.${pid}.one.tmp`;
    const others = [
      `.model.${host}.${process.pid}.two.tmp`,
      `.model.elsewhere.${pid}.three.tmp`,
      `.other.${host}.${pid}.four.tmp`,
      `.model.${host}.${pid}.five.txt`,
    ];
    for (const name of [ofDead, ...others]) await writeFile(join(folder, name), 'half');
    await writeFileAtomically(join(folder, 'model'), new TextEncoder().encode('whole'));
    expect((await readdir(folder)).sort()).toEqual([...others, 'model'].sort());
    expect(await readFile(join(folder, 'model'), 'utf8')).toBe('whole');
  });
});
