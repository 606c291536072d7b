import { describe, expect, it } from 'vitest';

import { CheckpointError } from '../../../src/errors.js';
import { decodeSafetensors, encodeSafetensors } from '../../../src/io/safetensors.js';

const content = {
  tensors: {
    'lstm.weight_ih_l0': { data: Float32Array.of(1, -2.5, 3, 4, 5, 6), shape: [2, 3] },
    'fc.bias': { data: Float32Array.of(7), shape: [1] },
    scalar: { data: Float32Array.of(8), shape: [] },
    empty: { data: new Float32Array(0), shape: [0, 4] },
  },
  metadata: { format: 'pt', note: 'grün' },
};

function file(header: unknown, data = new Uint8Array(0)): Uint8Array {
  const text = new TextEncoder().encode(typeof header === 'string' ? header : JSON.stringify(header));
  const bytes = new Uint8Array(8 + text.length + data.length);
  new DataView(bytes.buffer).setBigUint64(0, BigInt(text.length), true);
  bytes.set(text, 8);
  bytes.set(data, 8 + text.length);
  return bytes;
}

function entry(overrides: object = {}) {
  return { dtype: 'F32', shape: [1], data_offsets: [0, 4], ...overrides };
}

describe('safetensors', () => {
  it('gives back what was written', () => {
    expect(decodeSafetensors(encodeSafetensors(content))).toEqual(content);
  });

  it('reads from any place in a larger buffer', () => {
    const bytes = encodeSafetensors(content);
    const shifted = new Uint8Array(bytes.length + 3);
    shifted.set(bytes, 3);
    expect(decodeSafetensors(shifted.subarray(3))).toEqual(content);
  });

  it('pads the header with blanks so that data start at a multiple of 8', () => {
    for (const note of ['', 'x', 'xx', 'xxx', 'xxxx']) {
      const bytes = encodeSafetensors({ tensors: {}, metadata: { note } });
      expect(Number(new DataView(bytes.buffer).getBigUint64(0, true)) % 8).toBe(0);
      expect(new TextDecoder().decode(bytes.subarray(8)).trimEnd()).toBe(
        JSON.stringify({ __metadata__: { note } }),
      );
    }
  });

  it('writes the bytes of the format', () => {
    const header = '{"__metadata__":{},"a":{"dtype":"F32","shape":[1],"data_offsets":[0,4]}}';
    const bytes = encodeSafetensors({
      tensors: { a: { data: Float32Array.of(1), shape: [1] } },
      metadata: {},
    });
    expect(header.length % 8).toBe(0);
    // 1.0f is 3f800000.
    expect(Buffer.from(bytes)).toEqual(Buffer.concat([file(header), Uint8Array.of(0, 0, 0x80, 0x3f)]));
  });

  it('keeps names that objects have by themselves', () => {
    const tensors = Object.fromEntries([['__proto__', { data: Float32Array.of(1), shape: [1] }]]);
    expect(Object.keys(decodeSafetensors(encodeSafetensors({ tensors, metadata: {} })).tensors)).toEqual([
      '__proto__',
    ]);
  });

  it('reads a header without metadata', () => {
    expect(decodeSafetensors(file({ a: entry() }, new Uint8Array(4))).metadata).toEqual({});
  });

  it('finds every truncation', () => {
    const bytes = encodeSafetensors(content);
    for (let length = 0; length < bytes.length; length++) {
      expect(() => decodeSafetensors(bytes.subarray(0, length))).toThrow(CheckpointError);
    }
  });

  const four = new Uint8Array(4);
  const eight = new Uint8Array(8);
  it.each([
    ['a header longer than the file', Uint8Array.of(255, 255, 255, 255, 255, 255, 255, 255, 1)],
    ['a header that is no JSON', file('{"a":')],
    ['a header that is no UTF-8', Uint8Array.of(2, 0, 0, 0, 0, 0, 0, 0, 0xff, 0xff)],
    ['a header that is a list', file([])],
    ['an unknown dtype', file({ a: entry({ dtype: 'F33' }) }, four)],
    ['a dtype that is not float32', file({ a: entry({ dtype: 'F64', data_offsets: [0, 8] }) }, eight)],
    ['a tensor without a shape', file({ a: { dtype: 'F32', data_offsets: [0, 4] } }, four)],
    ['a negative size', file({ a: entry({ shape: [-1, -1] }) }, four)],
    ['a size that overflows', file({ a: entry({ shape: [2 ** 40, 2 ** 40] }) }, four)],
    ['a shape that the bytes do not fill', file({ a: entry({ shape: [2] }) }, four)],
    ['offsets beyond the data', file({ a: entry({ shape: [2], data_offsets: [0, 8] }) }, four)],
    ['offsets the wrong way round', file({ a: entry({ data_offsets: [4, 0] }) }, four)],
    ['tensors that overlap', file({ a: entry(), b: entry() }, four)],
    ['a hole between tensors', file({ a: entry({ data_offsets: [4, 8] }) }, eight)],
    ['data after the last tensor', file({ a: entry() }, eight)],
    ['metadata that are no texts', file({ __metadata__: { a: 1 } })],
  ])('refuses %s', (_, bytes) => {
    expect(() => decodeSafetensors(bytes)).toThrow(CheckpointError);
  });

  it('refuses to write a tensor that does not fill its shape', () => {
    const tensors = { a: { data: Float32Array.of(1), shape: [2] } };
    expect(() => encodeSafetensors({ tensors, metadata: {} })).toThrow(CheckpointError);
  });
});
