import type { Callback, TrainingControl } from '../callbacks.js';

/**
 * Ends training at the first loss, gradient norm or validation loss that is not finite. `fit` then returns its history with
 * `stopped: 'callback'`, also with `onNonFinite: 'throw'`, and the weights are those before that step. Keras'
 * TerminateOnNaN leaves them as the step made them. An overflow of fp16, which is part of its loss scaling, stops nothing.
 *
 * @example
 * ```ts
 * const { stopped } = await model.fit(data, { loss: 'mse', callbacks: [terminateOnNaN()] });
 * ```
 */
export function terminateOnNaN(): Callback {
  const stopUnless = (isFinite: boolean, control: TrainingControl): void => {
    if (!isFinite) control.stop();
  };
  return Object.freeze({
    name: 'terminateOnNaN',
    onBatchEnd: ({ applied, overflow, loss }, control) =>
      stopUnless(overflow || (applied && Number.isFinite(loss)), control),
    onEpochEnd: ({ loss, valLoss = 0 }, control) => stopUnless(Number.isFinite(loss + valLoss), control),
  } satisfies Callback);
}
