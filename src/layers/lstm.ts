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
import { regularizerSchema } from '../regularizers/regularizer.js';
import { layerName, maxSize, parameterSettings } from './common.js';
import { requireSequence, type ParameterShape, type Signal } from './signal.js';

/** Settings that an LSTM has as a layer of a model and alone. */
export const lstmFields = {
  hiddenSize: whole(1, maxSize),
  numLayers: whole(1, 1024).default(1),
  bidirectional: flag.default(false),
  bias: choice('double', 'single', 'none').default('double'),
  dropout: fraction.default(0),
  inputInitializer: initializerSchema.default(xavier()),
  recurrentInitializer: initializerSchema.default(orthogonal()),
  biasInitializer: biasInitializerSchema.default(zeros()),
  forgetBias: real().optional(),
  inputRegularizer: regularizerSchema.optional(),
  recurrentRegularizer: regularizerSchema.optional(),
  biasRegularizer: regularizerSchema.optional(),
  ...parameterSettings,
};

const lstmSettings = settings({
  ...lstmFields,
  returnSequences: flag.default(true),
  name: layerName.optional(),
});

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
 * Reads [N, T, C]. Gives [N, T, D·H] (D = 2 when bidirectional), zero beyond a sequence's length, or with
 * `returnSequences: false` the last layer's final h of each direction, [N, D·H]. Parameters, named as in PyTorch, for
 * layer k: `weight_ih_l{k}` [4H, in], `weight_hh_l{k}` [4H, H], `bias_ih_l{k}` and `bias_hh_l{k}` [4H], with the
 * suffix `_reverse` for the second direction.
 *
 * @param options `hiddenSize`: H. `numLayers` 1, `bidirectional` false. `bias` 'double' (bW and bR, as PyTorch and
 *   cuDNN have it), 'single' (bW alone) or 'none'. `dropout` 0: between layers, in training alone. `returnSequences`
 *   true. `inputInitializer` xavier, `recurrentInitializer` orthogonal, `biasInitializer` zeros; `forgetBias` is added
 *   to bW of the forget gate: 1 (Jozefowicz et al. 2015), or 0 beside `torchUniform()` biases.
 *   `inputRegularizer`, `recurrentRegularizer`, `biasRegularizer`: none. `trainable` true. `name` `lstm`.
 * @throws ConfigError
 * @example
 * ```ts
 * const middle = lstm({ hiddenSize: 256, numLayers: 2, bidirectional: true, dropout: 0.3 });
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
  const size = layer.hiddenSize * directions(layer);
  return { kind: layer.returnSequences ? 'sequence' : 'vector', size };
}

export function lstmParameters(layer: LstmDescriptor, input: Signal): readonly ParameterShape[] {
  const parameters: ParameterShape[] = [];
  for (let index = 0; index < layer.numLayers; index++) {
    const width = index === 0 ? input.size : layer.hiddenSize * directions(layer);
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

function cellParameters(
  { hiddenSize, bias }: LstmDescriptor,
  inputWidth: number,
  suffix: string,
): readonly ParameterShape[] {
  const rows = 4 * hiddenSize;
  const biases = { double: ['bias_ih', 'bias_hh'], single: ['bias_ih'], none: [] }[bias];
  return [
    { name: `weight_ih${suffix}`, shape: [rows, inputWidth] },
    { name: `weight_hh${suffix}`, shape: [rows, hiddenSize] },
    ...biases.map((name) => ({ name: name + suffix, shape: [rows] })),
  ];
}
