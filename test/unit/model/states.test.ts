import { describe, expect, it } from 'vitest';
import { ShapeError } from '../../../src/errors.js';
import { checkStates, packStates, unpackStates, zeroStates } from '../../../src/model/states.js';

const layouts = [
  { layer: 'a', planes: 2, sizes: { h: 3, c: 3 } },
  { layer: 'b', planes: 1, sizes: { h: 1, c: 2 } },
];

/** Every element its own number, so that nothing can be mixed up unseen. */
function numbered(count: number) {
  let next = 1;
  const states = zeroStates(layouts, count);
  for (const { h, c } of states)
    for (const { data } of [h, c]) data.forEach((_, index) => (data[index] = next++));
  return states;
}

describe('states', () => {
  it('are packed h then c of each layer, the chosen sequences alone', () => {
    // With 2 sequences: a.h is 1..12 ([2 planes, 2, 3]), a.c 13..24, b.h 25..26, b.c 27..30.
    const packed = packStates(numbered(2), 1, 1);
    expect([...packed]).toEqual([4, 5, 6, 10, 11, 12, 16, 17, 18, 22, 23, 24, 26, 29, 30]);
  });

  it('come back to their places batch by batch', () => {
    const states = numbered(5);
    const copy = zeroStates(layouts, 5);
    unpackStates(packStates(states, 0, 3), copy, 0, 3);
    unpackStates(packStates(states, 3, 2), copy, 3, 2);
    expect(copy).toEqual(states);
  });

  it('are refused for another number of layers or sequences', () => {
    expect(() => checkStates([], layouts, 2)).toThrow(ShapeError);
    expect(() => checkStates(numbered(3), layouts, 2)).toThrow(
      'states[0].h: expected shape [2, 2, 3], received [2, 3, 3]',
    );
    expect(() =>
      checkStates([numbered(2)[0], { ...numbered(2)[1], h: numbered(2)[1]!.c }], layouts, 2),
    ).toThrow('states[1].h: expected shape [1, 2, 1], received [1, 2, 2]');
  });
});
