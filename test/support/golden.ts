import { readFileSync } from 'node:fs';

/** An array of a golden file: float64, little-endian, row-major, in base64. */
export interface GoldenArray {
  readonly shape: readonly number[];
  readonly float64: string;
}

export type GoldenArrays = Readonly<Record<string, GoldenArray>>;

/** Reads a file that `test/parity/golden/makeGolden.py` wrote. */
export function readGolden<T>(name: string): T {
  const file = new URL(`../parity/golden/${name}`, import.meta.url);
  return JSON.parse(readFileSync(file, 'utf8')) as T;
}

export function decode({ shape, float64 }: GoldenArray): Float64Array {
  const bytes = Buffer.from(float64, 'base64');
  const size = shape.reduce((a, b) => a * b, 1);
  if (bytes.length !== 8 * size)
    throw new Error(`${size} numbers expected, the file has ${bytes.length / 8}`);
  return Float64Array.from({ length: size }, (_, i) => bytes.readDoubleLE(8 * i));
}

export function decodeAll(arrays: GoldenArrays): Record<string, Float64Array> {
  return Object.fromEntries(Object.entries(arrays).map(([name, array]) => [name, decode(array)]));
}

export function shapesOf(arrays: GoldenArrays): Record<string, readonly number[]> {
  return Object.fromEntries(Object.entries(arrays).map(([name, { shape }]) => [name, shape]));
}

/** nn.LSTM on one batch, with random output gradients. */
export interface LstmGolden {
  readonly id: string;
  readonly config: {
    readonly inputSize: number;
    readonly hiddenSize: number;
    readonly numLayers: number;
    readonly bidirectional: boolean;
    readonly bias: 'double' | 'none';
    readonly projectionSize?: number;
  };
  readonly batchSize: number;
  readonly timeSteps: number;
  readonly lengths: number[] | null;
  readonly weights: GoldenArrays;
  readonly inputs: Readonly<Record<'x' | 'h0' | 'c0' | 'dy' | 'dhn' | 'dcn', GoldenArray>>;
  readonly outputs: GoldenArrays;
  readonly gradients: GoldenArrays;
  readonly weightGradients: GoldenArrays;
}

export function lstmGolden(): LstmGolden[] {
  return ['lstm.json', 'lstmProjection.json'].flatMap(
    (name) => readGolden<{ cases: LstmGolden[] }>(name).cases,
  );
}

interface TrainingGolden {
  readonly hiddenSize: number;
  readonly batchSize: number;
  readonly timeSteps: number;
  /** Of each step, before its update. */
  readonly losses: number[];
  /** Of each step's gradients, before clipping. */
  readonly norms: number[];
  readonly start: GoldenArrays;
  readonly end: GoldenArrays;
}

/** embedding -> LSTM -> linear logits of every step, crossEntropy. */
export interface AdamGolden extends TrainingGolden {
  readonly vocabSize: number;
  readonly size: number;
  /** Each step's ids, [N,T]. */
  readonly x: number[][];
  readonly y: number[][];
  readonly optimizer: {
    readonly learningRate: number;
    readonly beta1: number;
    readonly beta2: number;
    readonly epsilon: number;
    readonly clip: { readonly globalNorm: number };
  };
}

/** LSTM in both directions -> linear map of the last states, mse. */
export interface SgdGolden extends TrainingGolden {
  readonly inputSize: number;
  readonly units: number;
  readonly x: GoldenArray[];
  readonly y: GoldenArray[];
  readonly optimizer: {
    readonly learningRate: number;
    readonly momentum: number;
    readonly nesterov: boolean;
    readonly clip: { readonly globalNorm: number };
  };
}

export function trainingGolden(): { readonly adam: AdamGolden; readonly sgd: SgdGolden } {
  return readGolden('training.json');
}

/** Fifty updates of an LSTM with a linear head, mse, by each of PyTorch's optimizers. */
export interface OptimizersGolden {
  readonly inputSize: number;
  readonly hiddenSize: number;
  readonly units: number;
  readonly batchSize: number;
  readonly timeSteps: number;
  /** Updates of each case. */
  readonly steps: number;
  readonly start: GoldenArrays;
  /** The batches that all cases go through again and again. */
  readonly x: GoldenArray[];
  readonly y: GoldenArray[];
  readonly cases: readonly {
    readonly id: string;
    /** Of each batch, before the update. */
    readonly losses: number[];
    /** Of each update's gradients, before clipping. */
    readonly norms: number[];
    readonly end: GoldenArrays;
    /** Of the weights. */
    readonly average?: GoldenArrays;
  }[];
}

export function optimizersGolden(): OptimizersGolden {
  return readGolden('optimizers.json');
}

/** The same by Keras' optimizers, which tell no norms; the LSTM has one bias. */
export type KerasOptimizersGolden = Omit<OptimizersGolden, 'cases'> & {
  readonly cases: readonly Omit<OptimizersGolden['cases'][number], 'norms'>[];
};

export function kerasOptimizersGolden(): KerasOptimizersGolden {
  return readGolden('kerasOptimizers.json');
}
