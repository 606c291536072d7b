/** Something that starts over each time it is iterated. */
export function reiterable<T>(start: () => AsyncGenerator<T>): AsyncIterable<T> {
  return Object.freeze({ [Symbol.asyncIterator]: start });
}
