import { activationRegularizer, dense, dropout, embedding, lstm, pool, type Layer } from '../../src/index.js';
import type { Node, ParameterRules } from '../parity/oracle.js';

/**
 * The public layers of the oracle's chain. Names are given, so parameters are called the same on both sides.
 * Penalties and frozen layers are read from the rules of the parameters.
 */
export function layersOf(nodes: readonly Node[], rules: ParameterRules = {}): Layer[] {
  return nodes.map((node) => {
    switch (node.kind) {
      case 'embedding': {
        const { kind: _, ...options } = node;
        return embedding({ ...options, ...rulesOf(rules, `${node.name}.weight`, 'regularizer') });
      }
      case 'lstm': {
        const { kind: _, ...options } = node;
        return lstm({
          ...options,
          ...rulesOf(rules, `${node.name}.weight_ih_l0`, 'inputRegularizer'),
          ...rulesOf(rules, `${node.name}.weight_hh_l0`, 'recurrentRegularizer'),
          ...rulesOf(rules, `${node.name}.bias_ih_l0`, 'biasRegularizer'),
        });
      }
      case 'dense': {
        const { kind: _, ...options } = node;
        return dense({
          ...options,
          ...rulesOf(rules, `${node.name}.weight`, 'regularizer'),
          ...rulesOf(rules, `${node.name}.bias`, 'biasRegularizer'),
        });
      }
      case 'dropout':
        return dropout({ rate: node.rate, sharedOverTime: node.sharedOverTime });
      case 'pool':
        return pool({ mode: node.mode });
      case 'activationRegularizer':
        return activationRegularizer({ ar: node.ar, tar: node.tar });
    }
  });
}

/** One parameter's penalty and constraint under the layer's own words for them, and whether the layer learns. */
function rulesOf(
  { penalties, constraints, frozen }: ParameterRules,
  parameter: string,
  option: string,
): object {
  const penalty = penalties?.[parameter];
  const constraint = constraints?.[parameter];
  const word = option.replace('regularizer', 'constraint').replace('Regularizer', 'Constraint');
  return {
    ...(penalty === undefined ? {} : { [option]: penalty }),
    ...(constraint === undefined ? {} : { [word]: constraint }),
    ...(frozen?.has(parameter) ? { trainable: false } : {}),
  };
}
