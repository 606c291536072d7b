import type { Initializer } from '../initializers/initializer.js';
import { outputsOf, type ChainLink } from '../layers/chain.js';
import type { DenseLayer } from '../layers/dense.js';
import type { LstmDescriptor } from '../layers/lstm.js';
import type { Signal } from '../layers/signal.js';
import type {
  NativeDenseNode,
  NativeInitializer,
  NativeLstmNode,
  NativeNetwork,
  NativeNode,
  NativeParameterConfig,
} from '../native/binding.js';
import type { Constraint } from '../regularizers/constraint.js';
import type { Regularizer } from '../regularizers/regularizer.js';

/** The network that the addon builds from a resolved chain of layers. */
export function lowerNetwork(chain: readonly ChainLink[], input: Signal, seed: number): NativeNetwork {
  const outputs = outputsOf(chain);
  return {
    input: input.kind === 'tokens' ? 'tokens' : 'features',
    inputSize: input.size,
    nodes: chain.map((link) => lowerNode(link, chain)),
    ...(outputs.length > 1 && { outputs: Int32Array.from(outputs, ({ index }) => index) }),
    seed,
  };
}

function lowerNode(
  { layer, input: signal, reads: input }: ChainLink,
  chain: readonly ChainLink[],
): NativeNode {
  const base = { name: layer.name, input };
  switch (layer.kind) {
    case 'embedding': {
      const { vocabSize, size, initializer, regularizer, constraint } = layer;
      // torch.nn.Embedding starts from the standard normal distribution.
      const start = initializer.kind === 'torchUniform' ? standardNormal : lowerInitializer(initializer, 1);
      const weight = { ...role(start, { regularizer, constraint }, layer.trainable) };
      return { ...base, kind: 'embedding', vocabSize, size, dropout: layer.dropout, weight };
    }
    case 'lstm':
      return { ...base, ...lowerLstm(layer) };
    case 'dense':
      return { ...base, ...lowerDense(layer, signal.size), ...tie(layer, chain) };
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
  const recurrentRole = role(
    start(layer.recurrentInitializer),
    { regularizer: layer.recurrentRegularizer, constraint: layer.recurrentConstraint },
    trainable,
  );
  const biasRole = role(
    start(layer.biasInitializer),
    { regularizer: layer.biasRegularizer, constraint: layer.biasConstraint },
    trainable,
  );
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
    weightIh: role(
      start(layer.inputInitializer),
      { regularizer: layer.inputRegularizer, constraint: layer.inputConstraint },
      trainable,
    ),
    weightHh: recurrentRole,
    weightHr: recurrentRole,
    biasIh: biasRole,
    biasHh: biasRole,
    forgetBias: layer.forgetBias,
  };
}

function lowerDense(layer: DenseLayer, inputs: number): Omit<NativeDenseNode, 'name' | 'input'> {
  const { units, activation, useBias, trainable, regularizer, constraint } = layer;
  const ofBias = { regularizer: layer.biasRegularizer, constraint: layer.biasConstraint };
  return {
    kind: 'dense',
    units,
    activation,
    useBias,
    weight: role(lowerInitializer(layer.initializer, inputs), { regularizer, constraint }, trainable),
    bias: role(lowerInitializer(layer.biasInitializer, inputs), ofBias, trainable),
  };
}

function tie({ tiedTo }: DenseLayer, chain: readonly ChainLink[]): Pick<NativeDenseNode, 'tiedTo'> {
  if (tiedTo === undefined) return {};
  return { tiedTo: chain.findIndex(({ layer }) => layer.name === tiedTo) };
}

const standardNormal: NativeInitializer = { kind: 'normal', mean: 0, stddev: 1 };

function lowerInitializer(initializer: Initializer, torchFan: number): NativeInitializer {
  if (initializer.kind !== 'torchUniform') return initializer;
  const bound = 1 / Math.sqrt(torchFan);
  return { kind: 'uniform', low: -bound, high: bound };
}

interface Rules {
  readonly regularizer: Regularizer | undefined;
  readonly constraint: Constraint | undefined;
}

function role(
  initializer: NativeInitializer,
  { regularizer, constraint }: Rules,
  trainable: boolean,
): NativeParameterConfig {
  return {
    initializer,
    l1: regularizer?.l1 ?? 0,
    l2: regularizer?.l2 ?? 0,
    constraint: constraint ?? { kind: 'none' },
    trainable,
  };
}
