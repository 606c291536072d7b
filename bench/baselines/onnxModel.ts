/**
 * ONNX models of the bench's network, written as protobuf by hand: field numbers of onnx.proto (ONNX IR version 8,
 * operator set 14), and no more of it than an LSTM needs.
 */

const LENGTH_DELIMITED = 2;
const FLOAT = 1;
const INT64 = 7;

type Bytes = Uint8Array;

function varint(value: number): Bytes {
  const bytes: number[] = [];
  let rest = value;
  while (rest >= 0x80) {
    bytes.push((rest % 0x80) + 0x80);
    rest = Math.floor(rest / 0x80);
  }
  return Uint8Array.of(...bytes, rest);
}

function joined(parts: readonly Bytes[]): Bytes {
  const all = new Uint8Array(parts.reduce((sum, part) => sum + part.length, 0));
  let at = 0;
  for (const part of parts) {
    all.set(part, at);
    at += part.length;
  }
  return all;
}

/** One field: a whole number, or a text, message or bytes. */
function field(number: number, value: number | string | Bytes): Bytes {
  if (typeof value === 'number') return joined([varint(number * 8), varint(value)]);
  const bytes = typeof value === 'string' ? new TextEncoder().encode(value) : value;
  return joined([varint(number * 8 + LENGTH_DELIMITED), varint(bytes.length), bytes]);
}

/** Before a tensor's raw data: dims, type, name. */
function tensor(name: string, type: number, dims: readonly number[], raw: Bytes): Bytes {
  return joined([...dims.map((dim) => field(1, dim)), field(2, type), field(8, name), field(9, raw)]);
}

function floats(name: string, dims: readonly number[], data: Float32Array): Bytes {
  return tensor(name, FLOAT, dims, new Uint8Array(data.buffer, data.byteOffset, data.byteLength));
}

function integers(name: string, values: readonly number[]): Bytes {
  const data = BigInt64Array.from(values, BigInt);
  return tensor(name, INT64, [values.length], new Uint8Array(data.buffer));
}

function attribute(name: string, value: number): Bytes {
  const INT = 2;
  return joined([field(1, name), field(3, value), field(20, INT)]);
}

function node(
  type: string,
  inputs: readonly string[],
  outputs: readonly string[],
  attributes: Bytes[] = [],
): Bytes {
  return joined([
    ...inputs.map((name) => field(1, name)),
    ...outputs.map((name) => field(2, name)),
    field(4, type),
    ...attributes.map((one) => field(5, one)),
  ]);
}

/** A graph's input or output of float32. */
function value(name: string, dims: readonly number[]): Bytes {
  const shape = joined(dims.map((dim) => field(1, field(1, dim))));
  const tensorType = joined([field(1, FLOAT), field(2, shape)]);
  return joined([field(1, name), field(2, field(1, tensorType))]);
}

export interface LayerWeights {
  /** [4H, in], gates i, f, g, o */
  readonly weightIh: Float32Array;
  /** [4H, H] */
  readonly weightHh: Float32Array;
  /** [4H] */
  readonly biasIh: Float32Array;
  readonly biasHh: Float32Array;
}

export interface OnnxNetwork {
  readonly timeSteps: number;
  readonly batchSize: number;
  readonly channels: number;
  readonly hiddenSize: number;
  readonly layers: readonly LayerWeights[];
  /** [K, H] and [K] */
  readonly dense: { readonly weight: Float32Array; readonly bias: Float32Array };
  /** Also takes states `h0.{k}`, `c0.{k}` [1, N, H] of each layer and gives `hn.{k}`, `cn.{k}`. */
  readonly withStates: boolean;
}

/** PyTorch's blocks i, f, g, o as ONNX wants them: i, o, f, g. */
function reordered(blocks: Float32Array): Float32Array {
  const size = blocks.length / 4;
  const result = new Float32Array(blocks.length);
  [0, 3, 1, 2].forEach((from, to) => result.set(blocks.subarray(from * size, (from + 1) * size), to * size));
  return result;
}

/** A model that takes `x` [T, N, C] and gives `y` [N, K]: LSTM layers, then Dense on the last layer's final h. */
export function onnxModel(network: OnnxNetwork): Bytes {
  const { timeSteps, batchSize, channels, hiddenSize: H, layers, dense, withStates } = network;
  const constants = [integers('first', [0])];
  if (layers.length > 1) constants.push(integers('direction', [1]));
  const nodes: Bytes[] = [];
  const inputs = [value('x', [timeSteps, batchSize, channels])];
  const classes = dense.bias.length;
  const outputs = [value('y', [batchSize, classes])];
  const state = [1, batchSize, H];

  layers.forEach((weights, k) => {
    const inputSize = k === 0 ? channels : H;
    const bias = new Float32Array(8 * H);
    bias.set(reordered(weights.biasIh));
    bias.set(reordered(weights.biasHh), 4 * H);
    constants.push(
      floats(`W.${k}`, [1, 4 * H, inputSize], reordered(weights.weightIh)),
      floats(`R.${k}`, [1, 4 * H, H], reordered(weights.weightHh)),
      floats(`B.${k}`, [1, 8 * H], bias),
    );
    const initial = withStates ? ['', `h0.${k}`, `c0.${k}`] : [];
    const from = k === 0 ? 'x' : `sequence.${k - 1}`;
    const given = [`Y.${k}`, `hn.${k}`, ...(withStates ? [`cn.${k}`] : [])];
    nodes.push(
      node('LSTM', [from, `W.${k}`, `R.${k}`, `B.${k}`, ...initial], given, [attribute('hidden_size', H)]),
    );
    // Y is [T, 1, N, H].
    if (k < layers.length - 1) nodes.push(node('Squeeze', [`Y.${k}`, 'direction'], [`sequence.${k}`]));
    if (!withStates) return;
    inputs.push(value(`h0.${k}`, state), value(`c0.${k}`, state));
    outputs.push(value(`hn.${k}`, state), value(`cn.${k}`, state));
  });
  constants.push(floats('weight', [classes, H], dense.weight), floats('bias', [classes], dense.bias));
  nodes.push(node('Squeeze', [`hn.${layers.length - 1}`, 'first'], ['last']));
  nodes.push(node('Gemm', ['last', 'weight', 'bias'], ['y'], [attribute('transB', 1)]));

  const graph = joined([
    ...nodes.map((one) => field(1, one)),
    field(2, 'lstm'),
    ...constants.map((one) => field(5, one)),
    ...inputs.map((one) => field(11, one)),
    ...outputs.map((one) => field(12, one)),
  ]);
  const [irVersion, operatorSet] = [8, 14];
  return joined([field(1, irVersion), field(7, graph), field(8, field(2, operatorSet))]);
}
