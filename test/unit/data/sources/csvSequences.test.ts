import { describe, expect, it } from 'vitest';

import {
  collectExamples,
  csvSequences,
  type CsvSequenceOptions,
  DataError,
  exampleStream,
} from '../../../../src/index.js';

async function all<T>(items: AsyncIterable<T>): Promise<T[]> {
  const found: T[] = [];
  for await (const item of items) found.push(item);
  return found;
}

const header = 'seq,speaker,t,a,b,label,weight\n';
const rows = [
  '7,x,1,0.1,1,2,0.5',
  '7,x,0,0.2,2,2,0.5',
  '9,y,0,0.3,3,0,1',
  '8,x,5,0.4,4,1,2',
  '8,x,6,0.5,5,1,2',
];
const text = `${header}${rows.join('\n')}\n`;
const options: CsvSequenceOptions = { id: 'seq', time: 't', features: ['a', 'b'], target: 'label' };

describe('csvSequences', () => {
  it('groups the rows of an id into a sequence, in the order of time', async () => {
    expect(await all(csvSequences([text], options))).toEqual([
      {
        id: '7',
        x: [
          [0.2, 2],
          [0.1, 1],
        ],
        y: 2,
      },
      { id: '9', x: [[0.3, 3]], y: 0 },
      {
        id: '8',
        x: [
          [0.4, 4],
          [0.5, 5],
        ],
        y: 1,
      },
    ]);
  });

  it('keeps the order of the file without a time', async () => {
    const [first] = await all(csvSequences([text], { ...options, time: undefined }));
    expect(first!.x).toEqual([
      [0.1, 1],
      [0.2, 2],
    ]);
  });

  it('passes on weights and groups', async () => {
    const found = await all(csvSequences([text], { ...options, sampleWeight: 'weight', group: 'speaker' }));
    expect(found.map(({ sampleWeight, group }) => [sampleWeight, group])).toEqual([
      [0.5, 'x'],
      [1, 'y'],
      [2, 'x'],
    ]);
  });

  it('takes targets by step, values, and classes by name', async () => {
    const perStep = await all(csvSequences([text], { ...options, target: 'b', targetPerStep: true }));
    expect(perStep.map(({ y }) => y)).toEqual([[2, 1], [3], [4, 5]]);
    const named = await all(csvSequences([text], { ...options, target: 'speaker', targetType: ['x', 'y'] }));
    expect(named.map(({ y }) => y)).toEqual([0, 1, 0]);
    const values = await all(csvSequences([text], { ...options, target: 'weight', targetType: 'number' }));
    expect(values.map(({ y }) => y)).toEqual([0.5, 1, 2]);
  });

  it('orders by dates', async () => {
    const dated = 'id,t,f,y\n1,2020-01-02,5,0\n1,2019-12-31,6,0\n';
    const [only] = await all(
      csvSequences([dated], { id: 'id', time: 't', timeType: 'date', features: ['f'], target: 'y' }),
    );
    expect(only!.x).toEqual([[6], [5]]);
  });

  it('feeds an example stream, epoch after epoch, and fits into memory as { x, y }', async () => {
    const sequences = csvSequences([text], options);
    const stream = exampleStream(sequences, { batchSize: 2 });
    const read = async (epoch: number) =>
      (await all(stream.open(epoch))).map((batch) => batch.map(({ y }) => y));
    expect(await read(0)).toEqual([[2, 0], [1]]);
    expect(await read(1)).toEqual([[2, 0], [1]]);
    expect(await collectExamples(sequences)).toEqual({
      x: [
        [
          [0.2, 2],
          [0.1, 1],
        ],
        [[0.3, 3]],
        [
          [0.4, 4],
          [0.5, 5],
        ],
      ],
      y: [2, 0, 1],
    });
    const weighted = await collectExamples(csvSequences([text], { ...options, sampleWeight: 'weight' }));
    expect(weighted.sampleWeights).toEqual([0.5, 1, 2]);
  });

  it.each<[string, string, Partial<CsvSequenceOptions>, RegExp]>([
    [
      'a feature that is no number',
      '7,x,0,?,1,2,1\n',
      {},
      /input:2, column 'a': expected a number, received '\?'/,
    ],
    ['a class id that is none', '7,x,0,1,1,two,1\n', {}, /input:2, column 'label': expected a whole number/],
    [
      'two targets in a sequence',
      '7,x,0,1,1,2,1\n7,x,1,1,1,3,1\n',
      {},
      /input:3, column 'label': expected the same in all rows of sequence '7'/,
    ],
    [
      'two groups in a sequence',
      '7,x,0,1,1,2,1\n7,y,1,1,1,2,1\n',
      { group: 'speaker' },
      /input:3, column 'speaker'/,
    ],
    [
      'a time that comes twice',
      '7,x,0,1,1,2,1\n7,x,0,1,1,2,1\n',
      {},
      /input:3, column 't': .* the time of line 2 again/,
    ],
    [
      'a sequence in two places',
      '7,x,0,1,1,2,1\n8,x,0,1,1,2,1\n7,x,1,1,1,2,1\n',
      {},
      /input:4, column 'seq': expected the rows of a sequence to lie together/,
    ],
    ['a missing column', '7,x,0,1,1,2,1\n', { features: ['a', 'c'] }, /input:1: expected a column 'c'/],
  ])('refuses %s, with its place', async (_, body, more, message) => {
    const reading = all(csvSequences([header + body], { ...options, ...more }));
    await expect(reading).rejects.toThrow(DataError);
    await expect(all(csvSequences([header + body], { ...options, ...more }))).rejects.toThrow(message);
  });

  it('refuses to collect nothing', async () => {
    await expect(collectExamples(csvSequences([header], options))).rejects.toThrow(
      'expected at least one, received none',
    );
  });
});
