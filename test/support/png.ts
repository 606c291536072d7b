import { inflateSync } from 'node:zlib';

/** A picture: 8-bit red, green, blue of each pixel. */
export interface Picture {
  readonly width: number;
  readonly height: number;
  /** `#rrggbb` at a place. */
  at(x: number, y: number): string;
  /** How many pixels there are of each colour. */
  colors(): Map<string, number>;
}

/** Reads a PNG of 8-bit RGB or RGBA without interlacing (W3C, Portable Network Graphics, third edition, 5 to 9). */
export function readPng(bytes: Buffer): Picture {
  const width = bytes.readUInt32BE(16);
  const height = bytes.readUInt32BE(20);
  const channels = bytes[25] === 6 ? 4 : 3;
  if (bytes[24] !== 8 || bytes[28] !== 0) throw new Error('expected 8 bits a channel, not interlaced');
  const pixels = unfilter(inflateSync(Buffer.concat(dataChunks(bytes))), width * channels, height, channels);
  const pixel = (place: number) => pixels.readUIntBE(place * channels, 3);
  const at = (x: number, y: number) => hex(pixel(y * width + x));
  const colors = () => {
    const counts = new Map<number, number>();
    for (let place = 0; place < width * height; place++) {
      counts.set(pixel(place), (counts.get(pixel(place)) ?? 0) + 1);
    }
    return new Map([...counts].map(([color, count]) => [hex(color), count]));
  };
  return { width, height, at, colors };
}

function hex(color: number): string {
  return `#${color.toString(16).padStart(6, '0')}`;
}

function dataChunks(bytes: Buffer): Buffer[] {
  const chunks: Buffer[] = [];
  for (let at = 8; at < bytes.length;) {
    const length = bytes.readUInt32BE(at);
    if (bytes.toString('latin1', at + 4, at + 8) === 'IDAT')
      chunks.push(bytes.subarray(at + 8, at + 8 + length));
    at += length + 12;
  }
  return chunks;
}

function unfilter(data: Buffer, stride: number, height: number, channels: number): Buffer {
  const out = Buffer.alloc(stride * height);
  for (let y = 0; y < height; y++) {
    const filter = data[y * (stride + 1)]!;
    for (let i = 0; i < stride; i++) {
      const left = i < channels ? 0 : out[y * stride + i - channels]!;
      const up = y === 0 ? 0 : out[(y - 1) * stride + i]!;
      const corner = y === 0 || i < channels ? 0 : out[(y - 1) * stride + i - channels]!;
      const guess = prediction(filter, left, up, corner);
      out[y * stride + i] = (data[y * (stride + 1) + 1 + i]! + guess) & 255;
    }
  }
  return out;
}

function prediction(filter: number, left: number, up: number, corner: number): number {
  if (filter === 4) return paeth(left, up, corner);
  return filter === 3 ? (left + up) >> 1 : filter === 2 ? up : filter === 1 ? left : 0;
}

function paeth(left: number, up: number, corner: number): number {
  const guess = left + up - corner;
  const [a, b, c] = [Math.abs(guess - left), Math.abs(guess - up), Math.abs(guess - corner)];
  if (a <= b && a <= c) return left;
  return b <= c ? up : corner;
}
