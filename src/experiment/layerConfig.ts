import { z } from 'zod';
import { kinds } from '../config/kinds.js';
import { initializerSettings } from '../initializers/initializer.js';
import {
  activationRegularizerSettings,
  type ActivationRegularizerOptions,
} from '../layers/activationRegularizer.js';
import { denseSettings, type DenseOptions } from '../layers/dense.js';
import { dropoutSettings, type DropoutOptions } from '../layers/dropout.js';
import { embeddingSettings, type EmbeddingOptions } from '../layers/embedding.js';
import type { Layer } from '../layers/layer.js';
import { lstmSettings, type LstmOptions } from '../layers/lstm.js';
import { poolSettings, type PoolOptions } from '../layers/pool.js';

/** Settings that are known from the data where they are left out. */
type FromData<T, K extends keyof T> = Omit<T, K> & { readonly [P in K]?: T[P] | undefined };

/**
 * A layer as a config file holds it. An embedding's `vocabSize` and the last dense layer's `units` follow from the data
 * where they are left out.
 */
export type LayerConfig =
  | ({ readonly kind: 'embedding' } & FromData<EmbeddingOptions, 'vocabSize'>)
  | ({ readonly kind: 'lstm' } & LstmOptions)
  | ({ readonly kind: 'dense' } & FromData<DenseOptions, 'units'>)
  | ({ readonly kind: 'dropout' } & DropoutOptions)
  | ({ readonly kind: 'pool' } & PoolOptions)
  | ({ readonly kind: 'activationRegularizer' } & ActivationRegularizerOptions);

const initializer = kinds(initializerSettings).optional();

const layerSettings: { readonly [K in Layer['kind']]: z.ZodType } = {
  embedding: embeddingSettings.extend({
    vocabSize: embeddingSettings.shape.vocabSize.optional(),
    initializer,
  }),
  lstm: lstmSettings.safeExtend({
    inputInitializer: initializer,
    recurrentInitializer: initializer,
    biasInitializer: initializer,
  } as unknown as Pick<
    typeof lstmSettings.shape,
    'inputInitializer' | 'recurrentInitializer' | 'biasInitializer'
  >),
  dense: denseSettings.extend({
    units: denseSettings.shape.units.optional(),
    initializer,
    biasInitializer: initializer,
  }),
  dropout: dropoutSettings,
  pool: poolSettings,
  activationRegularizer: activationRegularizerSettings,
};

/** The layers of a model, from input to output. */
export const layersSchema = z
  .array(kinds(layerSettings) as z.ZodType<LayerConfig>, { error: () => 'a list of layers' })
  .min(1, { error: () => 'at least one layer' });
