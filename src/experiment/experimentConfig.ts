import type { z } from 'zod';
import { field, settings, text, whole, type JsonForm } from '../config/fields.js';
import { layerName } from '../layers/common.js';
import { jsonSchemaOf } from '../config/jsonSchema.js';
import { deepFreeze, parseConfig } from '../config/parseConfig.js';
import { ConfigError } from '../errors.js';
import type { LossInput } from '../losses/loss.js';
import type { Metric } from '../metrics/metric.js';
import { deviceFields, type DeviceOptions } from '../native/deviceOptions.js';
import type { OptimizerInput } from '../optimizers/optimizer.js';
import type { EarlyStoppingOptions } from '../training/earlyStopping.js';
import { dataSchema, type DataConfig, type DataConfigInput } from './dataConfig.js';
import { layersSchema, type LayerConfig } from './layerConfig.js';
import { searchSchema, type ResolvedSearch, type SearchConfig } from './searchConfig.js';
import { trainingSchema } from './trainingConfig.js';

/** The version of config files that this package writes; it reads this one and those before it. */
export const configVersion = 1;

/** How a model is trained, as a config file holds it; what is left out is {@link FitOptions}' default or the task's. */
export interface TrainingConfig {
  /** Default: the task's: `crossEntropy` for classes, tags and text. */
  readonly loss?: LossInput | undefined;
  readonly optimizer?: OptimizerInput | undefined;
  /** Default: the task's: `accuracy` of classes and tags, `perplexity` of text. */
  readonly metrics?: readonly Metric[] | undefined;
  /** Default 10. */
  readonly epochs?: number | undefined;
  readonly batchSize?: number | undefined;
  readonly shuffle?: boolean | undefined;
  readonly dropLast?: boolean | undefined;
  readonly bucketByLength?: boolean | undefined;
  readonly sampling?: 'natural' | 'balanced' | undefined;
  readonly onNonFinite?: 'throw' | 'skip' | undefined;
  readonly earlyStopping?: EarlyStoppingOptions | undefined;
}

/** Where results go; paths are taken from the config file's folder. */
export interface OutputConfig {
  /** The trained model. Default `model.safetensors`. */
  readonly model?: string | undefined;
  /** What `--resume` goes on from. Default `checkpoint.safetensors`. */
  readonly checkpoint?: string | undefined;
  /** Steps between checkpoints, beside one after each epoch. Default none. */
  readonly everySteps?: number | undefined;
  /** A CSV file of the epochs. Default none. */
  readonly history?: string | undefined;
}

/** An experiment: data, model and training in one JSON object. */
export interface ExperimentConfig {
  /** The address of the JSON schema, for editors. */
  readonly $schema?: string | undefined;
  /** Default 1. */
  readonly version?: number | undefined;
  readonly name?: string | undefined;
  /** Decides splits, initial parameters, order and dropout. Default 0. */
  readonly seed?: number | undefined;
  /** Where the model computes. Default `{ device: 'auto' }`. */
  readonly device?: DeviceOptions | undefined;
  readonly data: DataConfigInput;
  readonly model: { readonly layers: readonly LayerConfig[] };
  readonly training?: TrainingConfig | undefined;
  readonly output?: OutputConfig | undefined;
  /** What `tune` searches. */
  readonly search?: SearchConfig | undefined;
}

/** An {@link ExperimentConfig} with defaults filled in; frozen. */
export interface ResolvedExperiment {
  readonly version: number;
  readonly name: string;
  readonly seed: number;
  readonly device: DeviceOptions;
  readonly data: DataConfig;
  readonly model: { readonly layers: readonly LayerConfig[] };
  readonly training: z.output<typeof trainingSchema>;
  readonly output: z.output<typeof outputSchema>;
  readonly search?: ResolvedSearch | undefined;
}

const file = text('the path of a file');

const outputSchema = settings({
  model: file.default('model.safetensors'),
  checkpoint: file.default('checkpoint.safetensors'),
  everySteps: whole(1).optional(),
  history: file.optional(),
});

const version = field<number>(`${configVersion}`, (value) => value === configVersion, {
  const: configVersion,
});

const schema = settings({
  $schema: field<string>('the address of a JSON schema', (value) => typeof value === 'string', {
    type: 'string',
  }).optional(),
  version: version.default(configVersion),
  name: layerName.default('model'),
  seed: whole(0).default(0),
  device: settings(deviceFields).default({ device: 'auto' }),
  data: dataSchema,
  model: settings({ layers: layersSchema }),
  training: trainingSchema.prefault({}),
  output: outputSchema.prefault({}),
  search: searchSchema.optional(),
});

/**
 * Checks an experiment's config and fills in defaults.
 *
 * @param name What paths in messages begin with. Default `config`.
 * @throws ConfigError naming the path, what was expected and what came; for a config of a later version.
 */
export function resolveExperiment(value: unknown, name = 'config'): ResolvedExperiment {
  refuseLater(value, name);
  const { $schema: _, ...resolved } = parseConfig(schema, value, name);
  return deepFreeze(resolved);
}

/** The JSON schema of config files. */
export function experimentJsonSchema(): JsonForm {
  return {
    $schema: 'https://json-schema.org/draft/2020-12/schema',
    title: 'cudnn-lstm experiment',
    ...jsonSchemaOf(schema),
  };
}

// First of all: a later version may have anything else in it.
function refuseLater(value: unknown, name: string): void {
  const received = typeof value === 'object' && value !== null ? Reflect.get(value, 'version') : undefined;
  if (typeof received !== 'number' || !(received > configVersion)) return;
  const path = `${name}.version`;
  const expected = `at most ${configVersion}, as later ones are of a later version of this package`;
  throw new ConfigError(`${path}: expected ${expected}, received ${received}`, { path, expected, received });
}
