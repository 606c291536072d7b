import { describe, expect, it } from 'vitest';
import {
  earlyStopping,
  type EarlyStoppingOptions,
  type EpochRecord,
  type NamedTensors,
} from '../../../src/index.js';
import { History } from '../../../src/training/history.js';

/** Feeds values epoch by epoch; tells after which epoch it stopped (0: never) and whose weights were put back. */
async function watch(options: EarlyStoppingOptions, name: keyof EpochRecord, values: number[]) {
  const callback = earlyStopping(options);
  let epoch = 0;
  let stoppedAfter = 0;
  let restored: unknown;
  const control = {
    stop: () => void (stoppedAfter = epoch),
    getWeights: async () => ({ epoch }) as unknown as NamedTensors,
    setWeights: async (weights: unknown) => void (restored = weights),
    save: async () => {},
  };
  await callback.onTrainBegin?.({ epochs: 9, initialEpoch: 0, batchesPerEpoch: 1, resumed: false }, control);
  for (const value of values) {
    epoch++;
    await callback.onEpochEnd?.({ epoch, loss: 1, learningRate: 1, seconds: 0, [name]: value }, control);
    if (stoppedAfter > 0) break;
  }
  await callback.onTrainEnd?.(
    new History({ epochs: [], steps: 0, skippedSteps: 0, stopped: 'callback' }),
    control,
  );
  return { stoppedAfter, restored };
}

describe('earlyStopping', () => {
  it.each<[EarlyStoppingOptions, keyof EpochRecord, number[], number]>([
    [{}, 'valLoss', [3, 2, 1], 0],
    [{}, 'valLoss', [3, 2, 2, 1], 3],
    [{ patience: 1 }, 'valLoss', [3, 2, 2, 1], 3],
    [{ patience: 2 }, 'valLoss', [3, 2, 2, 1, 1, 1], 6],
    [{ patience: 2 }, 'valLoss', [3, 4, 2, 4, 1], 0],
    [{ minDelta: 0.5 }, 'valLoss', [3, 2.6], 2],
    [{ monitor: 'loss' }, 'loss', [3, 4], 2],
    [{ monitor: 'valAccuracy' }, 'valAccuracy', [0.1, 0.2, 0.15], 3],
    [{ monitor: 'valAccuracy' }, 'valAccuracy', [0.1, 0.2, 0.3], 0],
    [{ monitor: 'topK' }, 'topK', [0.1, 0.2, 0.15], 3],
    [{ monitor: 'valRocAuc' }, 'valRocAuc', [0.6, 0.7, 0.65], 3],
    [{ monitor: 'r2' }, 'r2', [0.1, 0.2, 0.3], 0],
    [{ monitor: 'valPerplexity' }, 'valPerplexity', [9, 8, 8.5], 3],
    [{}, 'valLoss', [3, Number.NaN], 2],
  ])('%j on %s %j stops after epoch %d', async (options, name, values, stopped) => {
    expect((await watch(options, name, values)).stoppedAfter).toBe(stopped);
  });

  it('puts back the weights of the best epoch, when asked', async () => {
    expect((await watch({ patience: 2, restoreBest: true }, 'valLoss', [3, 1, 2, 2])).restored).toEqual({
      epoch: 2,
    });
    expect((await watch({ patience: 2 }, 'valLoss', [3, 1, 2, 2])).restored).toBeUndefined();
  });

  it('says what is missing for the watched value', async () => {
    await expect(watch({}, 'accuracy', [1])).rejects.toThrow(
      "earlyStopping.monitor: 'valLoss' needs validation data and, where named, its metric in fit",
    );
  });

  it.each<[EarlyStoppingOptions, number[], number]>([
    [{ mode: 'max' }, [1, 2, 3], 0],
    [{ mode: 'max' }, [1, 2, 1], 3],
    [{ patience: 2, baseline: 0.5 }, [3, 2, 1], 2],
    [{ patience: 2, baseline: 0.5 }, [3, 0.4, 0.3], 0],
    [{ patience: 2, baseline: 0.5 }, [0.4, 0.6, 0.7], 3],
    [{ mode: 'max', patience: 1, baseline: 5 }, [6, 7, 8], 0],
    [{ startFromEpoch: 3 }, [1, 2, 3, 4, 5], 5],
    [{ startFromEpoch: 3 }, [1, 2, 3, 4, 3, 2], 0],
  ])('%j on %j stops after epoch %d', async (options, values, stopped) => {
    expect((await watch(options, 'valLoss', values)).stoppedAfter).toBe(stopped);
  });
});
