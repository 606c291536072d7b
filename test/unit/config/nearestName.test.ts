import { describe, expect, it } from 'vitest';
import { editDistance, nearestName } from '../../../src/config/nearestName.js';

describe('editDistance', () => {
  // kitten/sitting is the textbook pair: two replacements and one insertion.
  it.each([
    ['', '', 0],
    ['', 'abc', 3],
    ['same', 'same', 0],
    ['kitten', 'sitting', 3],
    ['hiddenSize', 'hidenSize', 1],
    ['size', 'siez', 1],
  ])('between %j and %j is %d in both directions', (a, b, distance) => {
    expect(editDistance(a, b)).toBe(distance);
    expect(editDistance(b, a)).toBe(distance);
  });
});

describe('nearestName', () => {
  const names = ['hiddenSize', 'numLayers', 'dropout'];

  it.each([
    ['hidensize', 'hiddenSize'],
    ['num_layers', 'numLayers'],
    ['dropuot', 'dropout'],
  ])('finds what %j was meant to be', (name, meant) => {
    expect(nearestName(name, names)).toBe(meant);
  });

  it('suggests nothing for a name unlike all others', () => {
    expect(nearestName('colour', names)).toBeUndefined();
    expect(nearestName('x', [])).toBeUndefined();
  });
});
