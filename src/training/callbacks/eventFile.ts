import { maskedCrc32c } from './crc32c.js';

/** A number at a step, under a name. */
export interface Scalar {
  readonly tag: string;
  readonly value: number;
}

/**
 * The record that an event file begins with. Fields are those of tensorflow's event.proto: wall_time 1 (double),
 * step 2 (int64), file_version 3 (string), summary 5 (message).
 */
export function versionRecord(wallSeconds: number): Buffer {
  return framed(Buffer.concat([doubleField(1, wallSeconds), textField(3, 'brain.Event:2')]));
}

/**
 * Scalars of one step as one record. Of summary.proto: value 1 (message, repeated) with tag 1 (string) and simple_value 2
 * (float).
 */
export function scalarsRecord(wallSeconds: number, step: number, scalars: readonly Scalar[]): Buffer {
  const values = scalars.map(({ tag, value }) =>
    bytesField(1, Buffer.concat([textField(1, tag), floatField(2, value)])),
  );
  return framed(
    Buffer.concat([doubleField(1, wallSeconds), varintField(2, step), bytesField(5, Buffer.concat(values))]),
  );
}

/** TFRecord: length (uint64), its masked CRC, the data, their masked CRC; all little-endian. */
function framed(data: Buffer): Buffer {
  const head = Buffer.alloc(12);
  head.writeBigUInt64LE(BigInt(data.length), 0);
  head.writeUInt32LE(maskedCrc32c(head.subarray(0, 8)), 8);
  const tail = Buffer.alloc(4);
  tail.writeUInt32LE(maskedCrc32c(data), 0);
  return Buffer.concat([head, data, tail]);
}

// Protocol buffers: a key of field number and wire type (0 varint, 1 eight bytes, 2 length and bytes, 5 four bytes), a value.
function varintField(field: number, value: number): Buffer {
  return Buffer.concat([varint(field << 3), varint(value)]);
}

function doubleField(field: number, value: number): Buffer {
  const bytes = Buffer.alloc(8);
  bytes.writeDoubleLE(value);
  return Buffer.concat([varint((field << 3) | 1), bytes]);
}

function floatField(field: number, value: number): Buffer {
  const bytes = Buffer.alloc(4);
  bytes.writeFloatLE(value);
  return Buffer.concat([varint((field << 3) | 5), bytes]);
}

function textField(field: number, text: string): Buffer {
  return bytesField(field, Buffer.from(text));
}

function bytesField(field: number, bytes: Buffer): Buffer {
  return Buffer.concat([varint((field << 3) | 2), varint(bytes.length), bytes]);
}

/** Seven bits a byte, lowest first; the eighth says that more follow. Whole numbers from 0 to 2^53 - 1. */
function varint(value: number): Buffer {
  const bytes: number[] = [];
  let rest = value;
  for (; rest >= 128; rest = Math.floor(rest / 128)) bytes.push((rest % 128) + 128);
  return Buffer.from([...bytes, rest]);
}
