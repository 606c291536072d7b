import type { Targets } from './targets.js';

/**
 * The class of each row, where targets are classes: ids, or one value of `binaryCrossEntropy` on either side of ½;
 * undefined for other targets and for those of each step.
 *
 * @param loss Its kind.
 */
export function classLabels(
  { kind, perStep, width, data }: Targets,
  loss: string,
): ArrayLike<number> | undefined {
  if (perStep) return undefined;
  if (kind === 'ids') return data;
  return loss === 'binaryCrossEntropy' && width === 1
    ? Int32Array.from(data, (value) => Number(value > 0.5))
    : undefined;
}
