import { adagrad, adam, rmsprop, sgd, type LearningRate, type Optimizer } from '../../src/index.js';
import type { ParameterRules, Update } from '../parity/oracle.js';

/** The public optimizer of the oracle's update; `more` is what the oracle has elsewhere. */
export function optimizerOf(
  config: Update,
  rules: ParameterRules,
  more: { readonly learningRate?: LearningRate; readonly accumulate?: Optimizer['accumulate'] } = {},
): Optimizer {
  const groups = Object.entries(rules.groups ?? {}).map(([parameters, { rate, weightDecay }]) => ({
    parameters,
    learningRateScale: rate,
    weightDecay,
  }));
  const { kind, ...options } = { ...config, groups, ...more };
  switch (kind) {
    case 'adam':
      return adam(options);
    case 'sgd':
      return sgd(options);
    case 'rmsprop':
      return rmsprop(options);
    case 'adagrad':
      return adagrad(options);
  }
}
