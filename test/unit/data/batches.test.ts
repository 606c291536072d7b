import { describe, expect, it } from 'vitest';

import { BatchGatherer, batchRows } from '../../../src/data/batches.js';
import { featureSequences, tokenSequences } from '../../../src/data/sequences.js';
import { targetsFor } from '../../../src/data/targets.js';
import { ConfigError, DataError, ShapeError } from '../../../src/errors.js';

const order = Uint32Array.of(4, 2, 0, 1, 3);
const words = [[1, 2, 3], [4], [5, 6]];

describe('batchRows', () => {
  it('ends with a shorter batch', () => {
    expect(batchRows(order, 2, false).map((rows) => [...rows])).toEqual([[4, 2], [0, 1], [3]]);
  });

  it('leaves the shorter batch out with dropLast', () => {
    expect(batchRows(order, 2, true).map((rows) => [...rows])).toEqual([
      [4, 2],
      [0, 1],
    ]);
  });

  it('makes one batch where the batch is larger than the data', () => {
    expect(batchRows(order, 9, false).map((rows) => rows.length)).toEqual([5]);
  });

  it('refuses a batch larger than the data with dropLast', () => {
    expect(() => batchRows(order, 6, true)).toThrow(ConfigError);
  });

  it('refuses an empty data set', () => {
    expect(() => batchRows(new Uint32Array(0), 2, false)).toThrow(DataError);
  });

  it.each([0, -1, 1.5, Number.NaN])('refuses batches of %d', (batchSize) => {
    expect(() => batchRows(order, batchSize, false)).toThrow(ConfigError);
  });
});

describe('BatchGatherer', () => {
  it('pads with zeros to the longest row of the batch and gives the lengths', () => {
    const gatherer = new BatchGatherer(tokenSequences(words, { vocabSize: 7 }));
    const { batch, rows, targets } = gatherer.gather(Uint32Array.of(1, 2));
    expect(rows).toBe(2);
    expect(targets).toBeUndefined();
    expect(batch).toEqual({
      batchSize: 2,
      timeSteps: 2,
      tokens: Int32Array.of(4, 0, 5, 6),
      seqLengths: Int32Array.of(1, 2),
    });
  });

  it('leaves nothing of a longer batch in the padding of the next', () => {
    const gatherer = new BatchGatherer(tokenSequences(words, { vocabSize: 7 }));
    gatherer.gather(Uint32Array.of(0, 2));
    expect([...gatherer.gather(Uint32Array.of(1, 2)).batch.tokens!]).toEqual([4, 0, 5, 6]);
  });

  it('gives no lengths where all rows are as long', () => {
    const gatherer = new BatchGatherer(tokenSequences(words, { vocabSize: 7 }));
    expect(gatherer.gather(Uint32Array.of(2)).batch).not.toHaveProperty('seqLengths');
  });

  it('gathers features, values of steps and weights alike', () => {
    const x = [
      [
        [1, 2],
        [3, 4],
      ],
      [[5, 6]],
    ];
    const sequences = featureSequences(x, { channels: 2 });
    const targets = targetsFor([[10, 20], [30]], {
      loss: 'mse',
      classes: 1,
      perStep: true,
      lengths: sequences.lengths,
    });
    const gathered = new BatchGatherer(sequences, targets, [0.5, 2]).gather(Uint32Array.of(1, 0));
    expect([...gathered.batch.features!]).toEqual([5, 6, 0, 0, 1, 2, 3, 4]);
    expect([...gathered.batch.seqLengths!]).toEqual([1, 2]);
    expect([...gathered.targets!.values!]).toEqual([30, 0, 10, 20]);
    expect([...gathered.targets!.sampleWeights!]).toEqual([2, 0.5]);
  });

  it('gathers targets of vectors', () => {
    const sequences = tokenSequences(words, { vocabSize: 7 });
    const targets = targetsFor([2, 0, 1], {
      loss: 'crossEntropy',
      classes: 3,
      perStep: false,
      lengths: sequences.lengths,
    });
    const gathered = new BatchGatherer(sequences, targets).gather(Uint32Array.of(2, 0));
    expect([...gathered.targets!.ids!]).toEqual([1, 2]);
  });

  it('copies nothing for rows of one length that follow each other', () => {
    const x = { data: Float32Array.from({ length: 24 }, (_, i) => i), shape: [4, 3, 2] };
    const sequences = featureSequences(x, { channels: 2 });
    const gatherer = new BatchGatherer(sequences);
    const inOrder = gatherer.gather(Uint32Array.of(1, 2)).batch.features!;
    expect(inOrder).toEqual(x.data.slice(6, 18));
    expect(inOrder.buffer).toBe(sequences.data.buffer);
    const turned = gatherer.gather(Uint32Array.of(2, 1)).batch.features!;
    expect([...turned]).toEqual([...x.data.slice(12, 18), ...x.data.slice(6, 12)]);
    expect(inOrder).toEqual(x.data.slice(6, 18));
  });

  it('reuses its arrays for the next batch', () => {
    const gatherer = new BatchGatherer(tokenSequences(words, { vocabSize: 7 }));
    const first = gatherer.gather(Uint32Array.of(0)).batch.tokens!;
    expect(gatherer.gather(Uint32Array.of(1)).batch.tokens!.buffer).toBe(first.buffer);
  });

  it.each([
    ['another number of weights', [1, 2], ShapeError],
    ['a negative weight', [1, 2, -1], DataError],
    ['NaN as a weight', [1, 2, Number.NaN], DataError],
  ])('refuses %s', (_, weights, type) => {
    expect(() => new BatchGatherer(tokenSequences(words, { vocabSize: 7 }), undefined, weights)).toThrow(
      type,
    );
  });
});
