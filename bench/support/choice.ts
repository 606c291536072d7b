/** All of a list, or the one that is named. */
export function chosen<T>(
  all: readonly T[],
  nameOf: (one: T) => string,
  name: string | undefined,
): readonly T[] {
  const found = name === undefined ? all : all.filter((one) => nameOf(one) === name);
  if (found.length > 0) return found;
  throw new Error(`expected one of ${all.map(nameOf).join(', ')}, received ${name}`);
}
