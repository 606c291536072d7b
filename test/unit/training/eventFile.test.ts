import { describe, expect, it } from 'vitest';
import { crc32c, maskedCrc32c } from '../../../src/training/callbacks/crc32c.js';
import { scalarsRecord, versionRecord } from '../../../src/training/callbacks/eventFile.js';

describe('CRC-32C', () => {
  // RFC 3720, appendix B.4, and the usual check value of the nine digits.
  it.each<[string, Uint8Array, number]>([
    ['32 zeros', new Uint8Array(32), 0x8a9136aa],
    ['32 bytes of ones', new Uint8Array(32).fill(255), 0x62a8ab43],
    ['32 rising bytes', Uint8Array.from({ length: 32 }, (_, i) => i), 0x46dd794e],
    ['32 falling bytes', Uint8Array.from({ length: 32 }, (_, i) => 31 - i), 0x113fdb5c],
    ['the digits 1 to 9', Buffer.from('123456789'), 0xe3069283],
    ['nothing', new Uint8Array(0), 0],
  ])('of %s', (_name, bytes, crc) => {
    expect(crc32c(bytes)).toBe(crc);
  });

  it('is masked by a turn of 15 bits and a constant', () => {
    // 0 turned is 0; 0xe3069283 turned right by 15 bits is 0x2507c60d.
    expect(maskedCrc32c(new Uint8Array(0))).toBe(0xa282ead8);
    expect(maskedCrc32c(Buffer.from('123456789'))).toBe((0x2507c60d + 0xa282ead8) % 2 ** 32);
  });
});

describe('records of an event file', () => {
  it('are protocol buffers in a frame of length and checksums', () => {
    const record = scalarsRecord(1.5, 300, [{ tag: 'loss', value: 0.25 }]);
    // prettier-ignore
    const data = Buffer.from([
      0x09, 0, 0, 0, 0, 0, 0, 0xf8, 0x3f, // wall_time: 1.5
      0x10, 0xac, 0x02, // step: 300
      0x2a, 0x0d, // summary, 13 bytes
      0x0a, 0x0b, // value, 11 bytes
      0x0a, 0x04, 0x6c, 0x6f, 0x73, 0x73, // tag: loss
      0x15, 0, 0, 0x80, 0x3e, // simple_value: 0.25
    ]);
    expect(record.readBigUInt64LE(0)).toBe(BigInt(data.length));
    expect(record.subarray(12, -4)).toEqual(data);
    expect(record.readUInt32LE(8)).toBe(maskedCrc32c(record.subarray(0, 8)));
    expect(record.readUInt32LE(12 + data.length)).toBe(maskedCrc32c(data));
  });

  it('begin with the version', () => {
    expect(versionRecord(0).toString('latin1')).toContain('brain.Event:2');
  });
});
