import { Readable } from 'node:stream';
import { setFlagsFromString } from 'node:v8';
import { runInNewContext } from 'node:vm';
import { describe, expect, it } from 'vitest';

import {
  ConfigError,
  DataError,
  type Example,
  exampleStream,
  type ExampleStreamOptions,
  paddingShare,
  StateError,
} from '../../../src/index.js';
import { logNormalLengths, naturalLengths } from '../../support/lengthSpreads.js';

/** Examples whose target is their number. */
function numbered(lengths: ArrayLike<number>): Example[] {
  return Array.from(lengths, (length, y) => ({ x: new Array<number>(length).fill(1), y }));
}

async function batchesOf(batches: AsyncIterable<readonly Example[]>): Promise<number[][]> {
  const found: number[][] = [];
  for await (const batch of batches) found.push(batch.map(({ y }) => y as number));
  return found;
}

async function read(options: ExampleStreamOptions, epoch = 0, from = 0, lengths: ArrayLike<number> = spread) {
  return batchesOf(exampleStream(numbered(lengths), options).open(epoch, from));
}

const spread = logNormalLengths(1000, 3, 0.6);
const all = Array.from({ length: 1000 }, (_, y) => y);
const ascending = (rows: readonly number[]) => rows.toSorted((a, b) => a - b);
const buffers = [
  {},
  { shuffleBuffer: 100 },
  { bucketBuffer: 320 },
  { shuffleBuffer: 100, bucketBuffer: 320 },
  { shuffleBuffer: 5000, prefetch: 0 },
] as const;

describe('exampleStream', () => {
  it.each(buffers)('gives every example once, in full batches but the last: %o', async (options) => {
    const batches = await read({ batchSize: 64, ...options });
    expect(ascending(batches.flat())).toEqual(all);
    expect(batches.map((batch) => batch.length)).toEqual([...new Array<number>(15).fill(64), 40]);
  });

  it.each(buffers)('leaves out what fills no batch with dropLast: %o', async (options) => {
    const batches = await read({ batchSize: 64, dropLast: true, ...options });
    expect(batches.map((batch) => batch.length)).toEqual(new Array<number>(15).fill(64));
    expect(new Set(batches.flat()).size).toBe(960);
  });

  it.each(buffers)('begins at any batch as if it had gone there: %o', async (options) => {
    const whole = await read({ batchSize: 64, seed: 3, ...options }, 2);
    for (const from of [0, 1, 7, 15, 16]) {
      expect(await read({ batchSize: 64, seed: 3, ...options }, 2, from)).toEqual(whole.slice(from));
    }
  });

  it.each(buffers.slice(1))(
    'has the same order for the same seed and epoch, another for others: %o',
    async (options) => {
      const first = await read({ batchSize: 64, seed: 3, ...options }, 1);
      expect(await read({ batchSize: 64, seed: 3, ...options }, 1)).toEqual(first);
      expect(await read({ batchSize: 64, seed: 3, ...options }, 2)).not.toEqual(first);
      expect(await read({ batchSize: 64, seed: 4, ...options }, 1)).not.toEqual(first);
    },
  );

  it("keeps the source's order without buffers", async () => {
    expect((await read({ batchSize: 64 })).flat()).toEqual(all);
  });

  it('moves an example ahead by a buffer at most, and shuffles all with a buffer of all', async () => {
    const order = (await read({ batchSize: 64, shuffleBuffer: 100 })).flat();
    expect(order.every((y, place) => y <= place + 100)).toBe(true);
    expect(order.filter((y, place) => y === place).length).toBeLessThan(50);
    const full = (await read({ batchSize: 64, shuffleBuffer: 1000 })).flat();
    // Of 1000 examples in random order, half of the first half come from the second, give or take 5 deviations of 11.
    const late = full.slice(0, 500).filter((y) => y >= 500).length;
    expect(Math.abs(late - 250)).toBeLessThan(55);
  });

  it('gives an order in which every place is equally likely for an example', async () => {
    const places = new Array<number>(8).fill(0);
    for (let epoch = 0; epoch < 4000; epoch++) {
      const order = (
        await read({ batchSize: 8, shuffleBuffer: 8, prefetch: 0 }, epoch, 0, new Int32Array(8).fill(1))
      ).flat();
      places[order.indexOf(0)]! += 1;
    }
    // Chi-squared with 7 degrees of freedom: 29.9 is passed once in 10^4 seeds.
    expect(places.reduce((sum, count) => sum + (count - 500) ** 2 / 500, 0)).toBeLessThan(29.9);
  });

  it.each(['trec', 'sst2'] as const)(
    'pads at most a twentieth at batch 64 with 100 batches to bucket: %s',
    async (name) => {
      const lengths = naturalLengths(name);
      const batches = await read({ batchSize: 64, shuffleBuffer: 2000, bucketBuffer: 6400 }, 0, 0, lengths);
      expect(paddingShare(lengths, batches)).toBeLessThan(0.05);
    },
  );

  it('knows how many batches an array or a count makes', () => {
    const examples = numbered(spread);
    expect(exampleStream(examples, { batchSize: 64 }).batchesPerEpoch).toBe(16);
    expect(exampleStream(examples, { batchSize: 64, dropLast: true }).batchesPerEpoch).toBe(15);
    expect(exampleStream(() => examples, { batchSize: 64, count: 1000 }).batchesPerEpoch).toBe(16);
    expect(exampleStream(() => examples, { batchSize: 64 }).batchesPerEpoch).toBeUndefined();
  });

  it('tells its source the epoch and awaits it', async () => {
    const stream = exampleStream(async (epoch) => [{ x: [1], y: epoch }], { batchSize: 2 });
    expect(await batchesOf(stream.open(5))).toEqual([[5]]);
  });

  it('reads a Node stream once, and says how to read it again', async () => {
    const stream = exampleStream(Readable.from(numbered([1, 2, 3])), { batchSize: 2 });
    expect(await batchesOf(stream.open(0))).toEqual([[0, 1], [2]]);
    await expect(batchesOf(stream.open(1))).rejects.toThrow(StateError);
    await expect(batchesOf(stream.open(1))).rejects.toThrow(/function that opens the source anew/);
  });

  it('reads ahead as many batches as asked for, and no further', async () => {
    for (const prefetch of [0, 1, 3]) {
      let given = 0;
      const source = function* () {
        for (const example of numbered(spread)) {
          given += 1;
          yield example;
        }
      };
      const batches = exampleStream(source, { batchSize: 10, prefetch }).open(0)[Symbol.asyncIterator]();
      for (let k = 1; k <= 3; k++) {
        await batches.next();
        await new Promise((resolve) => setTimeout(resolve, 5));
        // The batch that was handed out, and those ahead of it.
        expect(given).toBe((k + prefetch) * 10);
      }
      await batches.return?.();
    }
  });

  it('closes its source when the reader stops early', async () => {
    let closed = false;
    const source = async function* () {
      try {
        yield* numbered(spread);
      } finally {
        closed = true;
      }
    };
    for await (const batch of exampleStream(source, { batchSize: 10, shuffleBuffer: 20 }).open(0)) {
      expect(batch).toHaveLength(10);
      break;
    }
    await new Promise((resolve) => setTimeout(resolve, 5));
    expect(closed).toBe(true);
  });

  it('does not wait for a read that never ends when the reader stops', async () => {
    const source = async function* () {
      yield* numbered([1, 1, 1, 1]);
      await new Promise(() => {});
    };
    const batches = exampleStream(source, { batchSize: 2 }).open(0)[Symbol.asyncIterator]();
    await batches.next();
    expect(await batches.return?.()).toMatchObject({ done: true });
  });
});

describe('memory', () => {
  it('stays flat over twenty times the buffer', async () => {
    setFlagsFromString('--expose-gc');
    const collect = runInNewContext('gc') as () => void;
    const buffer = 400;
    const exampleBytes = 8 * 2048;
    const source = function* (): Generator<Example> {
      for (let y = 0; y < 20 * buffer; y++) yield { x: [new Float64Array(2048).fill(y)], y };
    };
    // What one collection frees, a second one counts: memory of typed arrays goes back beside the program.
    const held = async () => {
      for (let round = 0; round < 3; round++) {
        collect();
        await new Promise((resolve) => setTimeout(resolve, 2));
      }
      const { arrayBuffers, heapUsed } = process.memoryUsage();
      return arrayBuffers + heapUsed;
    };
    const before = await held();
    const stream = exampleStream(source, {
      batchSize: 20,
      shuffleBuffer: buffer / 2,
      bucketBuffer: buffer / 2,
    });
    const grown: number[] = [];
    let k = 0;
    for await (const batch of stream.open(0)) {
      if (k++ % 40 === 20) grown.push((await held()) - before);
      expect(batch).toHaveLength(20);
    }
    expect(grown).toHaveLength(10);
    // Both buffers, the second once more while it is given away, four batches and the heap's own noise.
    const most = (1.5 * buffer + 4 * 20) * exampleBytes + 3e6;
    expect(Math.max(...grown)).toBeLessThan(most);
    // The source gave 131 MB meanwhile.
    expect(20 * buffer * exampleBytes).toBeGreaterThan(8 * most);
  });
});

describe('bad input', () => {
  const bad = (examples: readonly unknown[], options: Partial<ExampleStreamOptions> = {}) =>
    batchesOf(exampleStream(examples as Example[], { batchSize: 2, ...options }).open(0));
  const good: Example = { x: [1], y: 0 };

  it.each<[string, unknown, RegExp]>([
    ['no object', 3, /example 1: expected \{ x, y \}/],
    ['null', null, /example 1/],
    ['no x', { y: 1 }, /example 1: expected x/],
    ['no steps', { x: [], y: 1 }, /at least one time step/],
    ['text for x', { x: 'abc', y: 1 }, /expected x/],
    ['no y', { x: [1] }, /expected y/],
    ['a weight below 0', { x: [1], y: 0, sampleWeight: -1 }, /sampleWeight from 0, received -1/],
    ['a weight that is NaN', { x: [1], y: 0, sampleWeight: Number.NaN }, /sampleWeight/],
  ])('is refused with its place: %s', async (_, example, message) => {
    await expect(bad([good, example])).rejects.toThrow(DataError);
    await expect(bad([good, example])).rejects.toThrow(message);
  });

  it.each<[string, () => unknown, RegExp]>([
    ['no source', () => exampleStream(3 as never, { batchSize: 2 }), /source: expected a function/],
    ['a batch size of 0', () => exampleStream([], { batchSize: 0 }), /exampleStream.batchSize/],
    [
      'an unknown setting',
      () => exampleStream([], { batchSize: 1, shuffel: 3 } as never),
      /no setting 'shuffel'/,
    ],
    ['an epoch of -1', () => exampleStream([good], { batchSize: 1 }).open(-1), /epoch/],
    [
      'dropLast with fewer examples than a batch',
      () => exampleStream([good], { batchSize: 2, dropLast: true }),
      /at most the 1 examples/,
    ],
    ['a batch of 0.5', () => exampleStream([good], { batchSize: 1 }).open(0, 0.5), /from/],
  ])('is refused at once: %s', (_, call, message) => {
    expect(call).toThrow(ConfigError);
    expect(call).toThrow(message);
  });

  it('is refused where there are no examples', async () => {
    await expect(bad([])).rejects.toThrow('expected at least one example in epoch 0, received 0');
  });

  it('is refused when a source gives nothing to iterate', async () => {
    await expect(batchesOf(exampleStream((() => 3) as never, { batchSize: 1 }).open(0))).rejects.toThrow(
      ConfigError,
    );
  });

  it.each([
    [[], /at least one example in epoch 0, received 0/],
    [[good, good], /3 examples in epoch 0, received 2/],
    [[good, good, good, good], /3 examples in epoch 0, received more/],
  ])('is refused where the source has another number of examples', async (examples, message) => {
    const options = { batchSize: 1, ...(examples.length > 0 && { count: 3 }) };
    await expect(batchesOf(exampleStream(() => examples, options).open(0))).rejects.toThrow(message);
  });

  it.each(buffers)('gives what a source throws its place, after the batches before: %o', async (options) => {
    const cause = new Error('connection lost');
    const source = async function* () {
      yield* numbered(spread);
      throw cause;
    };
    const found: (readonly Example[])[] = [];
    const failure = await (async () => {
      for await (const batch of exampleStream(source, { batchSize: 64, ...options }).open(3))
        found.push(batch);
    })().catch((error: unknown) => error);
    expect(failure).toBeInstanceOf(DataError);
    expect(failure).toMatchObject({ cause, details: { epoch: 3, index: 1000 } });
    expect((failure as Error).message).toMatch(/epoch 3 after 1000 examples: connection lost/);
    const buffered = 'shuffleBuffer' in options || 'bucketBuffer' in options;
    expect(found.length).toBeGreaterThanOrEqual(buffered ? 0 : 15);
  });

  it('passes on an error that names a place of its own', async () => {
    const error = new DataError('train.csv:7: expected a number');
    const source = () => {
      throw error;
    };
    await expect(batchesOf(exampleStream(source, { batchSize: 1 }).open(0))).rejects.toBe(error);
  });
});
