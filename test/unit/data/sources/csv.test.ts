import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { Readable } from 'node:stream';
import { pathToFileURL } from 'node:url';
import { parse } from 'csv-parse/sync';
import { afterAll, describe, expect, it } from 'vitest';

import { ConfigError, csvRecords, DataError, readCsv, StateError } from '../../../../src/index.js';

const folder = mkdtempSync(join(tmpdir(), 'csv-'));
afterAll(() => rmSync(folder, { recursive: true }));

function file(name: string, text: string | Uint8Array): string {
  const path = join(folder, name);
  writeFileSync(path, text);
  return path;
}

async function all<T>(items: AsyncIterable<T>): Promise<T[]> {
  const found: T[] = [];
  for await (const item of items) found.push(item);
  return found;
}

const text = 'name,age\r\n"Smith, J",41\r\n"the ""old"" one",7\r\n';
const records = [
  { name: 'Smith, J', age: '41' },
  { name: 'the "old" one', age: '7' },
];

describe('csvRecords', () => {
  it.each<[string, () => Parameters<typeof csvRecords>[0]]>([
    ['a path', () => file('a.csv', text)],
    ['a URL', () => pathToFileURL(file('b.csv', text))],
    ['a Node stream', () => Readable.from([Buffer.from(text)])],
    ['pieces of text', () => [text.slice(0, 13), text.slice(13, 14), text.slice(14)]],
    ['pieces of bytes', () => [...Buffer.from(text)].map((byte) => Uint8Array.of(byte))],
  ])('reads %s', async (_, source) => {
    expect(await all(csvRecords(source()))).toEqual(records);
  });

  it('reads a path again and again, a stream once', async () => {
    const fromPath = csvRecords(file('again.csv', text));
    expect(await all(fromPath)).toEqual(await all(fromPath));
    const fromStream = csvRecords(Readable.from([text]));
    await all(fromStream);
    await expect(all(fromStream)).rejects.toThrow(StateError);
  });

  it('reads typed columns, and only those', async () => {
    const source = [
      'when,kind,size,note,count\n2016-07-01 12:30, ham ,-1.5e3,x,4\n2016-07-02,spam,.5,y,-0\n',
    ];
    const columns = { when: 'date', kind: ['ham', 'spam'], size: 'number', count: 'integer' } as const;
    expect(await all(csvRecords(source, { columns }))).toEqual([
      { when: Date.UTC(2016, 6, 1, 12, 30), kind: 0, size: -1500, count: 4 },
      { when: Date.UTC(2016, 6, 2), kind: 1, size: 0.5, count: -0 },
    ]);
  });

  it('reads dates as UTC, unless they name a zone', async () => {
    const source = ['t\n1949-01\n2016-07-01T01:02:03.5\n2016-07-01 01:02+02:00\n2016-07-01 01:02Z\n'];
    expect((await all(csvRecords(source, { columns: { t: 'date' } }))).map(({ t }) => t)).toEqual([
      Date.UTC(1949, 0),
      Date.UTC(2016, 6, 1, 1, 2, 3, 500),
      Date.UTC(2016, 5, 30, 23, 2),
      Date.UTC(2016, 6, 1, 1, 2),
    ]);
  });

  it('takes other delimiters and quotes, names, comments and encodings', async () => {
    expect(await all(csvRecords(["a;b\n'x;y';2\n"], { delimiter: ';', quote: "'" }))).toEqual([
      { a: 'x;y', b: '2' },
    ]);
    expect(
      await all(csvRecords(file('t.tsv', 'ham\t5" long\n'), { header: ['kind', 'text'], quote: false })),
    ).toEqual([{ kind: 'ham', text: '5" long' }]);
    expect(await all(csvRecords(['1,2\n3,4\n'], { header: false }))).toEqual([
      { 0: '1', 1: '2' },
      { 0: '3', 1: '4' },
    ]);
    expect(
      await all(csvRecords(['# by hand\n a , b\n\n 1 ," 2 "\n#3,4\n'], { comment: '#', trim: true })),
    ).toEqual([{ a: '1', b: ' 2 ' }]);
    expect(await all(csvRecords([Uint8Array.of(0x61, 0x0a, 0xe9)], { encoding: 'latin1' }))).toEqual([
      { a: 'é' },
    ]);
  });

  it('reads missing numbers as NaN where it is told what they look like', async () => {
    const source = () => ['a,b\n,1\nNA,2\n'];
    expect(await all(csvRecords(source(), { columns: { a: 'number' }, missing: ['', 'NA'] }))).toEqual([
      { a: Number.NaN },
      { a: Number.NaN },
    ]);
    await expect(all(csvRecords(source(), { columns: { a: 'number' } }))).rejects.toThrow("received ''");
  });

  it('leaves out a byte order mark, and takes a last line without an end', async () => {
    expect(await all(csvRecords(['\uFEFFa,b\n1,2']))).toEqual([{ a: '1', b: '2' }]);
    expect(await all(csvRecords([Buffer.from('\uFEFFa,b\n1,2')]))).toEqual([{ a: '1', b: '2' }]);
  });

  it('reads what csv-parse reads, with line ends, quotes and delimiters in fields', async () => {
    // Fields of a few characters that matter, in 500 rows of 3.
    const characters = ['"', ',', '\n', 'a', ' ', '', '""'];
    const field = (k: number) =>
      [k, k * 7, k * 31].map((n) => characters[(n + (n >> 3)) % characters.length]).join('');
    const quoted = (value: string) => `"${value.replaceAll('"', '""')}"`;
    const rows = Array.from({ length: 500 }, (_, k) => [field(3 * k), field(3 * k + 1), `row ${k}`]);
    const written = rows.map((row) =>
      row.map((value) => (/[",\n]/.test(value) ? quoted(value) : value)).join(','),
    );
    const whole = `x,y,z\n${written.join('\n')}\n`;
    const found = await all(csvRecords([whole.slice(0, 777), whole.slice(777)]));
    expect(found.map((row) => Object.values(row))).toEqual(rows);
    expect(found).toEqual(parse(whole, { columns: true }));
  });
});

describe('an error in a CSV file', () => {
  it.each<[string, string, RegExp, object]>([
    [
      'a number that is none',
      'a,b\n1,2\n3,x\n',
      /:3, column 'b': expected a number, received 'x'$/,
      { line: 3, column: 'b' },
    ],
    ['a number too large', 'a,b\n1,1e999\n', /expected a number, received '1e999'/, { line: 2, column: 'b' }],
    ['hexadecimal', 'a,b\n1,0x10\n', /expected a number/, { line: 2 }],
    ['infinity', 'a,b\n1,Infinity\n', /expected a number/, { line: 2 }],
    ['too few fields', 'a,b\n1,2\n\n3\n', /:4: expected 2 fields, received 1/, { line: 4 }],
    ['too many fields', 'a,b\n1,2,3\n', /:2: expected 2 fields, received 3/, { line: 2 }],
    [
      'a missing column',
      'first,bs\n1,2\n',
      /:1: expected a column 'b', received columns first, bs \(did you mean 'bs'\?\)/,
      { line: 1 },
    ],
    [
      'a name that comes twice',
      'b,b\n1,2\n',
      /:1: expected distinct column names, received 'b' twice/,
      { line: 1 },
    ],
    ['an empty file', '', /expected at least one line/, {}],
    ['a quote that is not closed', 'a,b\n1,2\n"3,4\n5,6\n', /:3: expected a closing quote/, { line: 3 }],
    ['a quote inside a field', 'a,b\n1,2\n3"x",4\n', /:3: expected a quote only at the start/, { line: 3 }],
    [
      'text after a quoted field',
      'a,b\n"1"x,2\n',
      /:2: expected a delimiter or the end of the line/,
      { line: 2 },
    ],
    [
      'a number after a field of three lines',
      'a,b\n"1\n\n1",2\nq,x\n',
      /:5, column 'b': expected a number, received 'x'/,
      { line: 5 },
    ],
  ])('names file, line and column: %s', async (_, content, message, details) => {
    const path = file('bad.csv', content);
    const failure = await all(csvRecords(path, { columns: { b: 'number' } })).catch(
      (error: unknown) => error,
    );
    expect(failure).toBeInstanceOf(DataError);
    expect((failure as Error).message).toMatch(message);
    expect((failure as Error).message.startsWith(path)).toBe(true);
    expect(failure).toMatchObject({ details: { file: path, ...details } });
  });

  it('comes after the records before it', async () => {
    const found: unknown[] = [];
    const reading = (async () => {
      for await (const record of csvRecords(['a\n1\n2\nx\n4\n'], { columns: { a: 'integer' } }))
        found.push(record);
    })();
    await expect(reading).rejects.toThrow('input:4');
    expect(found).toEqual([{ a: 1 }, { a: 2 }]);
  });

  it('says which classes and dates there are', async () => {
    const read = (columns: object, value: string) => all(csvRecords([`a\n${value}\n`], { columns } as never));
    await expect(read({ a: ['ham', 'spam'] }, 'spma')).rejects.toThrow(
      "expected one of the classes ham, spam, received 'spma' (did you mean 'spam'?)",
    );
    await expect(read({ a: 'date' }, '1.7.2016')).rejects.toThrow('expected a date such as 2016-07-01');
    await expect(read({ a: 'date' }, '2016-13-01')).rejects.toThrow('expected a date');
    await expect(read({ a: 'integer' }, '1.5')).rejects.toThrow('expected a whole number');
  });

  it('names the line of bytes that are not of the encoding', async () => {
    const bytes = Buffer.concat([Buffer.from('a\nb\nc'), Uint8Array.of(0xf0), Buffer.from('d\n')]);
    await expect(all(csvRecords(file('latin.csv', bytes)))).rejects.toThrow(
      /latin.csv:3: expected text in utf-8/,
    );
    expect(await all(csvRecords(file('latin.csv', bytes), { encoding: 'latin1' }))).toEqual([
      { a: 'b' },
      { a: 'cðd' },
    ]);
  });

  it.each([['nowhere.csv'], ['.']])('is a DataError with its cause where %s cannot be read', async (name) => {
    const failure = await all(csvRecords(join(folder, name))).catch((error: unknown) => error);
    expect(failure).toBeInstanceOf(DataError);
    expect((failure as Error).cause).toBeInstanceOf(Error);
  });

  it.each<[string, unknown, object]>([
    ['an unknown option', 'a.csv', { delimeter: ';' }],
    ['an empty delimiter', 'a.csv', { delimiter: '' }],
    ['a long quote', 'a.csv', { quote: '""' }],
    ['an unknown type', 'a.csv', { columns: { a: 'float' } }],
    ['no classes', 'a.csv', { columns: { a: [] } }],
    ['a class twice', 'a.csv', { columns: { a: ['x', 'x'] } }],
  ])('is a ConfigError at once for %s', (_, source, options) => {
    expect(() => csvRecords(source as never, options)).toThrow(ConfigError);
  });

  it('is a ConfigError for an unknown encoding and for no source', async () => {
    await expect(all(csvRecords(['a'], { encoding: 'klingon' }))).rejects.toThrow(ConfigError);
    await expect(all(csvRecords(3 as never))).rejects.toThrow(ConfigError);
    await expect(all(csvRecords(new URL('https://example.org/a.csv')))).rejects.toThrow(ConfigError);
    await expect(all(csvRecords([3] as never))).rejects.toThrow(DataError);
  });
});

describe('readCsv', () => {
  it('gives columns: numbers where all fields are numbers, else text', async () => {
    const table = await readCsv(['date,value,mixed\n2016-07-01,1.5,1\n2016-07-02,-2,x\n']);
    expect(table).toEqual({
      rows: 2,
      columns: {
        date: ['2016-07-01', '2016-07-02'],
        value: Float64Array.of(1.5, -2),
        mixed: ['1', 'x'],
      },
    });
  });

  it('holds named columns to their types', async () => {
    const read = (mixed: 'number' | 'text') =>
      readCsv(['value,mixed\n1,1\n2,x\n'], { columns: { value: 'text', mixed } });
    expect((await read('text')).columns).toEqual({ value: ['1', '2'], mixed: ['1', 'x'] });
    await expect(read('number')).rejects.toThrow("input:3, column 'mixed': expected a number, received 'x'");
    await expect(readCsv(['a\n1\n'], { columns: { b: 'number' } })).rejects.toThrow("expected a column 'b'");
  });

  it('counts missing numbers as numbers, but not a column of nothing else', async () => {
    const { columns } = await readCsv(['a,b\n1,\n,\n'], { missing: [''] });
    expect(columns).toEqual({ a: Float64Array.of(1, Number.NaN), b: ['', ''] });
  });

  it('takes columns of any name', async () => {
    const { columns } = await readCsv(['constructor,__proto__\n1,a\n']);
    expect(Object.entries(columns)).toEqual([
      ['constructor', Float64Array.of(1)],
      ['__proto__', ['a']],
    ]);
  });

  it('refuses a header without records', async () => {
    await expect(readCsv(['a,b\n'])).rejects.toThrow('expected at least one record, received none');
  });
});
