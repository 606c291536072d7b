import type { Initializer } from '../initializers/initializer.js';
import type { ChainLink } from '../layers/chain.js';
import type { DenseLayer } from '../layers/dense.js';
import type { LstmDescriptor } from '../layers/lstm.js';
import type { Signal } from '../layers/signal.js';
import type {
  NativeClip,
  NativeDenseNode,
  NativeInitializer,
  NativeLstmNode,
  NativeNetwork,
  NativeNode,
  NativeParameterConfig,
  NativeUpdate,
} from '../native/binding.js';
import type { Clip, Optimizer } from '../optimizers/optimizer.js';
import type { Regularizer } from '../regularizers/regularizer.js';
import { fixedRate } from '../schedules/schedule.js';

/** The network that the addon builds from a resolved chain of layers. */
export function lowerNetwork(chain: readonly ChainLink[], input: Signal, seed: number): NativeNetwork {
  return {
    input: input.kind === 'tokens' ? 'tokens' : 'features',
    inputSize: input.size,
    nodes: chain.map((link, index) => lowerNode(link, index - 1)),
    seed,
  };
}

/**
 * The update that the addon applies for an optimiser.
 *
 * @throws ConfigError for a schedule, unless the rate is given.
 */
export function lowerOptimizer(
  optimizer: Optimizer,
  learningRate = fixedRate(optimizer.learningRate),
): NativeUpdate {
  const { clip, ...rest } = optimizer;
  return { ...rest, learningRate, clip: lowerClip(clip) };
}

function lowerClip(clip: Clip | undefined): NativeClip {
  if (clip === undefined) return { kind: 'none' };
  if ('globalNorm' in clip) return { kind: 'globalNorm', limit: clip.globalNorm };
  if ('tensorNorm' in clip) return { kind: 'tensorNorm', limit: clip.tensorNorm };
  return { kind: 'value', limit: clip.value };
}

function lowerNode({ layer, input: signal }: ChainLink, input: number): NativeNode {
  const base = { name: layer.name, input };
  switch (layer.kind) {
    case 'embedding': {
      const { vocabSize, size, initializer, regularizer } = layer;
      // torch.nn.Embedding starts from the standard normal distribution.
      const start = initializer.kind === 'torchUniform' ? standardNormal : lowerInitializer(initializer, 1);
      const weight = { ...role(start, regularizer, layer.trainable) };
      return { ...base, kind: 'embedding', vocabSize, size, dropout: layer.dropout, weight };
    }
    case 'lstm':
      return { ...base, ...lowerLstm(layer) };
    case 'dense':
      return { ...base, ...lowerDense(layer, signal.size) };
    case 'dropout':
      return { ...base, kind: 'dropout', rate: layer.rate, sharedOverTime: layer.sharedOverTime };
    case 'pool':
      return { ...base, kind: 'pool', mode: layer.mode };
    case 'activationRegularizer':
      return { ...base, kind: 'activationRegularizer', ar: layer.ar, tar: layer.tar };
  }
}

function lowerLstm(layer: LstmDescriptor): Omit<NativeLstmNode, 'name' | 'input'> {
  const { hiddenSize, numLayers, bidirectional, bias, dropout, projectionSize, trainable } = layer;
  const start = (initializer: Initializer) => lowerInitializer(initializer, hiddenSize);
  const recurrentRole = role(start(layer.recurrentInitializer), layer.recurrentRegularizer, trainable);
  const biasRole = role(start(layer.biasInitializer), layer.biasRegularizer, trainable);
  return {
    kind: 'lstm',
    hiddenSize,
    numLayers,
    bidirectional,
    bias,
    dropout,
    weightDropout: layer.weightDropout,
    projectionSize,
    cellClip: layer.cellClip ?? 0,
    returnSequences: layer.returnSequences,
    weightIh: role(start(layer.inputInitializer), layer.inputRegularizer, trainable),
    weightHh: recurrentRole,
    weightHr: recurrentRole,
    biasIh: biasRole,
    biasHh: biasRole,
    forgetBias: layer.forgetBias,
  };
}

function lowerDense(layer: DenseLayer, inputs: number): Omit<NativeDenseNode, 'name' | 'input'> {
  const { units, activation, useBias, trainable } = layer;
  return {
    kind: 'dense',
    units,
    activation,
    useBias,
    weight: role(lowerInitializer(layer.initializer, inputs), layer.regularizer, trainable),
    bias: role(lowerInitializer(layer.biasInitializer, inputs), layer.biasRegularizer, trainable),
  };
}

const standardNormal: NativeInitializer = { kind: 'normal', mean: 0, stddev: 1 };

function lowerInitializer(initializer: Initializer, torchFan: number): NativeInitializer {
  if (initializer.kind !== 'torchUniform') return initializer;
  const bound = 1 / Math.sqrt(torchFan);
  return { kind: 'uniform', low: -bound, high: bound };
}

function role(
  initializer: NativeInitializer,
  regularizer: Regularizer | undefined,
  trainable: boolean,
): NativeParameterConfig {
  return { initializer, l1: regularizer?.l1 ?? 0, l2: regularizer?.l2 ?? 0, trainable };
}
