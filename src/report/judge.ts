import type { Targets } from '../data/targets.js';
import type { Loss } from '../losses/loss.js';
import { normalHalfWidth } from '../metrics/normalQuantile.js';

/** A model's outputs beside what they should be. */
export interface Judged {
  /** [N, K], or [N, T, K] with rows of which `lengths` are live. */
  readonly outputs: Float32Array;
  /** K */
  readonly channels: number;
  readonly perStep: boolean;
  /** T of the outputs. */
  readonly maxLength: number;
  /** [N] */
  readonly lengths: ArrayLike<number>;
  readonly targets: Targets;
  readonly loss: Loss;
  /** Outputs are probabilities already. */
  readonly areProbabilities: boolean;
}

/** One row's class: of a sequence of outputs, where it is worst. */
export interface ClassExample {
  readonly row: number;
  /** Mean over the row's steps that count. */
  readonly loss: number;
  readonly actual: number;
  readonly predicted: number;
  /** Of the predicted class. */
  readonly probability: number;
  /** Steps that are wrong, and how many there are, of a sequence of outputs. */
  readonly wrong?: number | undefined;
  readonly steps?: number | undefined;
}

/** Numbers of one row: of its steps, or of its outputs. */
export interface ValueExample {
  readonly row: number;
  /** Mean absolute error. */
  readonly loss: number;
  readonly target: readonly number[];
  readonly prediction: readonly number[];
  readonly low?: readonly number[] | undefined;
  readonly high?: readonly number[] | undefined;
}

/** Right and wrong of classes. */
export interface ClassJudgement {
  readonly kind: 'classes';
  /** [K][K]: a row for each actual class, a column for each predicted one. */
  readonly confusion: readonly (readonly number[])[];
  /** The worst first. */
  readonly examples: readonly ClassExample[];
}

/** Numbers beside what they should be. */
export interface ValueJudgement {
  readonly kind: 'values';
  /** One number a row. */
  readonly isScalar: boolean;
  /** Numbers of a row are its steps, of the first target; else its outputs. */
  readonly perStep: boolean;
  /** In the order of the data. */
  readonly rows: readonly ValueExample[];
  /** The share that an interval is meant to hold, and the share of all numbers that it does. */
  readonly interval?: { readonly level: number; readonly covered: number } | undefined;
}

export type Judgement = ClassJudgement | ValueJudgement;

/** What a loss can be judged by; undefined for one that is neither of classes nor of numbers. */
export function judge(judged: Judged, examples: number): Judgement | undefined {
  const { loss, channels, targets } = judged;
  if (loss.kind === 'crossEntropy') return judgeClasses(judged, channels, examples);
  if (loss.kind === 'binaryCrossEntropy')
    return channels === 1 ? judgeClasses(judged, 2, examples) : undefined;
  const forecast = forecastOf(loss, channels, targets.width);
  return forecast === undefined || targets.kind === 'ids' ? undefined : judgeValues(judged, forecast);
}

/** Calls `visit` with each live step's place in the outputs and in the packed targets. */
function eachStep(
  { channels, perStep, maxLength, lengths, targets }: Judged,
  row: number,
  firstStep: number,
  visit: (output: number, target: number) => void,
): number {
  const steps = perStep ? lengths[row]! : 1;
  for (let t = 0; t < steps; t++) {
    visit((row * (perStep ? maxLength : 1) + t) * channels, (firstStep + t) * targets.width);
  }
  return firstStep + steps;
}

function judgeClasses(judged: Judged, classes: number, examples: number): ClassJudgement {
  const confusion = Array.from({ length: classes }, () => new Array<number>(classes).fill(0));
  const rows: ClassExample[] = [];
  let step = 0;
  for (let row = 0; row < judged.lengths.length; row++) {
    const steps: ClassStep[] = [];
    step = eachStep(judged, row, step, (output, target) => {
      const one = classStep(judged, classes, output, target);
      if (one !== undefined) steps.push(one);
    });
    for (const { actual, predicted } of steps) confusion[actual]![predicted]! += 1;
    if (steps.length > 0) rows.push(classExample(row, steps, judged.perStep));
  }
  rows.sort((a, b) => b.loss - a.loss);
  return { kind: 'classes', confusion, examples: rows.slice(0, examples) };
}

interface ClassStep {
  readonly actual: number;
  readonly predicted: number;
  readonly probability: number;
  readonly loss: number;
}

function classExample(row: number, steps: readonly ClassStep[], perStep: boolean): ClassExample {
  const worst = steps.reduce((a, b) => (b.loss > a.loss ? b : a));
  const loss = steps.reduce((sum, one) => sum + one.loss, 0) / steps.length;
  const wrong = steps.filter(({ actual, predicted }) => actual !== predicted).length;
  return { row, ...worst, loss, ...(perStep && { wrong, steps: steps.length }) };
}

/** Nothing where the target does not count. */
function classStep(judged: Judged, classes: number, output: number, target: number): ClassStep | undefined {
  const { targets, loss } = judged;
  const actual = actualClass(targets, target);
  if (loss.kind === 'crossEntropy' && actual === loss.ignoreIndex) return undefined;
  const p = probabilities(judged, classes, output);
  const predicted = largest(p);
  return { actual, predicted, probability: p[predicted]!, loss: -Math.log(Math.max(p[actual]!, 1e-45)) };
}

function actualClass({ kind, data, width }: Targets, target: number): number {
  if (kind === 'ids') return data[target]!;
  // One sigmoid output has one label a row; a distribution has a share for each class.
  if (width === 1) return Number(data[target]! > 0.5);
  return largest(Array.from(data.subarray(target, target + width)));
}

function probabilities(
  { outputs, channels, areProbabilities }: Judged,
  classes: number,
  at: number,
): number[] {
  if (channels === 1 && classes === 2) {
    const p = areProbabilities ? outputs[at]! : 1 / (1 + Math.exp(-outputs[at]!));
    return [1 - p, p];
  }
  const own = Array.from(outputs.subarray(at, at + classes));
  if (areProbabilities) return own;
  const top = Math.max(...own);
  const exponentials = own.map((logit) => Math.exp(logit - top));
  const sum = exponentials.reduce((a, b) => a + b, 0);
  return exponentials.map((e) => e / sum);
}

function largest(values: readonly number[]): number {
  return values.reduce((best, value, k) => (value > values[best]! ? k : best), 0);
}

/** How a target's number and its interval are read from its channels. */
interface Forecast {
  readonly channels: number;
  readonly level?: number | undefined;
  read(own: Float32Array): { readonly middle: number; readonly low?: number; readonly high?: number };
}

function forecastOf(loss: Loss, channels: number, width: number): Forecast | undefined {
  if (loss.kind === 'quantile') return quantileForecast(loss.quantiles);
  if (loss.kind === 'gaussianNll') return gaussianForecast();
  return channels === width ? { channels: 1, read: (own) => ({ middle: own[0]! }) } : undefined;
}

function quantileForecast(quantiles: readonly number[]): Forecast {
  const middle = quantiles.reduce(
    (best, q, i) => (Math.abs(q - 0.5) < Math.abs(quantiles[best]! - 0.5) ? i : best),
    0,
  );
  const last = quantiles.length - 1;
  if (last === 0) return { channels: 1, read: (own) => ({ middle: own[0]! }) };
  const level = quantiles[last]! - quantiles[0]!;
  const read = (own: Float32Array) => ({ middle: own[middle]!, low: own[0]!, high: own[last]! });
  return { channels: quantiles.length, level, read };
}

function gaussianForecast(): Forecast {
  const level = 0.95;
  const width = normalHalfWidth(level);
  return {
    channels: 2,
    level,
    read: (own) => {
      const half = width * Math.sqrt(Math.max(Math.exp(own[1]!), 1e-6));
      return { middle: own[0]!, low: own[0]! - half, high: own[0]! + half };
    },
  };
}

function judgeValues(judged: Judged, forecast: Forecast): ValueJudgement {
  const { targets, perStep, lengths } = judged;
  const rows: ValueExample[] = [];
  const counts = { inside: 0, all: 0 };
  let step = 0;
  for (let row = 0; row < lengths.length; row++) {
    const values: Value[] = [];
    step = eachStep(judged, row, step, (output, target) => {
      for (let w = 0; w < targets.width; w++) {
        const from = output + w * forecast.channels;
        const own = judged.outputs.subarray(from, from + forecast.channels);
        values.push({ ...forecast.read(own), target: targets.data[target + w]!, first: w === 0 });
      }
    });
    counts.all += values.length;
    counts.inside += values.filter(isInside).length;
    rows.push(valueExample(row, values, perStep));
  }
  const { level } = forecast;
  const interval = level === undefined ? undefined : { level, covered: counts.inside / counts.all };
  return { kind: 'values', isScalar: !perStep && targets.width === 1, perStep, rows, interval };
}

interface Value {
  readonly middle: number;
  readonly low?: number;
  readonly high?: number;
  readonly target: number;
  /** Of the first target. */
  readonly first: boolean;
}

function isInside({ low, high, target }: Value): boolean {
  return low !== undefined && high !== undefined && low <= target && target <= high;
}

// Of a sequence of several targets the first is shown; the error is of all.
function valueExample(row: number, values: readonly Value[], perStep: boolean): ValueExample {
  const loss = values.reduce((sum, { middle, target }) => sum + Math.abs(middle - target), 0) / values.length;
  const shown = perStep ? values.filter(({ first }) => first) : values;
  const hasInterval = shown[0]?.low !== undefined;
  return {
    row,
    loss,
    target: shown.map(({ target }) => target),
    prediction: shown.map(({ middle }) => middle),
    ...(hasInterval && { low: shown.map(({ low }) => low!), high: shown.map(({ high }) => high!) }),
  };
}
