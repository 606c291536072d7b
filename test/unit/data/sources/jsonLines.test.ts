import { Readable } from 'node:stream';
import { describe, expect, it } from 'vitest';

import { ConfigError, DataError, jsonLines, mapRecords } from '../../../../src/index.js';

async function all<T>(items: AsyncIterable<T>): Promise<T[]> {
  const found: T[] = [];
  for await (const item of items) found.push(item);
  return found;
}

describe('jsonLines', () => {
  it('gives the value of each line, whatever pieces they come in', async () => {
    const bytes = Buffer.from('{"a":"é"}\r\n\n[1, 2]\n"x\\ny"\nnull');
    const pieces = [...bytes].map((byte) => Uint8Array.of(byte));
    expect(await all(jsonLines(pieces))).toEqual([{ a: 'é' }, [1, 2], 'x\ny', null]);
    expect(await all(jsonLines(Readable.from([bytes])))).toEqual([{ a: 'é' }, [1, 2], 'x\ny', null]);
  });

  it('converts each value', async () => {
    const read = (value: unknown) => Number(value) * 2;
    expect(await all(jsonLines(['1\n2\n'], { read }))).toEqual([2, 4]);
  });

  it.each([
    ['{"a":1}\n{"b" 3}\n', "input:2:6: expected one JSON value, received '3}'"],
    ['abc\n', "input:1: expected one JSON value, received 'abc'"],
    ['[1,2\n', 'input:1:5: expected one JSON value, received the end of the line'],
    ['1\n\n{} {}\n', "input:3:4: expected one JSON value, received '{}'"],
  ])('names line and column of what is no JSON: %s', async (text, message) => {
    await expect(all(jsonLines([text]))).rejects.toThrow(message);
    await expect(all(jsonLines([text]))).rejects.toThrow(DataError);
  });

  it('names the line of a value that `read` refuses, with its error as cause', async () => {
    const cause = new Error('no label');
    const read = (value: unknown) => {
      if (value === 2) throw cause;
      return value;
    };
    const failure = await all(jsonLines(['1\n2\n'], { read })).catch((error: unknown) => error);
    expect(failure).toMatchObject({ cause, details: { file: 'input', line: 2 } });
    expect((failure as Error).message).toMatch(/input:2: .*no label/);
  });

  it('refuses unknown options', () => {
    expect(() => jsonLines(['1'], { reed: 3 } as never)).toThrow(ConfigError);
  });
});

describe('mapRecords', () => {
  it('converts records and leaves some out, as often as they can be read', async () => {
    const mapped = mapRecords([1, 2, 3], async (value, index) =>
      value === 2 ? undefined : value * 10 + index,
    );
    expect(await all(mapped)).toEqual([10, 32]);
    expect(await all(mapped)).toEqual([10, 32]);
  });
});
