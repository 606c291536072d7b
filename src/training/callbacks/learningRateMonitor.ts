import type { Callback } from '../callbacks.js';

/** The rate that a step was made with. */
export interface RatePoint {
  /** Counted from 1. */
  readonly epoch: number;
  /** Counted from 1 in each epoch. */
  readonly batch: number;
  readonly learningRate: number;
}

/** A callback that has the rates it saw. */
export interface LearningRateMonitor extends Callback {
  /** Where the rate changed: the first step with each. */
  readonly points: readonly RatePoint[];
}

/**
 * Notes every change of the learning rate, step by step; an epoch's last rate is in its record anyway. A new `fit`
 * begins anew, one that goes on (`initialEpoch`, `resume`) does not.
 *
 * @param onChange Called with each change, to print it for instance.
 * @example
 * ```ts
 * const rates = learningRateMonitor(({ epoch, learningRate }) => console.log(epoch, learningRate));
 * await model.fit(data, { loss: 'mse', optimizer: adam({ learningRate: schedule }), callbacks: [rates] });
 * console.log(rates.points.length);
 * ```
 */
export function learningRateMonitor(onChange?: (point: RatePoint) => void): LearningRateMonitor {
  let points: RatePoint[] = [];
  return Object.freeze({
    name: 'learningRateMonitor',
    get points() {
      return points;
    },
    saveState: () => ({ values: points.map((point) => ({ ...point })) }),
    restoreState({ values }) {
      points = [...(values as unknown as readonly RatePoint[])];
    },
    onTrainBegin({ initialEpoch, resumed }) {
      if (initialEpoch === 0 && !resumed) points = [];
    },
    onBatchEnd({ epoch, batch, learningRate }) {
      if (points.at(-1)?.learningRate === learningRate) return;
      const point = Object.freeze({ epoch, batch, learningRate });
      points.push(point);
      onChange?.(point);
    },
  } satisfies LearningRateMonitor);
}
