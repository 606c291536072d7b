/** What {@link encodeExact} takes: plain data, numbers of any kind and arrays of numbers. */
export type Exact =
  | string
  | number
  | boolean
  | null
  | undefined
  | Float32Array
  | Float64Array
  | readonly Exact[]
  | { readonly [name: string]: Exact };

/** Names what JSON has no word for; no object of ours has such a field. */
const tag = '$';

const arrays = { f32: Float32Array, f64: Float64Array } as const;

/**
 * Plain data as JSON that gives it back bit for bit: NaN, infinities and -0 by name, typed arrays as base64 of their
 * little-endian bytes. What is undefined is left out.
 */
export function encodeExact(value: Exact): unknown {
  if (typeof value === 'number') {
    return Number.isFinite(value) && !Object.is(value, -0)
      ? value
      : { [tag]: Object.is(value, -0) ? '-0' : `${value}` };
  }
  if (value instanceof Float32Array || value instanceof Float64Array) {
    const bytes = Buffer.from(value.buffer, value.byteOffset, value.byteLength);
    return { [tag]: value instanceof Float32Array ? 'f32' : 'f64', bytes: bytes.toString('base64') };
  }
  if (Array.isArray(value)) return value.map((one: Exact) => encodeExact(one ?? null));
  if (typeof value !== 'object' || value === null) return value;
  const entries = Object.entries(value).filter(([, one]) => one !== undefined);
  return Object.fromEntries(entries.map(([name, one]) => [name, encodeExact(one)]));
}

/** What {@link encodeExact} made JSON of. What it cannot have made comes back as it is. */
export function decodeExact(value: unknown): Exact {
  if (Array.isArray(value)) return value.map(decodeExact);
  if (typeof value !== 'object' || value === null) return value as Exact;
  const { [tag]: word, bytes } = value as Record<string, unknown>;
  if (typeof word === 'string' && ['NaN', 'Infinity', '-Infinity', '-0'].includes(word)) return Number(word);
  if ((word === 'f32' || word === 'f64') && typeof bytes === 'string') {
    const copy = Uint8Array.from(Buffer.from(bytes, 'base64'));
    const { BYTES_PER_ELEMENT: size } = arrays[word];
    return new arrays[word](copy.buffer, 0, Math.floor(copy.length / size));
  }
  return Object.fromEntries(Object.entries(value).map(([name, one]) => [name, decodeExact(one)]));
}
