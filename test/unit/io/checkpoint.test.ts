import { mkdtemp, readdir, readFile, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, beforeEach, describe, expect, it } from 'vitest';

import { CheckpointError } from '../../../src/errors.js';
import { type CheckpointContent, readCheckpoint, writeCheckpoint } from '../../../src/io/checkpoint.js';
import { decodeSafetensors, encodeSafetensors } from '../../../src/io/safetensors.js';

const weight = { data: Float32Array.of(1, 2, 3, 4), shape: [2, 2] };
const moment = { data: Float32Array.of(0.1, 0.2, 0.3, 0.4), shape: [2, 2] };
const content: CheckpointContent = {
  config: { layers: [{ kind: 'dense', units: 2 }], seed: 3 },
  vocabulary: { kind: 'character', tokens: ['a', 'ü'] },
  counters: { step: 12, draws: 14 },
  tensors: { 'fc.weight': weight },
  optimizer: { m: { 'fc.weight': moment }, v: { 'fc.weight': moment } },
  extra: { optimizer: 'adam' },
};

let folder: string;
let path: string;

beforeAll(async () => {
  folder = await mkdtemp(join(tmpdir(), 'checkpoint-'));
  path = join(folder, 'model.safetensors');
});
afterAll(() => rm(folder, { recursive: true }));
beforeEach(() => writeCheckpoint(path, content));

/** Writes the checkpoint again with other metadata, without a new checksum. */
async function rewrite(change: (metadata: Record<string, string>) => void): Promise<void> {
  const { tensors, metadata } = decodeSafetensors(await readFile(path));
  const changed = { ...metadata };
  change(changed);
  await writeFile(path, encodeSafetensors({ tensors, metadata: changed }));
}

describe('checkpoint', () => {
  it('gives back what was written', async () => {
    expect(await readCheckpoint(path)).toEqual(content);
  });

  it('needs neither vocabulary nor moments', async () => {
    const { config, counters, tensors } = content;
    await writeCheckpoint(path, { config, counters, tensors });
    expect(await readCheckpoint(path)).toEqual({ config, counters, tensors });
  });

  it('is a safetensors file with the moments under names of their own', async () => {
    const { tensors, metadata } = decodeSafetensors(await readFile(path));
    expect(Object.keys(tensors)).toEqual(['fc.weight', 'optimizer.m.fc.weight', 'optimizer.v.fc.weight']);
    expect(metadata['format']).toBe('pt');
  });

  it('takes the place of an older file and leaves nothing beside it', async () => {
    await writeCheckpoint(path, { ...content, counters: { step: 99, draws: 99 } });
    expect((await readCheckpoint(path)).counters.step).toBe(99);
    expect(await readdir(folder)).toEqual(['model.safetensors']);
  });

  it('keeps the older file where the new one cannot be written', async () => {
    const clash = { ...content, tensors: { 'optimizer.m.x': weight } };
    await expect(writeCheckpoint(path, clash)).rejects.toThrow(CheckpointError);
    expect(await readCheckpoint(path)).toEqual(content);
  });

  it('names a folder that is not there', async () => {
    const error: unknown = await writeCheckpoint(join(folder, 'no', 'model'), content).catch(
      (e: unknown) => e,
    );
    expect(error).toBeInstanceOf(CheckpointError);
    expect(String(error)).toContain('ENOENT');
  });

  it('names a file that is not there', async () => {
    await expect(readCheckpoint(join(folder, 'none'))).rejects.toThrow(CheckpointError);
  });

  it('finds a changed bit anywhere in the file', async () => {
    const bytes = await readFile(path);
    for (let position = 0; position < bytes.length; position++) {
      const altered = Buffer.from(bytes);
      altered[position]! ^= 1;
      await writeFile(path, altered);
      await expect(readCheckpoint(path), `byte ${position}`).rejects.toThrow(CheckpointError);
    }
  });

  it('finds every truncation', async () => {
    const bytes = await readFile(path);
    for (let length = 0; length < bytes.length; length += 7) {
      await writeFile(path, bytes.subarray(0, length));
      await expect(readCheckpoint(path), `${length} bytes`).rejects.toThrow(CheckpointError);
    }
  });

  it('refuses a file of another program', async () => {
    await writeFile(path, encodeSafetensors({ tensors: { a: weight }, metadata: { format: 'pt' } }));
    await expect(readCheckpoint(path)).rejects.toThrow('one of another program');
  });

  it('refuses a later version', async () => {
    await rewrite((metadata) => {
      metadata['cudnn-lstm.version'] = '2';
    });
    await expect(readCheckpoint(path)).rejects.toThrow('expected checkpoint version 1, received 2');
  });

  it.each(['cudnn-lstm.sha256', 'cudnn-lstm.config', 'cudnn-lstm.counters'])(
    'refuses a file without %s',
    async (key) => {
      await rewrite((metadata) => {
        delete metadata[key];
      });
      await expect(readCheckpoint(path)).rejects.toThrow(CheckpointError);
    },
  );

  it.each([
    ['of no parameter', { 'fc.bias': moment }],
    ['of another shape', { 'fc.weight': { data: moment.data, shape: [4] } }],
  ])('refuses a moment %s', async (_, m) => {
    await expect(writeCheckpoint(path, { ...content, optimizer: { m, v: {} } })).rejects.toThrow(
      CheckpointError,
    );
  });
});
