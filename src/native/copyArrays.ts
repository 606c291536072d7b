/** An object with its typed arrays copied, those in lists of objects too: a batch's are used again for the next one. */
export function copyArrays<T extends object>(batch: T): T {
  const copies = Object.entries(batch).map(([name, value]: [string, unknown]) => [name, copied(value)]);
  return Object.fromEntries(copies) as T;
}

function copied(value: unknown): unknown {
  if (ArrayBuffer.isView(value)) return (value as Float32Array).slice();
  return Array.isArray(value) ? value.map((one: object) => copyArrays(one)) : value;
}
