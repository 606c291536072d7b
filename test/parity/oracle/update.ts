import type { Tensors } from './lstm.js';

export type Clip =
  | { readonly globalNorm: number; readonly epsilon?: number }
  | { readonly tensorNorm: number; readonly epsilon?: number }
  | { readonly adaptive: number; readonly epsilon?: number }
  | { readonly value: number };

type Rule =
  | {
      readonly kind: 'adam';
      readonly beta1: number;
      readonly beta2: number;
      readonly epsilon: number;
      readonly amsgrad?: boolean;
    }
  | { readonly kind: 'sgd'; readonly momentum: number; readonly nesterov: boolean }
  | {
      readonly kind: 'rmsprop';
      readonly rho: number;
      readonly epsilon: number;
      readonly momentum: number;
      readonly centered: boolean;
    }
  | { readonly kind: 'adagrad'; readonly epsilon: number; readonly initialAccumulator: number };

export type Update = {
  readonly learningRate: number;
  readonly clip?: Clip;
  readonly convention?: 'pytorch' | 'keras';
  readonly weightDecay?: number;
  readonly decay?: 'coupled' | 'decoupled';
  readonly average?: { readonly kind: 'mean' } | { readonly kind: 'ema'; readonly decay: number };
} & Rule;

/** Penalty l1·Σ|p| + l2·Σp² of one parameter. */
export interface Penalty {
  readonly l1: number;
  readonly l2: number;
}

export type Constraint =
  | { readonly kind: 'nonNegative' }
  | { readonly kind: 'maxNorm'; readonly limit: number; readonly axis: 'row' | 'column' };

export interface ParameterRules {
  readonly penalties?: Readonly<Record<string, Penalty>>;
  /** Parameters that do not learn: no update, no penalty, no part in the norm. */
  readonly frozen?: ReadonlySet<string>;
  readonly constraints?: Readonly<Record<string, Constraint>>;
  /** Of parameters with a rate or decay of their own. */
  readonly groups?: Readonly<Record<string, { readonly rate: number; readonly weightDecay?: number }>>;
  /** Columns of each parameter's rows; a vector is one row. Needed for adaptive clipping and constraints. */
  readonly rowSizes?: Readonly<Record<string, number>>;
}

export interface OptimizerState {
  step: number;
  averaged: number;
  readonly m: Tensors;
  readonly v: Tensors;
  readonly aux: Tensors;
  readonly average: Tensors;
}

export function newOptimizerState(params: Tensors): OptimizerState {
  const zeros = () =>
    Object.fromEntries(Object.entries(params).map(([name, p]) => [name, new Float64Array(p.length)]));
  return { step: 0, averaged: 0, m: zeros(), v: zeros(), aux: zeros(), average: zeros() };
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
  if (config.average !== undefined) state.averaged++;
  for (const [name, unclipped] of Object.entries(penalised)) {
    const p = params[name]!;
    const group = rules.groups?.[name];
    const rate = config.learningRate * (group?.rate ?? 1);
    const weightDecay = group?.weightDecay ?? config.weightDecay ?? 0;
    const g = clipped(unclipped, p, gradNorm, config.clip, rules.rowSizes?.[name] ?? p.length);
    if (config.decay === 'coupled') for (let i = 0; i < p.length; i++) g[i]! += weightDecay * p[i]!;
    else for (let i = 0; i < p.length; i++) p[i]! -= rate * weightDecay * p[i]!;
    step(config, rate, g, p, state, name);
    average(config, p, state, name);
    constrain(rules.constraints?.[name], p, rules.rowSizes?.[name] ?? p.length);
  }
  return { gradNorm };
}

function clipped(
  g: Float64Array,
  p: Float64Array,
  globalNorm: number,
  clip: Clip | undefined,
  rowSize: number,
): Float64Array {
  if (clip === undefined) return g;
  if ('value' in clip) return g.map((x) => Math.min(Math.max(x, -clip.value), clip.value));
  if ('globalNorm' in clip) {
    // PyTorch's clip_grad_norm_; with epsilon 0 TensorFlow's clip_by_global_norm.
    const scale = Math.min(1, clip.globalNorm / (globalNorm + (clip.epsilon ?? 1e-6)));
    return g.map((x) => x * scale);
  }
  if ('tensorNorm' in clip) {
    // TensorFlow's clip_by_norm.
    const scale = Math.min(1, clip.tensorNorm / (norm(g) + (clip.epsilon ?? 0)));
    return g.map((x) => x * scale);
  }
  // Brock et al. 2021, equation 3, unit by unit.
  const result = g.slice();
  for (let at = 0; at < g.length; at += rowSize) {
    const most = clip.adaptive * Math.max(norm(p.subarray(at, at + rowSize)), clip.epsilon ?? 1e-3);
    const own = norm(g.subarray(at, at + rowSize));
    if (own > most) for (let i = at; i < at + rowSize; i++) result[i]! *= most / own;
  }
  return result;
}

function step(
  config: Update,
  rate: number,
  g: Float64Array,
  p: Float64Array,
  state: OptimizerState,
  name: string,
) {
  const [m, v, aux] = [state.m[name]!, state.v[name]!, state.aux[name]!];
  const isKeras = config.convention === 'keras';
  for (let i = 0; i < p.length; i++) {
    switch (config.kind) {
      case 'adam': {
        // Kingma & Ba 2015, Algorithm 1; Keras has the order of operations before section 2.1, epsilon-hat.
        const { beta1, beta2, epsilon } = config;
        m[i] = beta1 * m[i]! + (1 - beta1) * g[i]!;
        v[i] = beta2 * v[i]! + (1 - beta2) * g[i]! ** 2;
        aux[i] = Math.max(aux[i]!, v[i]!);
        const second = config.amsgrad === true ? aux[i]! : v[i]!;
        const [bias1, bias2] = [1 - beta1 ** state.step, 1 - beta2 ** state.step];
        if (isKeras) p[i]! -= (((rate * Math.sqrt(bias2)) / bias1) * m[i]!) / (Math.sqrt(second) + epsilon);
        else p[i]! -= (rate * (m[i]! / bias1)) / (Math.sqrt(second / bias2) + epsilon);
        break;
      }
      case 'sgd': {
        const { momentum, nesterov } = config;
        if (isKeras) {
          // Keras' velocity is -m.
          m[i] = momentum * m[i]! + rate * g[i]!;
          p[i]! -= nesterov ? momentum * m[i]! + rate * g[i]! : m[i]!;
        } else {
          m[i] = momentum * m[i]! + g[i]!;
          p[i]! -= rate * (nesterov ? g[i]! + momentum * m[i]! : m[i]!);
        }
        break;
      }
      case 'rmsprop': {
        const { rho, epsilon, momentum, centered } = config;
        v[i] = rho * v[i]! + (1 - rho) * g[i]! ** 2;
        aux[i] = rho * aux[i]! + (1 - rho) * g[i]!;
        const second = centered ? v[i]! - aux[i]! ** 2 : v[i]!;
        if (isKeras) {
          m[i] = momentum * m[i]! + (rate * g[i]!) / Math.sqrt(second + epsilon);
          p[i]! -= m[i]!;
        } else {
          m[i] = momentum * m[i]! + g[i]! / (Math.sqrt(second) + epsilon);
          p[i]! -= rate * m[i]!;
        }
        break;
      }
      case 'adagrad': {
        v[i]! += g[i]! ** 2;
        const sum = v[i]! + config.initialAccumulator;
        p[i]! -=
          (rate * g[i]!) / (isKeras ? Math.sqrt(sum + config.epsilon) : Math.sqrt(sum) + config.epsilon);
      }
    }
  }
}

function average(
  { average: kind }: Update,
  p: Float64Array,
  { average: all, averaged }: OptimizerState,
  name: string,
) {
  const own = all[name]!;
  if (kind === undefined) return;
  for (let i = 0; i < p.length; i++) {
    if (averaged === 1) own[i] = p[i]!;
    else if (kind.kind === 'ema') own[i] = kind.decay * own[i]! + (1 - kind.decay) * p[i]!;
    else own[i] = (own[i]! * (averaged - 1) + p[i]!) / averaged;
  }
}

function constrain(constraint: Constraint | undefined, p: Float64Array, rowSize: number): void {
  if (constraint === undefined) return;
  if (constraint.kind === 'nonNegative') {
    p.forEach((x, i) => (p[i] = Math.max(x, 0)));
    return;
  }
  const rows = p.length / rowSize;
  const byRow = constraint.axis === 'row';
  for (let line = 0; line < (byRow ? rows : rowSize); line++) {
    const places = Array.from({ length: byRow ? rowSize : rows }, (_, k) =>
      byRow ? line * rowSize + k : k * rowSize + line,
    );
    // Keras' MaxNorm.
    const own = Math.hypot(...places.map((i) => p[i]!));
    for (const i of places) p[i]! *= Math.min(own, constraint.limit) / (1e-7 + own);
  }
}

function norm(values: Float64Array): number {
  return Math.sqrt(values.reduce((sum, x) => sum + x * x, 0));
}
