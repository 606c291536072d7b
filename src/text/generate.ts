import { describe } from '../config/describe.js';
import type { Tensor } from '../data/tensor.js';
import { ConfigError, DataError } from '../errors.js';
import { Sampler } from './sampling.js';
import type { Vocabulary } from './vocabulary.js';

export interface GenerateOptions {
  /** What the model reads first. */
  readonly prompt: string;
  /** Tokens to write. */
  readonly length: number;
  /** Divides the logits: below 1 sharper, above 1 flatter, 0 always the likeliest. Default 1. */
  readonly temperature?: number;
  /** Draws from the k likeliest tokens only. Default: from all. */
  readonly topK?: number;
  /** The same seed writes the same text. Default 0. */
  readonly seed?: number;
  readonly signal?: AbortSignal;
}

/** What `generate` needs of a model: tokens in, one distribution over the vocabulary a step out. */
export interface TextModel<States> {
  readonly vocabulary?: Vocabulary | undefined;
  readonly config: { readonly layers: readonly object[] };
  predict(
    x: Tensor<Int32Array>,
    options: { states?: States; returnStates: true; signal?: AbortSignal },
  ): Promise<{ readonly y: Tensor<Float32Array>; readonly states?: States | undefined }>;
}

/**
 * Lets a language model go on from a prompt, one token after the other, each fed back with the states it left.
 * Gives the new text only, without the prompt.
 *
 * @example
 * ```ts
 * const text = await generate(model, { prompt: 'interface ', length: 200, temperature: 0.7, topK: 20 });
 * ```
 *
 * @throws ConfigError for a model without a vocabulary, with another output than one score a token and step, or that
 *   reads backwards; for options that cannot be.
 * @throws DataError for an empty prompt.
 */
export async function generate<States>(model: TextModel<States>, options: GenerateOptions): Promise<string> {
  const { prompt, length, temperature = 1, topK, seed = 0, signal } = options;
  checkOptions({ length, temperature, topK, seed });
  const vocabulary = requireVocabulary(model);
  const probabilities = givesProbabilities(model.config.layers);
  const sampler = new Sampler(seed, { temperature, topK });
  const written: number[] = [];
  let tokens = vocabulary.encode(prompt);
  if (tokens.length === 0) {
    throw new DataError(`prompt: expected at least one token, received ${describe(prompt)}`, {
      name: 'prompt',
      expected: 'at least one token',
      received: prompt,
    });
  }
  let states: States | undefined;
  while (written.length < length) {
    const result = await model.predict(
      { data: tokens, shape: [1, tokens.length] },
      { returnStates: true, ...(states !== undefined && { states }), ...(signal && { signal }) },
    );
    states = result.states;
    const scores = lastStep(result.y, vocabulary.size);
    written.push(sampler.draw(probabilities ? scores.map(Math.log) : scores));
    tokens = Int32Array.from(written.slice(-1));
  }
  return vocabulary.decode(written);
}

function requireVocabulary({ vocabulary, config }: TextModel<unknown>): Vocabulary {
  if (vocabulary === undefined) {
    throw wrong('model', 'one with a vocabulary: sequential(layers, { vocabulary })', 'one without');
  }
  if (config.layers.some((layer) => Reflect.get(layer, 'bidirectional') === true)) {
    throw wrong(
      'model',
      'one that reads forwards only',
      'a bidirectional lstm, which would have to know the future',
    );
  }
  return vocabulary;
}

function givesProbabilities(layers: readonly object[]): boolean {
  const activation: unknown = Reflect.get(layers.at(-1) ?? {}, 'activation');
  if (activation === 'softmax' || activation === 'linear') return activation === 'softmax';
  throw wrong('model', 'a last layer dense with softmax or linear', `activation ${describe(activation)}`);
}

/** The scores of the last step of y [1, T, K]. */
function lastStep(y: Tensor<Float32Array>, size: number): Float32Array {
  if (y.shape.length !== 3 || y.shape[2] !== size) {
    throw wrong('model', `an output [N, T, ${size}] for its vocabulary`, `[${y.shape.join(', ')}]`);
  }
  return y.data.subarray(-size);
}

function checkOptions({ length, temperature, topK, seed }: Record<string, number | undefined>): void {
  if (!Number.isSafeInteger(length) || length! < 0)
    throw wrong('length', 'a whole number from 0', describe(length));
  if (!Number.isFinite(temperature) || temperature! < 0) {
    throw wrong('temperature', 'a finite number from 0', describe(temperature));
  }
  if (topK !== undefined && !(Number.isSafeInteger(topK) && topK >= 1)) {
    throw wrong('topK', 'a whole number from 1', describe(topK));
  }
  if (!Number.isSafeInteger(seed) || seed! < 0) throw wrong('seed', 'a whole number from 0', describe(seed));
}

function wrong(path: string, expected: string, received: string): ConfigError {
  return new ConfigError(`${path}: expected ${expected}, received ${received}`, { path, expected, received });
}
