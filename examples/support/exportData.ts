import { mkdirSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';

import type { Tensor } from 'cudnn-lstm';

// Not public: the order in which `fit` visits rows.
import { permutation } from '../../src/data/shuffle.js';

/** Sequences with what they should give: features [N, T, C] or token ids [N, T]. */
export interface Rows {
  readonly x: Tensor | readonly ArrayLike<number>[] | readonly (readonly ArrayLike<number>[])[];
  readonly y: Tensor | ArrayLike<number> | readonly ArrayLike<number>[];
}

/** What both sides of a comparison have in common. */
export interface Shared {
  /** Sequences, or one long text as ids. */
  readonly splits: Readonly<Record<string, Rows | Int32Array>>;
  /** Epochs, batch size, learning rate and the like. */
  readonly settings: { readonly epochs: number } & Readonly<Record<string, unknown>>;
}

/**
 * Writes `data.json` (settings, and for each split the sequences' lengths and numbers a step) and for each split
 * `<split>.x` (float32 features or int32 ids, back to back) and `<split>.y` (float32, back to back); `order` is the order of
 * the training rows, int32 [epochs, rows], in which `fit` visits them with the seed.
 */
export function exportData(folder: string, { splits, settings }: Shared, seed: number): void {
  mkdirSync(folder, { recursive: true });
  const shapes = Object.entries(splits).map(([name, split]) => {
    const { x, y } = split instanceof Int32Array ? { x: [split], y: [] } : split;
    const { data, ...shape } = sequencesOf(x);
    writeFileSync(join(folder, `${name}.x`), data);
    const targets = valuesOf(y);
    writeFileSync(join(folder, `${name}.y`), targets.data);
    if (name === 'training') writeOrder(folder, shape.lengths.length, settings.epochs, seed);
    return [name, { ...shape, targets: targets.perRow }];
  });
  writeFileSync(join(folder, 'data.json'), JSON.stringify({ settings, splits: Object.fromEntries(shapes) }));
}

function writeOrder(folder: string, count: number, epochs: number, seed: number): void {
  const order = new Int32Array(epochs * count);
  for (let epoch = 0; epoch < epochs; epoch++) order.set(permutation(count, seed, epoch), epoch * count);
  writeFileSync(join(folder, 'order'), order);
}

function sequencesOf(x: Rows['x']) {
  if ('shape' in x) {
    const [count, length, channels] = x.shape as [number, number, number];
    const lengths = Array.from({ length: count }, () => length);
    return { tokens: false, channels, lengths, data: Float32Array.from(x.data) };
  }
  const lengths = x.map((row) => row.length);
  if (typeof x[0]![0] === 'number') {
    const rows = x as readonly ArrayLike<number>[];
    return {
      tokens: true,
      channels: 1,
      lengths,
      data: Int32Array.from(rows.flatMap((row) => Array.from(row))),
    };
  }
  const steps = (x as readonly (readonly ArrayLike<number>[])[]).flat();
  const data = Float32Array.from(steps.flatMap((step) => Array.from(step)));
  return { tokens: false, channels: steps[0]!.length, lengths, data };
}

/** `perRow`: numbers a row, or 0 where each step of a row has its own. */
function valuesOf(y: Rows['y']): { readonly data: Float32Array; readonly perRow: number } {
  if ('shape' in y) return { data: Float32Array.from(y.data), perRow: y.shape[1] ?? 1 };
  if (typeof y[0] === 'number' || y.length === 0) {
    return { data: Float32Array.from(y as ArrayLike<number>), perRow: 1 };
  }
  const rows = y as readonly ArrayLike<number>[];
  return { data: Float32Array.from(rows.flatMap((row) => Array.from(row))), perRow: 0 };
}
