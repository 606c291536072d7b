import type { RandomKey } from '../../support/philox.js';
import { sequenceRows, type Batch } from './batch.js';
import { cellBackward, cellForward, type CellPass, type CellWeights } from './lstmCell.js';
import { dropoutFactors, multiply } from './dropout.js';

/** A stack of LSTM layers, as PyTorch's nn.LSTM; gates i f g o. */
export interface LstmConfig {
  readonly inputSize: number;
  readonly hiddenSize: number;
  readonly numLayers: number;
  readonly bidirectional: boolean;
  /** `single`: bias_ih alone. */
  readonly bias: 'double' | 'single' | 'none';
  /** Between layers, in training only. */
  readonly dropout: number;
  /** P; absent or 0: no projection, P = H. */
  readonly projectionSize?: number;
  /** Absent: c is not clamped. */
  readonly cellClip?: number;
}

/** Channels of h of one direction. */
export function outputSize({
  hiddenSize,
  projectionSize = 0,
}: Pick<LstmConfig, 'hiddenSize' | 'projectionSize'>) {
  return projectionSize > 0 ? projectionSize : hiddenSize;
}

export type Tensors = Record<string, Float64Array>;

export interface LstmInputs {
  /** [N,T,C] */
  readonly x: Float64Array;
  /** [L·D,N,P]; absent: zeros. */
  readonly h0?: Float64Array;
  /** [L·D,N,H]; absent: zeros. */
  readonly c0?: Float64Array;
  /** Dropout acts when given: the input of layer k >= 1 uses stream + k - 1. */
  readonly dropoutKey?: RandomKey;
}

export interface LstmOutputs {
  /** [N,T,D·P], 0 beyond each length. */
  readonly y: Float64Array;
  /** [L·D,N,P] after each sequence's last live step (reverse: its first). */
  readonly hn: Float64Array;
  /** [L·D,N,H] */
  readonly cn: Float64Array;
  backward(given: LstmOutputGradients): LstmGradients;
}

export interface LstmOutputGradients {
  readonly dy?: Float64Array;
  readonly dhn?: Float64Array;
  readonly dcn?: Float64Array;
}

export interface LstmGradients {
  readonly dx: Float64Array;
  readonly dh0: Float64Array;
  readonly dc0: Float64Array;
  readonly weights: Tensors;
}

/** Names and shapes in PyTorch's order: per layer and direction weight_ih, weight_hh, bias_ih, bias_hh, weight_hr. */
export function lstmShapes(config: LstmConfig): Record<string, readonly number[]> {
  const { inputSize, hiddenSize: H, numLayers, bidirectional, bias } = config;
  const directions = bidirectional ? 2 : 1;
  const P = outputSize(config);
  const shapes: Record<string, readonly number[]> = {};
  for (let layer = 0; layer < numLayers; layer++) {
    for (let direction = 0; direction < directions; direction++) {
      const suffix = suffixOf(layer, direction);
      shapes[`weight_ih${suffix}`] = [4 * H, layer === 0 ? inputSize : directions * P];
      shapes[`weight_hh${suffix}`] = [4 * H, P];
      if (bias !== 'none') shapes[`bias_ih${suffix}`] = [4 * H];
      if (bias === 'double') shapes[`bias_hh${suffix}`] = [4 * H];
      if (P < H) shapes[`weight_hr${suffix}`] = [P, H];
    }
  }
  return shapes;
}

export function lstm(config: LstmConfig, weights: Tensors, batch: Batch, inputs: LstmInputs): LstmOutputs {
  const { hiddenSize: H, numLayers, bidirectional, dropout } = config;
  const directions = bidirectional ? 2 : 1;
  const { batchSize: N, timeSteps: T } = batch;
  const P = outputSize(config);
  const width = directions * P;
  const h0 = inputs.h0 ?? new Float64Array(numLayers * directions * N * P);
  const c0 = inputs.c0 ?? new Float64Array(numLayers * directions * N * H);
  const hOf = <A extends Float64Array | undefined>(all: A, place: number) =>
    all?.subarray(place * N * P, (place + 1) * N * P) as A;
  const cOf = <A extends Float64Array | undefined>(all: A, place: number) =>
    all?.subarray(place * N * H, (place + 1) * N * H) as A;
  const hn = new Float64Array(h0.length);
  const cn = new Float64Array(c0.length);
  const rows = sequenceRows(batch);

  const passes: CellPass[] = [];
  const factors: (Float64Array | undefined)[] = [];
  let x = inputs.x;
  for (let layer = 0; layer < numLayers; layer++) {
    if (layer > 0 && inputs.dropoutKey !== undefined && dropout > 0) {
      const key = { ...inputs.dropoutKey, stream: inputs.dropoutKey.stream + layer - 1 };
      const mask = dropoutFactors(rows, N * T * width, width, { rate: dropout, key, sharedOverTime: false });
      factors[layer] = mask;
      x = multiply(x, mask);
    }
    const y = new Float64Array(N * T * width);
    for (let direction = 0; direction < directions; direction++) {
      const place = layer * directions + direction;
      const pass = cellForward({
        weights: cellWeights(config, weights, layer, direction),
        batch,
        x,
        h0: hOf(h0, place),
        c0: cOf(c0, place),
        reverse: direction === 1,
        cellClip: config.cellClip,
      });
      passes.push(pass);
      hOf(hn, place).set(pass.hn);
      cOf(cn, place).set(pass.cn);
      copyColumns(pass.h, P, 0, y, width, direction * P, P);
    }
    x = y;
  }
  return { y: x, hn, cn, backward };

  function backward({ dy, dhn, dcn }: LstmOutputGradients): LstmGradients {
    const gradients: Tensors = {};
    const dh0 = new Float64Array(h0.length);
    const dc0 = new Float64Array(c0.length);
    let dOut = dy ?? new Float64Array(N * T * width);
    for (let layer = numLayers - 1; layer >= 0; layer--) {
      let dx: Float64Array | undefined;
      for (let direction = 0; direction < directions; direction++) {
        const place = layer * directions + direction;
        const dh = new Float64Array(N * T * P);
        copyColumns(dOut, width, direction * P, dh, P, 0, P);
        const back = cellBackward(passes[place]!, { dh, dhn: hOf(dhn, place), dcn: cOf(dcn, place) });
        const sum = dx;
        dx = sum === undefined ? back.dx : sum.map((value, i) => value + back.dx[i]!);
        hOf(dh0, place).set(back.dh0);
        cOf(dc0, place).set(back.dc0);
        const suffix = suffixOf(layer, direction);
        gradients[`weight_ih${suffix}`] = back.dW;
        gradients[`weight_hh${suffix}`] = back.dR;
        if (config.bias !== 'none') gradients[`bias_ih${suffix}`] = back.db;
        if (config.bias === 'double') gradients[`bias_hh${suffix}`] = back.db.slice();
        if (back.dV !== undefined) gradients[`weight_hr${suffix}`] = back.dV;
      }
      const mask = factors[layer];
      dOut = mask === undefined ? dx! : multiply(dx!, mask);
    }
    return { dx: dOut, dh0, dc0, weights: gradients };
  }
}

function suffixOf(layer: number, direction: number): string {
  return `_l${layer}${direction === 1 ? '_reverse' : ''}`;
}

function cellWeights(config: LstmConfig, weights: Tensors, layer: number, direction: number): CellWeights {
  const suffix = suffixOf(layer, direction);
  const zeros = new Float64Array(4 * config.hiddenSize);
  const biasIh = config.bias === 'none' ? zeros : weights[`bias_ih${suffix}`]!;
  const biasHh = config.bias === 'double' ? weights[`bias_hh${suffix}`]! : zeros;
  return {
    W: weights[`weight_ih${suffix}`]!,
    R: weights[`weight_hh${suffix}`]!,
    V: outputSize(config) < config.hiddenSize ? weights[`weight_hr${suffix}`]! : undefined,
    b: biasIh.map((value, i) => value + biasHh[i]!),
  };
}

/** Copies `count` columns of every row of one matrix into another. */
function copyColumns(
  from: Float64Array,
  fromWidth: number,
  fromColumn: number,
  to: Float64Array,
  toWidth: number,
  toColumn: number,
  count: number,
): void {
  const rows = from.length / fromWidth;
  for (let row = 0; row < rows; row++) {
    const start = row * fromWidth + fromColumn;
    to.set(from.subarray(start, start + count), row * toWidth + toColumn);
  }
}
