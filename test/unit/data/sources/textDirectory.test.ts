import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';

import { ConfigError, DataError, textDirectory } from '../../../../src/index.js';

const folder = mkdtempSync(join(tmpdir(), 'texts-'));
afterAll(() => rmSync(folder, { recursive: true }));

function write(path: string, text: string | Uint8Array): void {
  mkdirSync(join(folder, path, '..'), { recursive: true });
  writeFileSync(join(folder, path), text);
}

async function all<T>(items: AsyncIterable<T>): Promise<T[]> {
  const found: T[] = [];
  for await (const item of items) found.push(item);
  return found;
}

beforeAll(() => {
  for (const name of ['pos/2.txt', 'neg/b.txt', 'pos/10.txt', 'neg/a.txt', 'neg/readme.md'])
    write(`reviews/${name}`, `of ${name}`);
  write('reviews/list.txt', 'no class');
  write('flat/a.txt', 'text');
  mkdirSync(join(folder, 'hollow/neg'), { recursive: true });
  write('hollow/pos/a.txt', 'text');
  write('bytes/neg/a.txt', Uint8Array.of(0x61, 0x0a, 0xff));
});

describe('textDirectory', () => {
  it('gives every text with its folder as class, sorted by name', async () => {
    const directory = await textDirectory(join(folder, 'reviews'));
    expect([directory.classes, directory.count]).toEqual([['neg', 'pos'], 4]);
    expect(await all(directory)).toEqual(
      ['neg/a.txt', 'neg/b.txt', 'pos/10.txt', 'pos/2.txt'].map((name) => ({
        text: `of ${name}`,
        label: name.slice(0, 3),
        classId: name.startsWith('pos') ? 1 : 0,
        path: join(folder, 'reviews', name),
      })),
    );
  });

  it('shuffles files by seed and epoch', async () => {
    const read = async (seed: number, epoch: number) =>
      (await all(await textDirectory(join(folder, 'reviews'), { shuffle: { seed, epoch } }))).map(
        ({ path }) => path,
      );
    expect(await read(1, 0)).toEqual(await read(1, 0));
    expect((await read(1, 0)).toSorted()).toEqual((await read(1, 5)).toSorted());
    const orders = await Promise.all([0, 1, 2, 3, 4, 5].map((epoch) => read(1, epoch)));
    expect(new Set(orders.map((order) => order.join())).size).toBeGreaterThan(1);
  });

  it('takes other endings', async () => {
    await expect(textDirectory(join(folder, 'reviews'), { extension: '.md' })).rejects.toThrow(
      /pos: expected files that end in '.md'/,
    );
    expect((await textDirectory(join(folder, 'reviews'), { extension: '' })).count).toBe(5);
  });

  it.each([
    ['nowhere', /nowhere: expected a directory of folders, one a class/],
    ['flat', /flat: expected folders, one a class, received none/],
    ['hollow', /neg: expected files that end in '.txt', received none/],
    ['flat/a.txt', /expected a directory/],
  ])('refuses %s', async (name, message) => {
    await expect(textDirectory(join(folder, name))).rejects.toThrow(DataError);
    await expect(textDirectory(join(folder, name))).rejects.toThrow(message);
  });

  it('names file and line of bytes that are not of the encoding', async () => {
    await expect(all(await textDirectory(join(folder, 'bytes')))).rejects.toThrow(
      /a.txt:2: expected text in utf-8/,
    );
    const [only] = await all(await textDirectory(join(folder, 'bytes'), { encoding: 'latin1' }));
    expect(only!.text).toBe('a\nÿ');
  });

  it('refuses unknown options', async () => {
    await expect(textDirectory(folder, { ending: '.txt' } as never)).rejects.toThrow(ConfigError);
  });
});
