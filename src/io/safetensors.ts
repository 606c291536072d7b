import { z } from 'zod';

import { describe, shapeText } from '../config/describe.js';
import { elementCount, type Tensor } from '../data/tensor.js';
import { CheckpointError } from '../errors.js';

/**
 * The safetensors file format: u64 little-endian length of the header, the header (JSON, padded with blanks to
 * 8 bytes), then the tensors' bytes without holes. Source: README of the safetensors project, "Format".
 */
export interface SafetensorsContent {
  readonly tensors: Readonly<Record<string, Tensor<Float32Array>>>;
  readonly metadata: Readonly<Record<string, string>>;
}

/** Bytes before the header: its length. */
export const prefixBytes = 8;

const alignment = 8;
const elementBytes = 4;
/** The format's own limit. */
const maxHeaderBytes = 100_000_000;
const metadataKey = '__metadata__';

const size = z.int().nonnegative();
const tensorSchema = z.strictObject({
  dtype: z.string(),
  shape: z.array(size),
  data_offsets: z.tuple([size, size]),
});
type TensorEntry = z.output<typeof tensorSchema>;

/**
 * A safetensors file of float32 tensors, in the order given.
 *
 * @throws CheckpointError for a tensor whose data do not fill its shape, or that has the metadata's name.
 */
export function encodeSafetensors({ tensors, metadata }: SafetensorsContent): Uint8Array<ArrayBuffer> {
  const entries: [string, unknown][] = [[metadataKey, metadata]];
  let end = 0;
  for (const [name, { data, shape }] of Object.entries(tensors)) {
    if (name === metadataKey || elementCount(shape) !== data.length) {
      throw failure(
        `tensor '${name}'`,
        `${elementCount(shape)} elements for ${shapeText(shape)}`,
        `${data.length}`,
      );
    }
    const start = end;
    end += data.length * elementBytes;
    entries.push([name, { dtype: 'F32', shape, data_offsets: [start, end] }]);
  }
  const json = new TextEncoder().encode(JSON.stringify(Object.fromEntries(entries)));
  const headerBytes = Math.ceil(json.length / alignment) * alignment;
  const bytes = new Uint8Array(prefixBytes + headerBytes + end).fill(
    0x20,
    prefixBytes,
    prefixBytes + headerBytes,
  );
  new DataView(bytes.buffer).setBigUint64(0, BigInt(headerBytes), true);
  bytes.set(json, prefixBytes);
  let position = prefixBytes + headerBytes;
  for (const { data } of Object.values(tensors)) {
    bytes.set(new Uint8Array(data.buffer, data.byteOffset, data.byteLength), position);
    position += data.byteLength;
  }
  return bytes;
}

/**
 * The tensors and metadata of a safetensors file. Tensors are copied out of it.
 *
 * @throws CheckpointError for a file that is truncated or longer than it says, whose header is no such JSON, or whose
 *   tensors are not float32, do not fill their shapes, overlap, or leave holes.
 */
export function decodeSafetensors(bytes: Uint8Array): SafetensorsContent {
  const header = readHeader(bytes);
  const start = prefixBytes + headerLength(bytes);
  // Not a subarray: of a Buffer that would be a Buffer again, whose `slice` does not copy.
  const data = new Uint8Array(bytes.buffer, bytes.byteOffset + start, bytes.byteLength - start);
  const entries = Object.entries(header)
    .filter(([name]) => name !== metadataKey)
    .map(([name, value]) => [name, checkEntry(name, value, data.length)] as const);
  checkCoverage(entries, data.length);
  const tensors = entries.map(([name, { shape, data_offsets }]) => {
    const copy = data.slice(...data_offsets);
    return [name, { data: new Float32Array(copy.buffer, 0, copy.length / elementBytes), shape }] as const;
  });
  return { tensors: Object.fromEntries(tensors), metadata: checkMetadata(header[metadataKey]) };
}

/**
 * Bytes of the header, held against the file.
 *
 * @throws CheckpointError for a length that cannot be one.
 */
export function headerLength(bytes: Uint8Array): number {
  if (bytes.length < prefixBytes) throw failure('file', `at least ${prefixBytes} bytes`, `${bytes.length}`);
  const length = new DataView(bytes.buffer, bytes.byteOffset, prefixBytes).getBigUint64(0, true);
  const limit = Math.min(bytes.length - prefixBytes, maxHeaderBytes);
  if (length > limit) {
    throw failure(
      'file',
      `a safetensors header of at most ${limit} bytes`,
      `one of ${length}: truncated, or another format`,
    );
  }
  return Number(length);
}

function readHeader(bytes: Uint8Array): Record<string, unknown> {
  const text = bytes.subarray(prefixBytes, prefixBytes + headerLength(bytes));
  let header: unknown;
  try {
    header = JSON.parse(new TextDecoder('utf-8', { fatal: true }).decode(text));
  } catch (cause) {
    throw failure('header', 'JSON in UTF-8', cause instanceof Error ? cause.message : String(cause), cause);
  }
  if (typeof header === 'object' && header !== null && !Array.isArray(header)) {
    return header as Record<string, unknown>;
  }
  throw failure('header', 'a JSON object', describe(header));
}

function checkEntry(name: string, value: unknown, dataBytes: number): TensorEntry {
  const { success, data: entry } = tensorSchema.safeParse(value);
  if (!success) throw failure(`tensor '${name}'`, '{dtype, shape, data_offsets}', describe(value));
  const { dtype, shape, data_offsets: offsets } = entry;
  if (dtype !== 'F32') throw failure(`tensor '${name}'`, "dtype 'F32'", describe(dtype));
  const [start, end] = offsets;
  if (end > dataBytes) {
    throw failure(
      `tensor '${name}'`,
      `offsets within ${dataBytes} bytes of data`,
      `${shapeText(offsets)}: truncated`,
    );
  }
  if (end - start !== elementCount(shape) * elementBytes) {
    const expected = `${elementCount(shape) * elementBytes} bytes for ${shapeText(shape)}`;
    throw failure(`tensor '${name}'`, expected, `offsets ${shapeText(offsets)}`);
  }
  return entry;
}

function checkCoverage(entries: readonly (readonly [string, TensorEntry])[], dataBytes: number): void {
  const inOrder = [...entries].sort(
    ([, { data_offsets: a }], [, { data_offsets: b }]) => a[0] - b[0] || a[1] - b[1],
  );
  let position = 0;
  for (const [name, { data_offsets: offsets }] of inOrder) {
    if (offsets[0] !== position) {
      throw failure(
        `tensor '${name}'`,
        `data from byte ${position} on, without overlap or hole`,
        `${offsets[0]}`,
      );
    }
    position = offsets[1];
  }
  if (position !== dataBytes) throw failure('file', `${position} bytes of data`, `${dataBytes}`);
}

function checkMetadata(value: unknown): Record<string, string> {
  const { success, data } = z.record(z.string(), z.string()).safeParse(value ?? {});
  if (!success) throw failure(metadataKey, 'an object of texts', describe(value));
  return data;
}

function failure(name: string, expected: string, received: string, cause?: unknown): CheckpointError {
  const details = { name, expected, received };
  const options = cause === undefined ? undefined : { cause };
  return new CheckpointError(`${name}: expected ${expected}, received ${received}`, details, options);
}
