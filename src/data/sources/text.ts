import { createReadStream } from 'node:fs';
import { fileURLToPath } from 'node:url';
import { TextDecoder } from 'node:util';
import { describe } from '../../config/describe.js';
import { ConfigError, LstmError, StateError } from '../../errors.js';
import { sourceError, type SourcePlace } from './sourceError.js';

/** A file's path, or its text: a Node stream (`process.stdin`), or pieces of text or bytes. */
export type TextSource = string | URL | AsyncIterable<string | Uint8Array> | Iterable<string | Uint8Array>;

/** What text is read with. */
export interface TextOptions {
  /** A name of the Encoding Standard, such as `latin1`. Default `utf-8`. */
  readonly encoding?: string | undefined;
}

/**
 * What messages call a source.
 *
 * @throws ConfigError for a URL that is no file's.
 */
export function sourceName(source: TextSource): string {
  if (typeof source === 'string') return source;
  if (!(source instanceof URL)) return 'input';
  if (source.protocol === 'file:') return fileURLToPath(source);
  const expected = "a file's URL; for another, what it gives, such as the body of a response";
  throw new ConfigError(`source: expected ${expected}, received ${source.protocol}`, {
    path: 'source',
    expected,
    received: source.protocol,
  });
}

/**
 * The text of a source, piece by piece, without a byte order mark.
 *
 * @throws ConfigError for no source or an unknown encoding. StateError for a stream that was read before.
 * @throws DataError for a file that cannot be read, and for bytes that are not of the encoding (with the line).
 */
export async function* textOf(source: TextSource, encoding = 'utf-8'): AsyncGenerator<string> {
  const file = sourceName(source);
  const decoder = decoderFor(encoding);
  let line = 1;
  try {
    for await (const piece of piecesOf(source, file)) {
      const text = decode(decoder, piece, encoding, { file, line });
      for (let at = text.indexOf('\n'); at >= 0; at = text.indexOf('\n', at + 1)) line += 1;
      yield text;
    }
    yield decode(decoder, new Uint8Array(0), encoding, { file, line }, true);
  } catch (error) {
    if (error instanceof LstmError) throw error;
    const received = error instanceof Error ? error.message : describe(error);
    throw sourceError({ file }, 'a source that can be read', received, { cause: error });
  }
}

/** A line without its end, and its number from 1. */
export interface Line {
  readonly text: string;
  readonly line: number;
}

/** The lines of a source, as many at a time as a piece of it ends; `\n` and `\r\n` end one. */
export async function* linesOf(source: TextSource, encoding?: string): AsyncGenerator<readonly Line[]> {
  let line = 0;
  let open = '';
  const numbered = (text: string): Line => ({
    text: text.endsWith('\r') ? text.slice(0, -1) : text,
    line: ++line,
  });
  for await (const piece of textOf(source, encoding)) {
    if (!piece.includes('\n')) {
      open += piece;
      continue;
    }
    const parts = (open + piece).split('\n');
    open = parts.pop()!;
    yield parts.map(numbered);
  }
  if (open !== '') yield [numbered(open)];
}

function piecesOf(
  source: TextSource,
  file: string,
): AsyncIterable<string | Uint8Array> | Iterable<string | Uint8Array> {
  if (typeof source === 'string' || source instanceof URL) return createReadStream(source);
  if (typeof source !== 'object' || source === null || !isIterable(source)) {
    const expected = 'a path, a stream or pieces of text';
    throw new ConfigError(`source: expected ${expected}, received ${describe(source)}`, {
      path: 'source',
      expected,
      received: source,
    });
  }
  if (
    'readableEnded' in source &&
    (source.readableEnded === true || ('destroyed' in source && source.destroyed === true))
  ) {
    const expected = 'a path, or a stream opened anew';
    throw new StateError(`${file}: expected ${expected}; this stream was read before`, { expected });
  }
  return source;
}

function isIterable(source: object): boolean {
  return Symbol.asyncIterator in source || Symbol.iterator in source;
}

function decoderFor(encoding: string): TextDecoder {
  try {
    return new TextDecoder(encoding, { fatal: true });
  } catch (error) {
    const expected = "an encoding such as 'utf-8' or 'latin1'";
    throw new ConfigError(
      `encoding: expected ${expected}, received ${describe(encoding)}`,
      { path: 'encoding', expected, received: encoding },
      { cause: error },
    );
  }
}

function decode(
  decoder: TextDecoder,
  piece: string | Uint8Array,
  encoding: string,
  { file, line }: SourcePlace & { readonly line: number },
  last = false,
): string {
  if (typeof piece === 'string') return line === 1 && piece.startsWith('\uFEFF') ? piece.slice(1) : piece;
  if (!(piece instanceof Uint8Array)) throw sourceError({ file, line }, 'text or bytes', describe(piece));
  try {
    return decoder.decode(piece, { stream: !last });
  } catch (error) {
    const before = new TextDecoder(encoding).decode(piece).split('\uFFFD')[0]!;
    const place = { file, line: line + before.split('\n').length - 1 };
    throw sourceError(place, `text in ${encoding}`, 'bytes that are none (name another `encoding`)', {
      cause: error,
    });
  }
}
