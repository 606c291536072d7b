import { z } from 'zod';
import { choice, field, settings, whole } from '../config/fields.js';
import { deepFreeze, parseOptions } from '../config/parseConfig.js';
import { ConfigError } from '../errors.js';
import { resolveChain, type ChainLink } from '../layers/chain.js';
import { layerName, maxSize } from '../layers/common.js';
import type { Layer } from '../layers/layer.js';
import type { Signal } from '../layers/signal.js';
import { deviceFields, type DeviceOptions } from '../native/deviceOptions.js';
import { FittedSeries } from '../series/fittedSeries.js';
import { isTokenizer, isVocabulary, tokenizerVocabulary, type Tokenizer } from '../text/tokenizer.js';
import type { Vocabulary } from '../text/vocabulary.js';

/** What `sequential` takes beside the layers. */
export interface SequentialOptions extends DeviceOptions {
  /** Token ids or numbers; by default `tokens` when the first layer is an embedding, else `features`. */
  readonly input?: 'tokens' | 'features' | undefined;
  /** C, the channels of each time step: needed for features, known from the embedding for tokens. */
  readonly inputSize?: number | undefined;
  /** Decides initial parameters, shuffling and dropout: 0 to 2^53 - 1. Default 0. */
  readonly seed?: number | undefined;
  /** A name for people. */
  readonly name?: string | undefined;
  /** Kept with the model, for `generate`, and saved unless it is a tokenizer of the caller's. */
  readonly vocabulary?: Vocabulary | Tokenizer | undefined;
  /** JSON of the caller's own, kept and saved with the model: what its inputs and outputs mean, for example. */
  readonly metadata?: Metadata | undefined;
  /** Kept and saved with the model, for `forecast`: `timeSeries(options).fit(table)`. */
  readonly series?: FittedSeries | undefined;
  /** Names of the classes, kept and saved with the model, for `labelNames`; two for a single output. */
  readonly labels?: readonly string[] | undefined;
}

/** An object of JSON values. */
export type Metadata = Readonly<Record<string, unknown>>;

/** All that a model is rebuilt from, JSON throughout and frozen. */
export interface ModelConfig {
  readonly name: string;
  readonly input: 'tokens' | 'features';
  readonly inputSize: number;
  readonly seed: number;
  readonly layers: readonly (Layer & { readonly name: string })[];
}

/** A config with the shapes that follow from it. */
export interface ResolvedModel {
  readonly config: ModelConfig;
  readonly input: Signal;
  readonly chain: readonly ChainLink[];
}

/** Names of classes. */
export const labelsSchema = field<readonly string[]>(
  'different names of classes',
  (value) =>
    Array.isArray(value) &&
    value.length > 0 &&
    value.every((label) => typeof label === 'string' && label !== '') &&
    new Set(value).size === value.length,
);

/** A vocabulary or a tokenizer. */
export const vocabularySchema = field<Vocabulary | Tokenizer>(
  'a vocabulary, such as characterVocabulary(text), or an object with encode and decode',
  isTokenizer,
);

const optionsSchema = settings({
  ...deviceFields,
  input: choice('tokens', 'features').optional(),
  inputSize: whole(1, maxSize).optional(),
  seed: whole(0).default(0),
  name: layerName.default('model'),
  vocabulary: vocabularySchema.optional(),
  metadata: z
    .record(z.string(), z.json(), { error: () => 'an object of JSON values' })
    .optional() as z.ZodType<Metadata | undefined>,
  series: field<FittedSeries>(
    'a fitted series: timeSeries(options).fit(table)',
    (value) => value instanceof FittedSeries,
  ).optional(),
  labels: labelsSchema.optional(),
});

const configSchema = settings({
  name: layerName,
  input: choice('tokens', 'features'),
  inputSize: whole(1, maxSize),
  seed: whole(0),
  layers: z.array(z.unknown(), { error: () => 'an array of layers' }),
});

/**
 * Checks layers and options, fills in defaults and follows the shapes.
 *
 * @throws ConfigError
 */
export function resolveSequential(layers: readonly Layer[], options: SequentialOptions) {
  const {
    input,
    inputSize,
    seed,
    name,
    vocabulary: given,
    series,
    labels,
    metadata,
    ...deviceOptions
  } = parseOptions(optionsSchema, options, 'options');
  const signal = inputSignal(layers, input, inputSize);
  const model = resolved(name, signal, seed, layers);
  const vocabulary = vocabularyFor(given, signal);
  if (series !== undefined) checkSeries(series, signal);
  if (labels !== undefined) checkLabels(labels, model.chain.at(-1)!.output.size);
  return {
    ...model,
    vocabulary,
    series,
    labels: labels && Object.freeze([...labels]),
    metadata: deepFreeze(structuredClone(metadata)),
    deviceOptions,
  };
}

/**
 * The same from a config that a file holds.
 *
 * @throws ConfigError
 */
export function resolveConfig(value: unknown): ResolvedModel {
  const { name, input, inputSize, seed, layers } = parseOptions(configSchema, value, 'config');
  return resolved(name, { kind: input === 'tokens' ? 'tokens' : 'sequence', size: inputSize }, seed, layers);
}

function resolved(name: string, input: Signal, seed: number, layers: readonly unknown[]): ResolvedModel {
  const chain = resolveChain(layers, input);
  const first = chain[0]!.layer;
  if (first.kind === 'embedding' && first.vocabSize !== input.size) {
    throw invalid('options.inputSize', `${first.vocabSize}, the embedding's vocabSize`, input.size);
  }
  const config = deepFreeze({
    name,
    input: input.kind === 'tokens' ? ('tokens' as const) : ('features' as const),
    inputSize: input.size,
    seed,
    layers: chain.map(({ layer }) => layer),
  });
  return Object.freeze({ config, input: Object.freeze(input), chain });
}

function inputSignal(
  layers: readonly Layer[],
  input: 'tokens' | 'features' | undefined,
  inputSize: number | undefined,
): Signal {
  const first = Array.isArray(layers) ? (layers[0] as Layer | undefined) : undefined;
  const embedding = first?.kind === 'embedding' ? first : undefined;
  const kind = input ?? (embedding === undefined ? 'features' : 'tokens');
  if (kind === 'tokens') return { kind: 'tokens', size: inputSize ?? embedding?.vocabSize ?? 0 };
  if (inputSize === undefined) {
    throw invalid(
      'options.inputSize',
      "the number of channels of each time step, for input 'features'",
      undefined,
    );
  }
  return { kind: 'sequence', size: inputSize };
}

/**
 * A vocabulary, or a tokenizer taken to have as many ids as the input.
 *
 * @throws ConfigError where it has more.
 */
export function vocabularyFor(
  given: Vocabulary | Tokenizer | undefined,
  input: Signal,
): Vocabulary | undefined {
  if (given === undefined) return undefined;
  const vocabulary = isVocabulary(given) ? given : tokenizerVocabulary(given, { size: input.size });
  if (input.kind === 'tokens' && vocabulary.size <= input.size) return vocabulary;
  const expected =
    input.kind === 'tokens' ? `at most the embedding's ${input.size} ids` : "none for input 'features'";
  throw invalid('options.vocabulary', expected, `${vocabulary.size} ids`);
}

function checkSeries({ inputSize }: FittedSeries, input: Signal): void {
  if (input.kind !== 'tokens' && inputSize === input.size) return;
  const expected = input.kind === 'tokens' ? "none for input 'tokens'" : `one of ${input.size} channels`;
  throw invalid('options.series', expected, `${inputSize} channels`);
}

function checkLabels(labels: readonly string[], outputs: number): void {
  if (labels.length === outputs || (outputs === 1 && labels.length === 2)) return;
  throw invalid('options.labels', `${outputs === 1 ? 2 : outputs} names`, labels.length);
}

function invalid(path: string, expected: string, received: unknown): ConfigError {
  return new ConfigError(`${path}: expected ${expected}, received ${String(received)}`, {
    path,
    expected,
    received,
  });
}
