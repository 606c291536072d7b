import { field } from '../config/fields.js';
import { adagrad, type Adagrad, type AdagradOptions } from './adagrad.js';
import { adam, adamW, type Adam, type AdamOptions } from './adam.js';
import { rmsprop, type Rmsprop, type RmspropOptions } from './rmsprop.js';
import { sgd, type Sgd, type SgdOptions } from './sgd.js';

export { adagrad, type Adagrad, type AdagradOptions } from './adagrad.js';
export { adam, adamW, type Adam, type AdamOptions } from './adam.js';
export { type WeightAverage, type WeightAverageInput } from './average.js';
export { type Clip } from './clip.js';
export {
  type Accumulation,
  type CommonOptions,
  type CommonSettings,
  type Convention,
  type GradientNoise,
  type ParameterGroup,
  type ParameterGroupInput,
} from './common.js';
export { rmsprop, type Rmsprop, type RmspropOptions } from './rmsprop.js';
export { sgd, type Sgd, type SgdOptions } from './sgd.js';

/** What turns gradients into updates: made by {@link adam}, {@link adamW}, {@link sgd}, {@link rmsprop} or
 * {@link adagrad}; frozen. */
export type Optimizer = Adam | Sgd | Rmsprop | Adagrad;

/** An optimiser, its settings with a `kind`, or the name of one with its default settings. */
export type OptimizerInput =
  | Optimizer
  | ({ readonly kind: 'adam' } & AdamOptions)
  | ({ readonly kind: 'sgd' } & SgdOptions)
  | ({ readonly kind: 'rmsprop' } & RmspropOptions)
  | ({ readonly kind: 'adagrad' } & AdagradOptions)
  | keyof typeof factories;

const factories = { adam, adamW, sgd, rmsprop, adagrad };

/** An optimiser as a setting: a descriptor or a name, resolved. */
export const optimizerSchema = field<OptimizerInput>(
  'an optimizer: adam(), adamW(), sgd(), rmsprop(), adagrad() or the name of one',
  (value) =>
    isKind(value) || (typeof value === 'object' && value !== null && 'kind' in value && isKind(value.kind)),
).transform((value): Optimizer => {
  if (typeof value === 'string') return factories[value]();
  const { kind, ...options } = value;
  return factories[kind](options as never);
});

function isKind(value: unknown): value is keyof typeof factories {
  return typeof value === 'string' && Object.hasOwn(factories, value);
}

/**
 * What an optimiser's state in memory is: optimisers with equal words here can take over from each other. A schedule,
 * a clip, a decay or an average may change at any time.
 */
export function stateWord(optimizer: Optimizer): string {
  switch (optimizer.kind) {
    case 'adam':
      return optimizer.amsgrad ? 'adam with amsgrad' : 'adam';
    case 'sgd':
      if (optimizer.momentum === 0) return 'sgd';
      return optimizer.convention === 'keras' ? "sgd with momentum as Keras'" : 'sgd with momentum';
    case 'rmsprop': {
      const parts = [optimizer.centered ? 'centered' : [], optimizer.momentum > 0 ? 'momentum' : []].flat();
      const rule = parts.length === 0 ? 'rmsprop' : `rmsprop with ${parts.join(' and ')}`;
      return optimizer.convention === 'keras' && optimizer.momentum > 0 ? `${rule} as Keras'` : rule;
    }
    case 'adagrad':
      return 'adagrad';
  }
}
