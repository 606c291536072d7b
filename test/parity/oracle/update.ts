import type { Tensors } from './lstm.js';

export type Clip =
  { readonly globalNorm: number } | { readonly tensorNorm: number } | { readonly value: number };

export type Update = { readonly learningRate: number; readonly clip?: Clip } & (
  | { readonly kind: 'adam'; readonly beta1: number; readonly beta2: number; readonly epsilon: number }
  | { readonly kind: 'sgd'; readonly momentum: number; readonly nesterov: boolean }
);

/** Penalty l1·Σ|p| + l2·Σp² of one parameter. */
export interface Penalty {
  readonly l1: number;
  readonly l2: number;
}

export interface ParameterRules {
  readonly penalties?: Readonly<Record<string, Penalty>>;
  /** Parameters that do not learn: no update, no penalty, no part in the norm. */
  readonly frozen?: ReadonlySet<string>;
}

export interface OptimizerState {
  step: number;
  readonly m: Tensors;
  readonly v: Tensors;
}

export function newOptimizerState(params: Tensors): OptimizerState {
  const zeros = () =>
    Object.fromEntries(Object.entries(params).map(([name, p]) => [name, new Float64Array(p.length)]));
  return { step: 0, m: zeros(), v: zeros() };
}

export function penaltyOf(params: Tensors, rules: ParameterRules): number {
  let total = 0;
  for (const [name, { l1, l2 }] of Object.entries(rules.penalties ?? {})) {
    if (rules.frozen?.has(name)) continue;
    for (const p of params[name]!) total += l1 * Math.abs(p) + l2 * p * p;
  }
  return total;
}

/** g + l1 sign(p) + 2 l2 p of every parameter that learns. */
export function withPenalties(params: Tensors, gradients: Tensors, rules: ParameterRules): Tensors {
  const result: Tensors = {};
  for (const [name, g] of Object.entries(gradients)) {
    if (rules.frozen?.has(name)) continue;
    const { l1, l2 } = rules.penalties?.[name] ?? { l1: 0, l2: 0 };
    const p = params[name]!;
    result[name] = g.map((value, i) => value + l1 * Math.sign(p[i]!) + 2 * l2 * p[i]!);
  }
  return result;
}

/** One optimiser step in place. Returns the norm of all gradients, penalties included, before clipping. */
export function update(
  params: Tensors,
  gradients: Tensors,
  state: OptimizerState,
  config: Update,
  rules: ParameterRules = {},
): { gradNorm: number } {
  const penalised = withPenalties(params, gradients, rules);
  const gradNorm = Math.hypot(...Object.values(penalised).map(norm));
  state.step++;
  for (const [name, unclipped] of Object.entries(penalised)) {
    const g = clipped(unclipped, gradNorm, config.clip);
    const [p, m, v] = [params[name]!, state.m[name]!, state.v[name]!];
    if (config.kind === 'adam') adamStep(p, g, m, v, state.step, config);
    else sgdStep(p, g, m, config);
  }
  return { gradNorm };
}

function clipped(g: Float64Array, globalNorm: number, clip: Clip | undefined): Float64Array {
  if (clip === undefined) return g;
  if ('value' in clip) return g.map((x) => Math.min(Math.max(x, -clip.value), clip.value));
  const scale =
    'globalNorm' in clip
      ? Math.min(1, clip.globalNorm / (globalNorm + 1e-6)) // PyTorch's clip_grad_norm_
      : clip.tensorNorm / Math.max(norm(g), clip.tensorNorm); // TensorFlow's clip_by_norm
  return g.map((x) => x * scale);
}

/** Kingma & Ba 2015, Algorithm 1; epsilon outside the root, as in PyTorch. */
function adamStep(
  p: Float64Array,
  g: Float64Array,
  m: Float64Array,
  v: Float64Array,
  step: number,
  { learningRate, beta1, beta2, epsilon }: Extract<Update, { kind: 'adam' }>,
): void {
  for (let i = 0; i < p.length; i++) {
    m[i] = beta1 * m[i]! + (1 - beta1) * g[i]!;
    v[i] = beta2 * v[i]! + (1 - beta2) * g[i]! ** 2;
    const mHat = m[i]! / (1 - beta1 ** step);
    const vHat = v[i]! / (1 - beta2 ** step);
    p[i]! -= (learningRate * mHat) / (Math.sqrt(vHat) + epsilon);
  }
}

/** PyTorch's form, dampening 0 (Sutskever et al. 2013 for Nesterov's). */
function sgdStep(
  p: Float64Array,
  g: Float64Array,
  m: Float64Array,
  { learningRate, momentum, nesterov }: Extract<Update, { kind: 'sgd' }>,
): void {
  for (let i = 0; i < p.length; i++) {
    m[i] = momentum * m[i]! + g[i]!;
    p[i]! -= learningRate * (nesterov ? g[i]! + momentum * m[i]! : m[i]!);
  }
}

function norm(values: Float64Array): number {
  return Math.sqrt(values.reduce((sum, x) => sum + x * x, 0));
}
