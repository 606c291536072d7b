import type { Batch } from './batch.js';

// One layer in one direction (Hochreiter & Schmidhuber 1997, forget gate of Gers et al. 2000):
//   i, f, o = sigmoid, g = tanh of W x_t + R h_{t-1} + b;  c_t = f c_{t-1} + i g;  h_t = o tanh(c_t)
// With projection (Sak, Senior & Beaufays 2014): m_t = o tanh(c_t), h_t = V m_t.
// With a clip: c_t = min(max(f c_{t-1} + i g, -clip), clip), with a derivative of 0 where it is clamped.
// The reverse direction starts at each sequence's own last live step.

export interface CellWeights {
  /** [4H,C], gates i f g o. */
  readonly W: Float64Array;
  /** [4H,P] */
  readonly R: Float64Array;
  /** [P,H]; absent: no projection, P = H. */
  readonly V: Float64Array | undefined;
  /** [4H]: both biases. */
  readonly b: Float64Array;
}

export interface CellInputs {
  readonly weights: CellWeights;
  readonly batch: Batch;
  /** [N,T,C] */
  readonly x: Float64Array;
  /** [N,P] */
  readonly h0: Float64Array;
  /** [N,H] */
  readonly c0: Float64Array;
  readonly reverse: boolean;
  /** Absent: c is not clamped. */
  readonly cellClip: number | undefined;
}

export interface CellPass {
  readonly inputs: CellInputs;
  /** [N,T,4H], after the activations. */
  readonly gates: Float64Array;
  /** [N,T,H] */
  readonly c: Float64Array;
  /** [N,T,H]: 1 where c is as it was computed, 0 where it was clamped. */
  readonly free: Float64Array;
  /** [N,T,H]: o tanh(c). */
  readonly m: Float64Array;
  /** [N,T,P] */
  readonly h: Float64Array;
  /** [N,P] */
  readonly hn: Float64Array;
  /** [N,H] */
  readonly cn: Float64Array;
}

export interface CellGradients {
  readonly dx: Float64Array;
  readonly dh0: Float64Array;
  readonly dc0: Float64Array;
  readonly dW: Float64Array;
  readonly dR: Float64Array;
  readonly dV: Float64Array | undefined;
  readonly db: Float64Array;
}

export function cellForward(inputs: CellInputs): CellPass {
  const { weights, batch, x, h0, c0, reverse, cellClip = Infinity } = inputs;
  const { batchSize: N, timeSteps: T, lengths } = batch;
  const [H, P] = [c0.length / N, h0.length / N];
  const C = x.length / (N * T);
  const gates = new Float64Array(N * T * 4 * H);
  const c = new Float64Array(N * T * H);
  const free = new Float64Array(N * T * H);
  const m = new Float64Array(N * T * H);
  const h = new Float64Array(N * T * P);
  const hn = new Float64Array(N * P);
  const cn = new Float64Array(N * H);

  for (let n = 0; n < N; n++) {
    let hBefore = h0.subarray(n * P, (n + 1) * P);
    let cBefore = c0.subarray(n * H, (n + 1) * H);
    for (const t of steps(lengths[n]!, reverse)) {
      const at = n * T + t;
      const xNow = x.subarray(at * C, (at + 1) * C);
      const gate = gates.subarray(at * 4 * H, (at + 1) * 4 * H);
      const cNow = c.subarray(at * H, (at + 1) * H);
      const mNow = m.subarray(at * H, (at + 1) * H);
      const hNow = h.subarray(at * P, (at + 1) * P);
      for (let r = 0; r < 4 * H; r++) {
        const sum = weights.b[r]! + dot(weights.W, r * C, xNow) + dot(weights.R, r * P, hBefore);
        gate[r] = r >= 2 * H && r < 3 * H ? Math.tanh(sum) : 1 / (1 + Math.exp(-sum));
      }
      for (let j = 0; j < H; j++) {
        const [i, f, g, o] = [gate[j]!, gate[H + j]!, gate[2 * H + j]!, gate[3 * H + j]!];
        const computed = f * cBefore[j]! + i * g;
        cNow[j] = Math.min(Math.max(computed, -cellClip), cellClip);
        free[at * H + j] = Math.abs(computed) <= cellClip ? 1 : 0;
        mNow[j] = o * Math.tanh(cNow[j]!);
      }
      if (weights.V === undefined) hNow.set(mNow);
      else for (let p = 0; p < P; p++) hNow[p] = dot(weights.V, p * H, mNow);
      hBefore = hNow;
      cBefore = cNow;
    }
    hn.set(hBefore, n * P);
    cn.set(cBefore, n * H);
  }
  return { inputs, gates, c, free, m, h, hn, cn };
}

export interface CellOutputGradients {
  /** [N,T,P] */
  readonly dh: Float64Array;
  /** [N,P]; absent: zeros. */
  readonly dhn: Float64Array | undefined;
  /** [N,H]; absent: zeros. */
  readonly dcn: Float64Array | undefined;
}

export function cellBackward(pass: CellPass, { dh: dy, dhn, dcn }: CellOutputGradients): CellGradients {
  const { weights, batch, x, h0, c0, reverse } = pass.inputs;
  const { batchSize: N, timeSteps: T, lengths } = batch;
  const [H, P] = [c0.length / N, h0.length / N];
  const C = x.length / (N * T);
  const dx = new Float64Array(x.length);
  const dh0 = new Float64Array(h0.length);
  const dc0 = new Float64Array(c0.length);
  const dW = new Float64Array(weights.W.length);
  const dR = new Float64Array(weights.R.length);
  const dV = weights.V && new Float64Array(weights.V.length);
  const db = new Float64Array(weights.b.length);
  const da = new Float64Array(4 * H);

  for (let n = 0; n < N; n++) {
    // Both hold the gradient that reaches the step at hand from the step after it.
    const dh = dh0.subarray(n * P, (n + 1) * P);
    const dc = dc0.subarray(n * H, (n + 1) * H);
    if (dhn !== undefined) dh.set(dhn.subarray(n * P, (n + 1) * P));
    if (dcn !== undefined) dc.set(dcn.subarray(n * H, (n + 1) * H));

    const order = steps(lengths[n]!, reverse);
    for (let s = order.length - 1; s >= 0; s--) {
      const at = n * T + order[s]!;
      const before = s === 0 ? -1 : n * T + order[s - 1]!;
      const hBefore =
        before < 0 ? h0.subarray(n * P, (n + 1) * P) : pass.h.subarray(before * P, (before + 1) * P);
      const cBefore =
        before < 0 ? c0.subarray(n * H, (n + 1) * H) : pass.c.subarray(before * H, (before + 1) * H);
      const gate = pass.gates.subarray(at * 4 * H, (at + 1) * 4 * H);
      const dhNow = dh.map((value, p) => value + dy[at * P + p]!);
      const dm = weights.V === undefined ? dhNow : new Float64Array(H);
      if (weights.V !== undefined && dV !== undefined) {
        for (let p = 0; p < P; p++) {
          addScaledRow(dm, dhNow[p]!, weights.V, p * H);
          addScaled(dV, p * H, dhNow[p]!, pass.m.subarray(at * H, (at + 1) * H));
        }
      }
      for (let j = 0; j < H; j++) {
        const [i, f, g, o] = [gate[j]!, gate[H + j]!, gate[2 * H + j]!, gate[3 * H + j]!];
        const tanhC = Math.tanh(pass.c[at * H + j]!);
        const dcHere = (dc[j]! + dm[j]! * o * (1 - tanhC * tanhC)) * pass.free[at * H + j]!;
        da[j] = dcHere * g * i * (1 - i);
        da[H + j] = dcHere * cBefore[j]! * f * (1 - f);
        da[2 * H + j] = dcHere * i * (1 - g * g);
        da[3 * H + j] = dm[j]! * tanhC * o * (1 - o);
        dc[j] = dcHere * f;
      }
      dh.fill(0);
      const xNow = x.subarray(at * C, (at + 1) * C);
      const dxNow = dx.subarray(at * C, (at + 1) * C);
      for (let r = 0; r < 4 * H; r++) {
        db[r]! += da[r]!;
        addScaled(dW, r * C, da[r]!, xNow);
        addScaled(dR, r * P, da[r]!, hBefore);
        addScaledRow(dxNow, da[r]!, weights.W, r * C);
        addScaledRow(dh, da[r]!, weights.R, r * P);
      }
    }
  }
  return { dx, dh0, dc0, dW, dR, dV, db };
}

/** The live steps in the order in which the recurrence takes them. */
function steps(length: number, reverse: boolean): number[] {
  return Array.from({ length }, (_, s) => (reverse ? length - 1 - s : s));
}

/** Σ_k matrix[start + k] vector[k] */
function dot(matrix: Float64Array, start: number, vector: Float64Array): number {
  let sum = 0;
  for (let k = 0; k < vector.length; k++) sum += matrix[start + k]! * vector[k]!;
  return sum;
}

/** matrix[start + k] += scale · vector[k] */
function addScaled(matrix: Float64Array, start: number, scale: number, vector: Float64Array): void {
  for (let k = 0; k < vector.length; k++) matrix[start + k]! += scale * vector[k]!;
}

/** vector[k] += scale · matrix[start + k] */
function addScaledRow(vector: Float64Array, scale: number, matrix: Float64Array, start: number): void {
  for (let k = 0; k < vector.length; k++) vector[k]! += scale * matrix[start + k]!;
}
