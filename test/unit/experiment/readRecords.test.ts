import { describe, expect, it } from 'vitest';
import { readRecords } from '../../../src/experiment/readRecords.js';
import { collect, fieldOf, labelOf, numberOf } from '../../../src/experiment/records.js';
import type { RecordFormat } from '../../../src/experiment/source.js';
import { DataError } from '../../../src/index.js';

function records(text: string, format: RecordFormat, columns?: readonly string[]) {
  return collect(readRecords({ source: [text], format, columns }));
}

async function problem(run: Promise<unknown>): Promise<DataError> {
  return run.then(
    () => expect.fail('nothing was thrown'),
    (error: unknown) => {
      expect(error).toBeInstanceOf(DataError);
      return error as DataError;
    },
  );
}

describe('records', () => {
  it('of CSV have the names of the first line and the line they begin in', async () => {
    const read = await records('a,b\n1,"x, ""y"""\n\n2,"two\nlines"\n3,z\n', 'csv');
    expect(read.map(({ fields }) => fields)).toEqual([
      { a: '1', b: 'x, "y"' },
      { a: '2', b: 'two\nlines' },
      { a: '3', b: 'z' },
    ]);
    expect(read.map(({ place }) => place.line)).toEqual([2, 4, 6]);
  });

  it('of TSV take quotes as text, and names from elsewhere', async () => {
    const read = await records('ham\tsay "hi"\nspam\t"win\n', 'tsv', ['label', 'text']);
    expect(read.map(({ fields }) => fields)).toEqual([
      { label: 'ham', text: 'say "hi"' },
      { label: 'spam', text: '"win' },
    ]);
  });

  const separated = (text: string, columns: readonly string[], separator: string | readonly string[]) =>
    collect(readRecords({ source: [text], format: 'lines', columns, separator }));

  it('of lines are cut at separators, the last column being the rest', async () => {
    const rest = await separated('1 a fine , quiet film\r\n\n0 no\n', ['label', 'text'], ' ');
    expect(rest.map(({ fields, place }) => [fields, place.line])).toEqual([
      [{ label: '1', text: 'a fine , quiet film' }, 1],
      [{ label: '0', text: 'no' }, 3],
    ]);
    const [two] = await separated('DESC:manner How : when ?\n', ['type', 'detail', 'text'], [':', ' ']);
    expect(two!.fields).toEqual({ type: 'DESC', detail: 'manner', text: 'How : when ?' });
  });

  it('of lines without their separator are refused by line and column', async () => {
    const lines = separated('DESC:manner How ?\nDESC manner\n', ['type', 'detail', 'text'], [':', ' ']);
    expect((await problem(lines)).message).toBe(
      "input:2, column 'type': expected ':' after it, received none",
    );
  });

  it('of JSON lines are objects, empty lines left out', async () => {
    const read = await records('{"a":1}\n\n{"a":[2]}', 'jsonLines');
    expect(read.map(({ fields, place }) => [fields, place.line])).toEqual([
      [{ a: 1 }, 1],
      [{ a: [2] }, 3],
    ]);
  });

  it.each<[string, RecordFormat, string]>([
    ['a,b\n1,2\n1\n', 'csv', 'input:3: expected 2 fields, received 1'],
    ['a,a\n1,2\n', 'csv', "input:1: expected different names of columns, received 'a' twice"],
    ['{"a":1}\n[1]\n', 'jsonLines', 'input:2: expected a JSON object, received an array of length 1'],
    ['{"a":1}\n{"a"\n', 'jsonLines', 'input:2: expected a JSON object'],
  ])('of a broken source are refused with the line (%#)', async (text, format, message) => {
    expect((await problem(records(text, format))).message).toContain(message);
  });

  it('name line, column and the nearest name where a field cannot be used', async () => {
    const [first, second] = await records('speed,label\nfast,a\n2,\n', 'csv');
    expect(() => numberOf(first!, 'speed')).toThrow(
      "input:2, column 'speed': expected a finite number, received 'fast'",
    );
    expect(() => labelOf(second!, 'label')).toThrow(
      "input:3, column 'label': expected the name of a class, received ''",
    );
    expect(() => fieldOf(first!, 'sped')).toThrow(
      "input:2: expected a column 'sped', received speed, label (did you mean 'speed'?)",
    );
    expect(numberOf(second!, 'speed')).toBe(2);
  });
});
