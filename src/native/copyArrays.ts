/** An object with its typed arrays copied: a batch's are used again for the next one. */
export function copyArrays<T extends object>(batch: T): T {
  const copies = Object.entries(batch).map(([name, value]: [string, unknown]) => [
    name,
    ArrayBuffer.isView(value) ? (value as Float32Array).slice() : value,
  ]);
  return Object.fromEntries(copies) as T;
}
