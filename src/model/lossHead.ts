import { ConfigError } from '../errors.js';
import type { ChainLink } from '../layers/chain.js';
import type { LossKind } from '../losses/loss.js';

const heads: Partial<Record<LossKind, readonly string[]>> = {
  crossEntropy: ['softmax', 'linear'],
  binaryCrossEntropy: ['sigmoid', 'linear'],
};

/**
 * Whether a loss can be computed from a model's last layer.
 *
 * @throws ConfigError naming the last layer where it cannot.
 */
export function checkLossHead(loss: LossKind, chain: readonly ChainLink[]): void {
  const activations = heads[loss];
  const head = chain.at(-1)!.layer;
  if (activations === undefined) return;
  if (head.kind === 'dense' && activations.includes(head.activation)) return;
  const path = `layers[${chain.length - 1}] (${head.name})`;
  const list = activations.map((activation) => `'${activation}'`).join(' or ');
  const expected = `a dense layer with activation ${list} for the loss '${loss}'`;
  const received =
    head.kind === 'dense' ? `a dense layer with activation '${head.activation}'` : `layer ${head.kind}`;
  throw new ConfigError(`${path}: expected ${expected}, received ${received}`, { path, expected, received });
}
