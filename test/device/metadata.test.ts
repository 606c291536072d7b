import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { ConfigError, dense, loadModel, lstm, sequential } from '../../src/index.js';

const layers = [lstm({ hiddenSize: 2, returnSequences: false }), dense({ units: 1 })];
const device = { device: 'cpu', threads: 1 } as const;

let folder: string;
beforeAll(async () => void (folder = await mkdtemp(join(tmpdir(), 'metadata-'))));
afterAll(() => rm(folder, { recursive: true }));

describe("a model's metadata", () => {
  it('comes back from a file as it was given, frozen, and is a copy of what was given', async () => {
    const metadata = { unit: 'm/s', columns: ['a', 'b'], scale: { mean: 1.5, none: null } };
    const given = structuredClone(metadata);
    const path = join(folder, 'model.safetensors');
    {
      await using model = await sequential(layers, { inputSize: 1, metadata: given, ...device });
      given.columns.push('c');
      expect(model.metadata).toEqual(metadata);
      await model.save(path);
    }
    await using loaded = await loadModel(path, device);
    expect(loaded.metadata).toEqual(metadata);
    expect(Object.isFrozen(loaded.metadata?.['scale'])).toBe(true);
  });

  it('is undefined where none was given, in a file too', async () => {
    const path = join(folder, 'plain.safetensors');
    await using model = await sequential(layers, { inputSize: 1, ...device });
    await model.save(path);
    await using loaded = await loadModel(path, device);
    expect([model.metadata, loaded.metadata]).toEqual([undefined, undefined]);
  });

  it.each([[[]], ['text'], [{ now: new Date(0) }], [{ bad: NaN }], [{ f: () => 0 }]])(
    'is refused where it is no object of JSON values: %o',
    async (metadata) => {
      await expect(
        sequential(layers, { inputSize: 1, metadata: metadata as never, ...device }),
      ).rejects.toThrow(ConfigError);
    },
  );
});
