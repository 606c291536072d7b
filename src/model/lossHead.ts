import { ConfigError } from '../errors.js';
import type { ModelOutput } from '../layers/chain.js';
import { channelsPerTarget, type Loss } from '../losses/loss.js';

const heads: Partial<Record<Loss['kind'], readonly string[]>> = {
  crossEntropy: ['softmax', 'linear'],
  binaryCrossEntropy: ['sigmoid', 'linear'],
};

/**
 * Whether a loss can be computed from an output of a model.
 *
 * @throws ConfigError naming the layer that gives it where it cannot, or the loss's setting that does not fit it.
 */
export function checkLossHead(loss: Loss, { head: name, index, link }: ModelOutput): void {
  const activations = heads[loss.kind];
  const { layer: head, output } = link;
  const path = `${name === undefined ? `layers[${index}]` : `heads.${name}`} (${head.name})`;
  const share = channelsPerTarget(loss);
  if (output.size % share !== 0) {
    const what =
      loss.kind === 'quantile'
        ? 'one for each target and quantile'
        : 'a mean and a log variance for each target';
    throw invalid(
      path,
      `a multiple of ${share} outputs, ${what}, for the loss '${loss.kind}'`,
      `${output.size}`,
    );
  }
  if (loss.kind === 'crossEntropy' && (loss.classWeights?.length ?? output.size) !== output.size) {
    const expected = `${output.size} numbers, one for each class`;
    throw invalid('crossEntropy.classWeights', expected, `${loss.classWeights!.length}`);
  }
  if (activations === undefined) return;
  if (head.kind === 'dense' && activations.includes(head.activation)) return;
  const list = activations.map((activation) => `'${activation}'`).join(' or ');
  const expected = `a dense layer with activation ${list} for the loss '${loss.kind}'`;
  const received =
    head.kind === 'dense' ? `a dense layer with activation '${head.activation}'` : `layer ${head.kind}`;
  throw invalid(path, expected, received);
}

function invalid(path: string, expected: string, received: string): ConfigError {
  return new ConfigError(`${path}: expected ${expected}, received ${received}`, { path, expected, received });
}
