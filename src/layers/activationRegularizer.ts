import type { z } from 'zod';
import { real, settings } from '../config/fields.js';
import { parseConfig } from '../config/parseConfig.js';
import { layerName } from './common.js';
import { requireNumbers, requireSequence, type Signal } from './signal.js';

const factor = real("a number of at least 0 in float32's range", (value) => {
  return value >= 0 && Number.isFinite(Math.fround(value));
});

/** The settings of {@link activationRegularizer}. */
export const activationRegularizerSettings = settings({
  ar: factor.default(0),
  tar: factor.default(0),
  name: layerName.optional(),
});

/** What {@link activationRegularizer} takes. */
export type ActivationRegularizerOptions = Readonly<z.input<typeof activationRegularizerSettings>>;

/** An activation regularizer's settings, resolved and frozen. */
export type ActivationRegularizerLayer = { readonly kind: 'activationRegularizer' } & Readonly<
  z.output<typeof activationRegularizerSettings>
>;

/**
 * Activation and temporal activation regularization (Merity, McCann and Socher 2017, "Revisiting Activation
 * Regularization for Language RNNs"). Passes its input h on as it is and in training adds to the loss
 *
 * ar · mean(h_t²) + tar · mean((h_t - h_(t-1))²),
 *
 * means over live elements and over live steps from the second on. Evaluation's loss leaves it out. It costs one pass
 * over the activations.
 *
 * @param options `ar` 0 and `tar` 0: numbers of at least 0; `tar` needs a sequence. `name` `activation_regularizer`.
 * @throws ConfigError
 * @example
 * ```ts
 * // As AWD-LSTM has it: TAR on the LSTM's output, AR on the dropped one.
 * const layers = [
 *   embedding({ vocabSize: 10_000, size: 400, dropout: 0.1 }),
 *   lstm({ hiddenSize: 400, weightDropout: 0.5 }),
 *   activationRegularizer({ tar: 1 }),
 *   dropout({ rate: 0.4, sharedOverTime: true }),
 *   activationRegularizer({ ar: 2 }),
 *   dense({ units: 10_000 }),
 * ];
 * ```
 */
export function activationRegularizer(options: ActivationRegularizerOptions): ActivationRegularizerLayer {
  const settings = parseConfig(activationRegularizerSettings, options, 'activationRegularizer');
  return Object.freeze({ kind: 'activationRegularizer', ...settings });
}

export function activationRegularizerOutput(
  layer: ActivationRegularizerLayer,
  input: Signal,
  path: string,
): Signal {
  requireNumbers(input, path);
  if (layer.tar > 0) requireSequence(input, path);
  return input;
}
