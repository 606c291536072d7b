import { describe, expect, it } from 'vitest';
import { caseTable, parseCase, type LstmCase } from './caseTable.js';

describe.skipIf(process.env['CUDNN_LSTM_CASE'] !== undefined)('the case table', () => {
  const cases = caseTable();
  const values = <K extends keyof LstmCase>(key: K) => new Set(cases.map((entry) => entry[key]));
  const sizes = (key: 'timeSteps' | 'batchSize' | 'hiddenSize' | 'inputSize' | 'projectionSize') =>
    [...values(key)].sort((a, b) => a - b);

  it('reaches both ends of every range', () => {
    expect(values('numLayers')).toEqual(new Set([1, 2, 3, 4]));
    expect(values('bias')).toEqual(new Set(['double', 'single', 'none']));
    for (const key of ['bidirectional', 'ragged', 'states', 'dropout', 'clip'] as const) {
      expect([key, values(key)]).toEqual([key, new Set([false, true])]);
    }
    for (const [key, smallest, largest] of [
      ['timeSteps', 1, 300],
      ['batchSize', 1, 130],
      ['hiddenSize', 1, 130],
      ['inputSize', 1, 130],
      ['projectionSize', 0, 129],
    ] as const) {
      const found = sizes(key);
      expect([key, found[0], found.at(-1)]).toEqual([key, smallest, largest]);
      expect(new Set(found.map((size) => size % 2))).toEqual(new Set([0, 1]));
    }
  });

  it('names each case once, with an id that says all of it', () => {
    expect(values('id').size).toBe(cases.length);
    for (const entry of cases) expect(parseCase(entry.id)).toEqual(entry);
  });

  it('reads an id of any sizes', () => {
    expect(parseCase('l2t64n32i128h256bi-single-ragged-states-drop')).toEqual({
      id: 'l2t64n32i128h256bi-single-ragged-states-drop',
      numLayers: 2,
      timeSteps: 64,
      batchSize: 32,
      inputSize: 128,
      hiddenSize: 256,
      projectionSize: 0,
      bidirectional: true,
      bias: 'single',
      ragged: true,
      states: true,
      dropout: true,
      clip: false,
    });
    expect(parseCase('l1t1n1i1h9p4bi-clip')).toMatchObject({
      hiddenSize: 9,
      projectionSize: 4,
      bidirectional: true,
      bias: 'double',
      clip: true,
    });
    expect(() => parseCase('l2t64')).toThrow(
      "a case reads like l2t64n32i128h256bi-single-ragged-states-drop, got 'l2t64'",
    );
    expect(() => parseCase('l1t1n1i1h1-raged')).toThrow('l1t1n1i1h1-raged');
  });
});
