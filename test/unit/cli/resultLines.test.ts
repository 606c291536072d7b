import { describe, expect, it } from 'vitest';
import { resultLines, type ResultFormat } from '../../../src/cli/resultLines.js';
import { collect } from '../../../src/experiment/records.js';
import type { Result } from '../../../src/experiment/tasks/task.js';

async function lines(results: readonly Result[], format: ResultFormat): Promise<string[]> {
  async function* source() {
    yield* results;
  }
  return collect(resultLines(source(), format));
}

const results = [
  { text: 'a, "b"\nc', prediction: 'x', probabilities: { x: 0.75, y: 0.25 } },
  { text: 'tab\there', prediction: 'y', probabilities: { x: 0.5, y: 0.5 } },
];

describe('results', () => {
  it('are CSV as RFC 4180 has it, a column a class', async () => {
    expect(await lines(results, 'csv')).toEqual([
      'text,prediction,p_x,p_y',
      '"a, ""b""\nc",x,0.75,0.25',
      'tab\there,y,0.5,0.5',
    ]);
  });

  it('are TSV without tabs or line ends in fields', async () => {
    expect(await lines(results, 'tsv')).toEqual([
      'text\tprediction\tp_x\tp_y',
      'a, "b" c\tx\t0.75\t0.25',
      'tab here\ty\t0.5\t0.5',
    ]);
  });

  it('are JSON, one a line', async () => {
    expect((await lines(results, 'jsonLines')).map((line) => JSON.parse(line) as unknown)).toEqual(results);
  });

  it('are a token and its tag a line, an empty line after each sentence', async () => {
    const tagged = [{ tokens: ['a', 'b'], prediction: ['X', 'Y'] }];
    expect(await lines(tagged, 'tokenLines')).toEqual(['a\tX', 'b\tY', '']);
  });
});
