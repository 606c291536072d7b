import type { RandomKey } from '../../support/philox.js';
import { sequenceRows, vectorRows, type Batch } from './batch.js';
import { dense, type Activation } from './dense.js';
import { activationRegularizer } from './activationRegularizer.js';
import { dropoutFactors, elementFactors, multiply } from './dropout.js';
import { embedding } from './embedding.js';
import { lossOf, type LossResult, type Targets } from './losses.js';
import { lstm, lstmShapes, outputSize, type LstmConfig, type Tensors } from './lstm.js';
import { pool, type PoolMode } from './pool.js';

/** One layer of a chain; `name` is the prefix of its parameters. */
export type Node =
  | {
      readonly kind: 'embedding';
      readonly name: string;
      readonly vocabSize: number;
      readonly size: number;
      /** Of whole rows of the table. */
      readonly dropout?: number;
    }
  | ({
      readonly kind: 'lstm';
      readonly name: string;
      readonly returnSequences: boolean;
      /** Of the elements of every weight_hh. */
      readonly weightDropout?: number;
    } & Omit<LstmConfig, 'inputSize'>)
  | {
      readonly kind: 'dense';
      readonly name: string;
      readonly units: number;
      readonly activation: Activation;
      readonly useBias: boolean;
      /** Name of the embedding whose table is the weight. */
      readonly tiedTo?: string;
    }
  | { readonly kind: 'dropout'; readonly rate: number; readonly sharedOverTime: boolean }
  | { readonly kind: 'pool'; readonly mode: PoolMode }
  | { readonly kind: 'activationRegularizer'; readonly ar: number; readonly tar: number };

export interface NetworkInputs {
  readonly batch: Batch;
  /** [N,T] ids, or [N,T,C] features. */
  readonly x: ArrayLike<number>;
  /** Channels of the features; 0 for tokens. */
  readonly inputSize: number;
  /** Dropout acts when given: node i draws from the streams from 256·i on, at this seed and step. */
  readonly draw?: Pick<RandomKey, 'seed' | 'step'>;
}

/** What a node gives the next one. */
interface Value {
  readonly data: Float64Array;
  readonly channels: number;
  /** [N,T,channels], or else [N,channels]. */
  readonly overTime: boolean;
}

interface Layer {
  readonly out: Value;
  /** What it adds to the loss in training. */
  readonly penalty?: number;
  /** From the gradient at `out` to that at the input; adds to `gradients`. */
  backward(d: Float64Array, gradients: Tensors): Float64Array;
}

/** Names and shapes of a chain's parameters. */
export function networkShapes(nodes: readonly Node[], inputSize: number): Record<string, readonly number[]> {
  const shapes: Record<string, readonly number[]> = {};
  let channels = inputSize;
  for (const node of nodes) {
    if (node.kind === 'embedding') shapes[`${node.name}.weight`] = [node.vocabSize, node.size];
    if (node.kind === 'dense') {
      if (node.tiedTo === undefined) shapes[`${node.name}.weight`] = [node.units, channels];
      if (node.useBias) shapes[`${node.name}.bias`] = [node.units];
    }
    if (node.kind === 'lstm') {
      const own = lstmShapes({ ...node, inputSize: channels });
      for (const [name, shape] of Object.entries(own)) shapes[`${node.name}.${name}`] = shape;
    }
    channels = channelsAfter(node, channels);
  }
  return shapes;
}

/** A head: layers that read the last output of the nodes before, with targets of its own. */
export interface HeadNodes {
  readonly nodes: readonly Node[];
  readonly targets: Targets;
  readonly weight: number;
}

/** Names and shapes of the parameters of layers and their heads. */
export function headsShapes(
  nodes: readonly Node[],
  heads: readonly Pick<HeadNodes, 'nodes'>[],
  inputSize: number,
): Record<string, readonly number[]> {
  const channels = nodes.reduce((size, node) => channelsAfter(node, size), inputSize);
  const own = heads.map((head) => networkShapes(head.nodes, channels));
  return Object.assign(networkShapes(nodes, inputSize), ...own) as Record<string, readonly number[]>;
}

function channelsAfter(node: Node, channels: number): number {
  if (node.kind === 'embedding') return node.size;
  if (node.kind === 'dense') return node.units;
  if (node.kind === 'lstm') return outputSize(node) * (node.bidirectional ? 2 : 1);
  return channels;
}

export interface NetworkResult extends LossResult {
  /** Of activation regularizers; not part of `loss`. */
  readonly activationPenalty: number;
  readonly gradients: Tensors;
  /** At the features [N,T,C], or at the embedding's output [N,T,size]. */
  readonly inputGradient: Float64Array;
}

export function predict(nodes: readonly Node[], params: Tensors, inputs: NetworkInputs): Float64Array {
  return run(nodes, params, inputs).at(-1)!.out.data;
}

/** Loss and every gradient, without penalties. */
export function gradientsOf(
  nodes: readonly Node[],
  params: Tensors,
  inputs: NetworkInputs,
  targets: Targets,
): NetworkResult {
  const layers = run(withoutFusedActivation(nodes, targets), params, inputs);
  const { data, channels, overTime } = layers.at(-1)!.out;
  const rows = overTime ? sequenceRows(inputs.batch) : vectorRows(inputs.batch);
  const result = lossOf(targets, rows, channels, data);
  const gradients: Tensors = {};
  let d = result.gradient;
  let inputGradient = d;
  for (let i = layers.length - 1; i >= 0; i--) {
    if (nodes[i]!.kind === 'embedding') inputGradient = d;
    d = layers[i]!.backward(d, gradients);
    if (i === 0 && nodes[0]!.kind !== 'embedding') inputGradient = d;
  }
  const activationPenalty = layers.reduce((sum, { penalty = 0 }) => sum + penalty, 0);
  return { ...result, activationPenalty, gradients, inputGradient };
}

export interface HeadsResult extends Omit<NetworkResult, keyof LossResult> {
  /** Σ weight · the head's loss. */
  readonly loss: number;
  /** By head, without weights. */
  readonly heads: readonly LossResult[];
}

/** The weighted sum of the heads' losses and every gradient, without penalties. Heads' nodes count on behind `nodes`. */
export function headsGradientsOf(
  nodes: readonly Node[],
  heads: readonly HeadNodes[],
  params: Tensors,
  inputs: NetworkInputs,
): HeadsResult {
  const layers = run(nodes, params, inputs);
  const trunk = layers.at(-1)?.out ?? inputOf(inputs);
  const gradients: Tensors = {};
  const penalties = layers.map(({ penalty = 0 }) => penalty);
  const sum = new Float64Array(trunk.data.length);
  let first = nodes.length;
  const results = heads.map((head) => {
    const own = run(withoutFusedActivation(head.nodes, head.targets), params, inputs, trunk, first);
    first += head.nodes.length;
    penalties.push(...own.map(({ penalty = 0 }) => penalty));
    const { data, channels, overTime } = own.at(-1)!.out;
    const rows = overTime ? sequenceRows(inputs.batch) : vectorRows(inputs.batch);
    const result = lossOf(head.targets, rows, channels, data);
    let d: Float64Array = result.gradient.map((value) => head.weight * value);
    for (const layer of own.toReversed()) d = layer.backward(d, gradients);
    d.forEach((value, i) => (sum[i]! += value));
    return result;
  });
  let d: Float64Array = sum;
  let inputGradient = d;
  for (let i = layers.length - 1; i >= 0; i--) {
    if (nodes[i]!.kind === 'embedding') inputGradient = d;
    d = layers[i]!.backward(d, gradients);
    if (i === 0 && nodes[0]!.kind !== 'embedding') inputGradient = d;
  }
  return {
    loss: results.reduce((total, { loss }, i) => total + heads[i]!.weight * loss, 0),
    heads: results,
    activationPenalty: penalties.reduce((a, b) => a + b, 0),
    gradients,
    inputGradient,
  };
}

/** Of each head. */
export function headsPredict(
  nodes: readonly Node[],
  heads: readonly HeadNodes[],
  params: Tensors,
  inputs: NetworkInputs,
): Float64Array[] {
  const trunk = run(nodes, params, inputs).at(-1)?.out ?? inputOf(inputs);
  return heads.map((head) => run(head.nodes, params, inputs, trunk).at(-1)!.out.data);
}

/** crossEntropy takes the logits of a softmax head, binaryCrossEntropy those of a sigmoid head. */
function withoutFusedActivation(nodes: readonly Node[], targets: Targets): Node[] {
  const head = nodes.at(-1)!;
  const fused: Record<string, Activation> = { crossEntropy: 'softmax', binaryCrossEntropy: 'sigmoid' };
  if (head.kind !== 'dense' || head.activation !== fused[targets.loss]) return [...nodes];
  return [...nodes.slice(0, -1), { ...head, activation: 'linear' }];
}

function run(
  nodes: readonly Node[],
  params: Tensors,
  inputs: NetworkInputs,
  start: Value = inputOf(inputs),
  first = 0,
): Layer[] {
  const layers: Layer[] = [];
  let value = start;
  nodes.forEach((node, i) => {
    const key = inputs.draw === undefined ? undefined : { ...inputs.draw, stream: 256 * (first + i) };
    layers.push(layerOf(node, params, value, inputs.batch, key));
    value = layers[i]!.out;
  });
  return layers;
}

function inputOf({ x, inputSize }: NetworkInputs): Value {
  return { data: Float64Array.from(x), channels: inputSize, overTime: true };
}

function layerOf(node: Node, params: Tensors, x: Value, batch: Batch, key: RandomKey | undefined): Layer {
  const rows = x.overTime ? sequenceRows(batch) : vectorRows(batch);
  switch (node.kind) {
    case 'embedding': {
      const name = `${node.name}.weight`;
      const table = params[name]!;
      const { y, backward } = embedding({ rows, size: node.size, tokens: x.data, table });
      const { dropout: rate = 0 } = node;
      // One draw for each id: the factor of every element of its vector.
      const byId = rate > 0 && key !== undefined ? elementFactors(node.vocabSize, rate, key) : undefined;
      const factors = y.map((_, i) => byId?.[x.data[Math.floor(i / node.size)]!] ?? 1);
      return {
        out: { data: multiply(y, factors), channels: node.size, overTime: true },
        backward: (d, gradients) => {
          addTo(gradients, name, backward(multiply(d, factors)));
          return d;
        },
      };
    }
    case 'lstm':
      return lstmLayer(node, params, x, batch, key);
    case 'dense': {
      const { name, units, activation, useBias, tiedTo } = node;
      const weight = params[`${tiedTo ?? name}.weight`]!;
      const bias = useBias ? { bias: params[`${name}.bias`]! } : {};
      const pass = dense({ rows, inputSize: x.channels, units, activation, x: x.data, weight, ...bias });
      return {
        out: { data: pass.y, channels: units, overTime: x.overTime },
        backward: (d, gradients) => {
          const { dx, dWeight, dBias } = pass.backward(d);
          addTo(gradients, `${tiedTo ?? name}.weight`, dWeight);
          if (useBias) gradients[`${name}.bias`] = dBias;
          return dx;
        },
      };
    }
    case 'dropout': {
      if (key === undefined) return { out: x, backward: (d) => d };
      const factors = dropoutFactors(rows, x.data.length, x.channels, { ...node, key });
      return { out: { ...x, data: multiply(x.data, factors) }, backward: (d) => multiply(d, factors) };
    }
    case 'pool': {
      const { y, backward } = pool(node.mode, batch, x.channels, x.data);
      return { out: { data: y, channels: x.channels, overTime: false }, backward };
    }
    case 'activationRegularizer': {
      if (key === undefined) return { out: x, backward: (d) => d };
      const { penalty, gradient } = activationRegularizer(node, batch, x);
      return { out: x, penalty, backward: (d) => d.map((value, i) => value + gradient[i]!) };
    }
  }
}

/** A tensor that is used twice gets the sum of its uses' gradients. */
function addTo(gradients: Tensors, name: string, own: Float64Array): void {
  const before = gradients[name];
  gradients[name] = before === undefined ? own : own.map((value, i) => value + before[i]!);
}

function lstmLayer(
  node: Extract<Node, { kind: 'lstm' }>,
  params: Tensors,
  x: Value,
  batch: Batch,
  key: RandomKey | undefined,
): Layer {
  const config = { ...node, inputSize: x.channels };
  const weights = Object.fromEntries(
    Object.keys(lstmShapes(config)).map((name) => [name, params[`${node.name}.${name}`]!]),
  );
  const masks = key === undefined ? {} : recurrentMasks(node, weights, key);
  for (const [name, mask] of Object.entries(masks)) weights[name] = multiply(weights[name]!, mask);
  const pass = lstm(config, weights, batch, { x: x.data, ...(key === undefined ? {} : { dropoutKey: key }) });
  const channels = outputSize(node) * (node.bidirectional ? 2 : 1);
  const lastStates = finalStates(batch.batchSize, node);
  return {
    out: node.returnSequences
      ? { data: pass.y, channels, overTime: true }
      : { data: lastStates.take(pass.hn), channels, overTime: false },
    backward: (d, gradients) => {
      const { dx, weights: own } = pass.backward(
        node.returnSequences ? { dy: d } : { dhn: lastStates.put(d) },
      );
      for (const [name, g] of Object.entries(own)) {
        const mask = masks[name];
        gradients[`${node.name}.${name}`] = mask === undefined ? g : multiply(g, mask);
      }
      return dx;
    },
  };
}

/** Factors of every weight_hh with weightDropout; node i's k-th one draws from stream 2^30 + 512·i + k. */
function recurrentMasks(
  { weightDropout: rate = 0 }: Extract<Node, { kind: 'lstm' }>,
  weights: Tensors,
  key: RandomKey,
): Tensors {
  const names = rate > 0 ? Object.keys(weights).filter((name) => name.startsWith('weight_hh')) : [];
  return Object.fromEntries(
    names.map((name, k) => {
      const stream = 2 ** 30 + 2 * key.stream + k;
      return [name, elementFactors(weights[name]!.length, rate, { ...key, stream })];
    }),
  );
}

/** Between hn [L·D,N,P] and the last layer's part of it as [N,D·P]. */
function finalStates(N: number, node: Extract<Node, { kind: 'lstm' }>) {
  const { numLayers, bidirectional } = node;
  const D = bidirectional ? 2 : 1;
  const P = outputSize(node);
  const first = (numLayers - 1) * D * N * P;
  const place = (d: number, n: number, j: number) => first + (d * N + n) * P + j;
  function visit(move: (state: number, output: number) => void): void {
    for (let d = 0; d < D; d++) {
      for (let n = 0; n < N; n++) {
        for (let j = 0; j < P; j++) move(place(d, n, j), (n * D + d) * P + j);
      }
    }
  }
  return {
    take(hn: Float64Array): Float64Array {
      const y = new Float64Array(N * D * P);
      visit((state, output) => (y[output] = hn[state]!));
      return y;
    },
    put(dy: Float64Array): Float64Array {
      const dhn = new Float64Array(numLayers * D * N * P);
      visit((state, output) => (dhn[state] = dy[output]!));
      return dhn;
    },
  };
}
