import { describe, expect, it } from 'vitest';
import { dense, devices, lstm, OutOfMemoryError, sequential, type GpuListing } from '../../src/index.js';
import { cuda, isRealGpu, noCuda } from '../support/devices.js';
import { Draws } from '../support/draws.js';

const draws = new Draws('cuda memory');
const x = { data: Float32Array.from(draws.uniform(8 * 20 * 16)), shape: [8, 20, 16] };
const y = [...draws.integers(8, 0, 4)];
const step = { loss: 'crossEntropy', optimizer: 'adam' } as const;

function build(hiddenSize = 64) {
  const layers = [lstm({ hiddenSize, returnSequences: false }), dense({ units: 4 })];
  return sequential(layers, { ...cuda!.options, inputSize: 16 });
}

async function listing(): Promise<GpuListing> {
  const found = (await devices()).find((one) => one.device === 'cuda:0');
  if (found === undefined || !found.available || found.device !== 'cuda:0')
    throw new Error('cuda:0 went away');
  return found;
}

describe.skipIf(cuda === undefined)(`memory of ${cuda?.name ?? `cuda (skipped: ${noCuda})`}`, () => {
  it('is given back by every model: none is in use after rounds of create, train and dispose', async () => {
    await using witness = await build();
    await witness.trainStep({ x, y }, step);
    const { usedBytes } = witness.memory().device;
    for (let round = 0; round < (isRealGpu ? 200 : 10); round++) {
      const model = await build();
      await model.trainStep({ x, y }, step);
      await model.dispose();
    }
    expect(witness.memory().device.usedBytes).toBe(usedBytes);
  });

  it.skipIf(!isRealGpu)('and the card says the same (on a GPU alone)', async () => {
    await using witness = await build();
    await witness.trainStep({ x, y }, step);
    const before = (await listing()).freeBytes!;
    for (let round = 0; round < 200; round++) {
      const model = await build();
      await model.trainStep({ x, y }, step);
      await model.dispose();
    }
    // The driver keeps blocks of 2 MiB for small allocations.
    expect(before - (await listing()).freeBytes!).toBeLessThan(64 * 2 ** 20);
  });

  it('that runs out is an error with the numbers, after which this and other models go on', async () => {
    await using other = await build();
    await other.trainStep({ x, y }, step);
    const { totalBytes } = await listing();
    // R alone, 4·H·H floats, is as large as the card.
    const error: unknown = await build(Math.ceil(Math.sqrt(totalBytes / 16))).catch(
      (error: unknown) => error,
    );
    expect(error).toBeInstanceOf(OutOfMemoryError);
    const { requestedBytes, freeBytes } = error as OutOfMemoryError;
    expect(requestedBytes).toBeGreaterThan(totalBytes);
    expect(freeBytes).toBeLessThanOrEqual(totalBytes);
    expect((await other.trainStep({ x, y }, step)).step).toBe(2);
    await using later = await build();
    expect((await later.trainStep({ x, y }, step)).step).toBe(1);
  });
});
