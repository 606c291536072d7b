import type { z } from 'zod';
import { choice, flag, fraction, real, settings, whole } from '../config/fields.js';
import { parseConfig } from '../config/parseConfig.js';
import {
  biasInitializerSchema,
  initializerSchema,
  orthogonal,
  xavier,
  zeros,
} from '../initializers/initializer.js';
import { constraintSchema } from '../regularizers/constraint.js';
import { regularizerSchema } from '../regularizers/regularizer.js';
import { layerName, maxSize, parameterSettings } from './common.js';
import { requireSequence, type ParameterShape, type Signal } from './signal.js';

/** The device compares in float32. */
const float32Limit = real("a number above 0 in float32's range", (value) => {
  const limit = Math.fround(value);
  return limit > 0 && Number.isFinite(limit);
});

/** Settings that an LSTM has as a layer of a model and alone; {@link projectionFits} holds for them. */
export const lstmFields = {
  hiddenSize: whole(1, maxSize),
  numLayers: whole(1, 256).default(1),
  bidirectional: flag.default(false),
  bias: choice('double', 'single', 'none').default('double'),
  dropout: fraction.default(0),
  weightDropout: fraction.default(0),
  projectionSize: whole(0, maxSize).default(0),
  cellClip: float32Limit.optional(),
  inputInitializer: initializerSchema.default(xavier()),
  recurrentInitializer: initializerSchema.default(orthogonal()),
  biasInitializer: biasInitializerSchema.default(zeros()),
  forgetBias: real().optional(),
  inputRegularizer: regularizerSchema.optional(),
  recurrentRegularizer: regularizerSchema.optional(),
  biasRegularizer: regularizerSchema.optional(),
  inputConstraint: constraintSchema.optional(),
  recurrentConstraint: constraintSchema.optional(),
  biasConstraint: constraintSchema.optional(),
  ...parameterSettings,
};

/** What a schema with {@link lstmFields} is refined by, and what is said where it does not hold. */
export function projectionFits(layer: {
  readonly hiddenSize: number;
  readonly projectionSize: number;
}): boolean {
  return layer.projectionSize < layer.hiddenSize;
}
export const projectionIssue = { path: ['projectionSize'], error: () => 'a whole number below hiddenSize' };

/** The settings of {@link lstm}. */
export const lstmSettings = settings({
  ...lstmFields,
  returnSequences: flag.default(true),
  name: layerName.optional(),
}).refine(projectionFits, projectionIssue);

/** What {@link lstm} takes. */
export type LstmOptions = Readonly<z.input<typeof lstmSettings>>;

/** An LSTM's settings, resolved and frozen. */
export type LstmDescriptor = { readonly kind: 'lstm'; readonly forgetBias: number } & Readonly<
  Omit<z.output<typeof lstmSettings>, 'forgetBias'>
>;

/**
 * Long short-term memory (Hochreiter and Schmidhuber 1997, with the forget gate of Gers et al. 2000), gates in the
 * order i, f, g, o:
 *
 * c_t = f ⊙ c_(t-1) + i ⊙ g, h_t = o ⊙ tanh(c_t), with i, f, o = σ(·), g = tanh(·) of W x_t + bW + R h_(t-1) + bR.
 *
 * With `projectionSize` P the output is h_t = W_hr (o ⊙ tanh(c_t)) with P channels, fewer than H (Sak, Senior and
 * Beaufays 2014; PyTorch's `proj_size`); without it P = H. With `cellClip` c_t is clamped to [-cellClip, cellClip]
 * before it goes on; initial states are taken as they are.
 *
 * Reads [N, T, C]. Gives [N, T, D·P] (D = 2 when bidirectional), zero beyond a sequence's length, or with
 * `returnSequences: false` the last layer's final h of each direction, [N, D·P]. Parameters, named as in PyTorch, for
 * layer k: `weight_ih_l{k}` [4H, in], `weight_hh_l{k}` [4H, P], `weight_hr_l{k}` [P, H] (with a projection alone),
 * `bias_ih_l{k}` and `bias_hh_l{k}` [4H], with the suffix `_reverse` for the second direction.
 *
 * @param options `hiddenSize`: H. `numLayers` 1, `bidirectional` false. `bias` 'double' (bW and bR, as PyTorch and
 *   cuDNN have it), 'single' (bW alone) or 'none'. `dropout` 0: between layers, in training alone. `weightDropout` 0:
 *   of the elements of every `weight_hh`, drawn anew for each training step (DropConnect on R, as AWD-LSTM has it;
 *   Merity, Keskar and Socher 2018); it costs a copy of the weights and a pass over their gradient. `projectionSize` 0
 *   (none) or P from 1 to H - 1. `cellClip`: none, or a number above 0; a clamped cell passes no gradient back.
 *   `returnSequences` true. `inputInitializer` xavier, `recurrentInitializer` orthogonal (of `weight_hh` and
 *   `weight_hr`), `biasInitializer` zeros; `forgetBias` is added to bW of the forget gate: 1 (Jozefowicz et al. 2015),
 *   or 0 beside `torchUniform()` biases. `inputRegularizer`, `recurrentRegularizer` (of `weight_hh` and `weight_hr`),
 *   `biasRegularizer`: none. `inputConstraint`, `recurrentConstraint`, `biasConstraint`, of the same parameters: none.
 *   `trainable` true. `name` `lstm`.
 * @throws ConfigError
 * @example
 * ```ts
 * const middle = lstm({ hiddenSize: 256, numLayers: 2, bidirectional: true, dropout: 0.3 });
 * const narrow = lstm({ hiddenSize: 2048, projectionSize: 512, cellClip: 50 });
 * ```
 */
export function lstm(options: LstmOptions): LstmDescriptor {
  return Object.freeze({ kind: 'lstm', ...withForgetBias(parseConfig(lstmSettings, options, 'lstm')) });
}

/** Fills in the forget bias, whose default depends on how biases start. */
export function withForgetBias<
  T extends { readonly forgetBias?: number | undefined; readonly biasInitializer: { readonly kind: string } },
>(options: T): T & { readonly forgetBias: number } {
  const normally = options.biasInitializer.kind === 'torchUniform' ? 0 : 1;
  return { ...options, forgetBias: options.forgetBias ?? normally };
}

export function lstmOutput(layer: LstmDescriptor, input: Signal, path: string): Signal {
  requireSequence(input, path);
  const size = outputSize(layer) * directions(layer);
  return { kind: layer.returnSequences ? 'sequence' : 'vector', size };
}

export function lstmParameters(layer: LstmDescriptor, input: Signal): readonly ParameterShape[] {
  const parameters: ParameterShape[] = [];
  for (let index = 0; index < layer.numLayers; index++) {
    const width = index === 0 ? input.size : outputSize(layer) * directions(layer);
    for (const suffix of layer.bidirectional ? ['', '_reverse'] : ['']) {
      parameters.push(...cellParameters(layer, width, `_l${index}${suffix}`));
    }
  }
  return parameters;
}

/** D: 2 when bidirectional, else 1. */
export function directions(layer: { readonly bidirectional: boolean }): 1 | 2 {
  return layer.bidirectional ? 2 : 1;
}

/** P: channels of h of one direction, H without projection. */
export function outputSize(layer: { readonly hiddenSize: number; readonly projectionSize: number }): number {
  return layer.projectionSize > 0 ? layer.projectionSize : layer.hiddenSize;
}

function cellParameters(
  layer: LstmDescriptor,
  inputWidth: number,
  suffix: string,
): readonly ParameterShape[] {
  const { hiddenSize, projectionSize, bias } = layer;
  const rows = 4 * hiddenSize;
  const projection = { name: `weight_hr${suffix}`, shape: [projectionSize, hiddenSize] };
  const biases = { double: ['bias_ih', 'bias_hh'], single: ['bias_ih'], none: [] }[bias];
  return [
    { name: `weight_ih${suffix}`, shape: [rows, inputWidth] },
    { name: `weight_hh${suffix}`, shape: [rows, outputSize(layer)] },
    ...(projectionSize > 0 ? [projection] : []),
    ...biases.map((name) => ({ name: name + suffix, shape: [rows] })),
  ];
}
