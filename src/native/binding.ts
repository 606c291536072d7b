/**
 * The whole contract of the native addon. Nothing outside `src/native/` calls it.
 *
 * Every function that returns a promise copies its inputs before it returns, queues its work on the
 * device's own thread (first in, first out) and settles on the JS thread. Symbols: T time steps,
 * N batch, C channels, H hidden size, L layers, D directions (see docs/notation.md). All arrays are
 * row-major; users' batches are batch-major and padded up to T.
 *
 * Failures are `Error` objects with a `code` (`ERR_SHAPE`, `ERR_DATA`, ...) and plain detail fields;
 * `src/native/nativeErrors.ts` turns them into the typed errors.
 */

declare const deviceTag: unique symbol;
declare const sessionTag: unique symbol;

/** A device: its threads and its queue. Opaque; type-tagged on the native side. */
export interface NativeDevice {
  readonly [deviceTag]: true;
}

/** One network with its parameters, gradients and moments on a device. Opaque; type-tagged. */
export interface NativeSession {
  readonly [sessionTag]: true;
}

export interface NativeCpuOptions {
  readonly kind: 'cpu';
  /** Threads that share one step, 1 to 256. */
  readonly threads: number;
  /** Forces an instruction set; by default the best one of this processor. */
  readonly instructionSet?: 'baseline' | 'avx2' | 'avx512';
}

/**
 * What products read, of parameters, activations and gradients that are float32: all of it, factors rounded to 10 bits of
 * mantissa (TF32), or half precision, which halves what is read. Sums are float32.
 */
export type NativePrecision = 'fp32' | 'tf32' | 'fp16' | 'bf16';

/** Who draws dropout between LSTM layers: our generator, which every device shares, or cuDNN's own. */
export type NativeDropoutImplementation = 'philox' | 'cudnn';

/** cuDNN's way through the recurrence; `auto` times those that are legal for a shape. */
export type NativeRnnAlgorithm = 'auto' | 'standard' | 'persistStatic' | 'persistDynamic' | 'smallH';

export interface NativeCudaOptions {
  readonly kind: 'cuda';
  /** Path of the CUDA device's library. */
  readonly library: string;
  /** Of the GPU, from 0. */
  readonly index: number;
  readonly precision: NativePrecision;
  readonly rnnAlgorithm: NativeRnnAlgorithm;
  readonly dropoutImplementation: NativeDropoutImplementation;
  /** Training steps are recorded as CUDA graphs and replayed. */
  readonly graph: boolean;
  /** Bytes that all sessions on the device may hold together; absent: what the card has. */
  readonly memoryLimitBytes?: number;
}

export type NativeDeviceOptions = NativeCpuOptions | NativeCudaOptions;

export interface NativeCpuInfo {
  readonly kind: 'cpu';
  readonly threads: number;
  readonly instructionSet: string;
  /** What this build and this processor both have, best first. */
  readonly instructionSets: readonly string[];
}

/** One GPU as its driver and libraries describe it. */
export interface NativeGpu {
  readonly index: number;
  readonly name: string;
  readonly totalBytes: number;
  /** Absent before this process has used the GPU: asking would take memory of it. */
  readonly freeBytes?: number;
  /** `9.0` */
  readonly computeCapability: string;
  readonly multiprocessors: number;
  /** The newest CUDA the driver speaks: `13.0`. */
  readonly driverVersion: string;
  /** The CUDA the library was built with: `13.0`. */
  readonly runtimeVersion: string;
  /** `9.24.0`; absent: not found. */
  readonly cudnnVersion?: string;
  readonly cublasLtVersion?: string;
}

export interface NativeCudaInfo extends NativeGpu {
  readonly kind: 'cuda';
  readonly standIn: boolean;
}

export type NativeDeviceInfo = NativeCpuInfo | NativeCudaInfo;

/** How training steps were run on a GPU: call by call, recorded into a graph, as one launch of a graph from before. */
export interface NativeStepStatistics {
  readonly eager: number;
  readonly recorded: number;
  readonly replayed: number;
  /** Of them all, those that began while another one was under way. */
  readonly overlapped: number;
}

/** A path that was tried, and what came of it: `loaded 9.24.0`, or why not. */
export interface NativePlace {
  readonly library: string;
  readonly path: string;
  readonly outcome: string;
}

/** What there is of CUDA. */
export interface NativeCudaProbe {
  /** The CUDA device's library was opened. */
  readonly opened: boolean;
  /** It computes in host memory, for tests; no GPU is involved. */
  readonly standIn: boolean;
  readonly places: readonly NativePlace[];
  /** Why there is no GPU to use; absent when there is one. */
  readonly failure?: string;
  /** By index; one that cannot be asked has a failure instead. */
  readonly gpus: readonly (NativeGpu | { readonly index: number; readonly failure: string })[];
}

/** Bytes. The device's are those of all sessions on it. */
export interface NativeMemory {
  /** Parameters, gradients and moments. */
  readonly parameterBytes: number;
  /** Activations, scratch and packed weights as planned so far. */
  readonly activationBytes: number;
  readonly device: {
    readonly usedBytes: number;
    readonly peakBytes: number;
    readonly limitBytes?: number;
  };
}

export type NativeActivation = 'linear' | 'relu' | 'tanh' | 'sigmoid' | 'softmax';

/** How a tensor is drawn. `xavier`: U(±sqrt(6/(fanIn+fanOut))), fans of the whole 2-D tensor [out, in]. */
export type NativeInitializer =
  | { readonly kind: 'xavier' }
  | { readonly kind: 'orthogonal'; readonly gain: number }
  | { readonly kind: 'uniform'; readonly low: number; readonly high: number }
  | { readonly kind: 'normal'; readonly mean: number; readonly stddev: number }
  | { readonly kind: 'constant'; readonly value: number };

/** One parameter role of a node: how it starts, what penalty it carries, whether it learns. */
export interface NativeParameterConfig {
  readonly initializer: NativeInitializer;
  /** Penalty l1·Σ|p| + l2·Σp². */
  readonly l1: number;
  readonly l2: number;
  readonly constraint: NativeConstraint;
  readonly trainable: boolean;
}

/** What a tensor is held to after each update, rows or columns of it by their norm. */
export type NativeConstraint =
  | { readonly kind: 'none' | 'nonNegative' }
  | { readonly kind: 'maxNorm'; readonly limit: number; readonly axis: 'row' | 'column' };

interface NativeNodeBase {
  /** Unique; the prefix of its parameters' names. */
  readonly name: string;
  /** Index of the node whose output it reads, or -1 for the network's input. Always less than its own. */
  readonly input: number;
}

export interface NativeEmbeddingNode extends NativeNodeBase {
  readonly kind: 'embedding';
  readonly vocabSize: number;
  readonly size: number;
  /** Of whole rows of the table, training only, 0 <= rate < 1. */
  readonly dropout: number;
  /** `weight` [vocabSize, size]. */
  readonly weight: NativeParameterConfig;
}

export interface NativeLstmNode extends NativeNodeBase {
  readonly kind: 'lstm';
  readonly hiddenSize: number;
  readonly numLayers: number;
  readonly bidirectional: boolean;
  readonly bias: 'double' | 'single' | 'none';
  /** Dropout between layers, training only, 0 <= rate < 1. */
  readonly dropout: number;
  /** Of the elements of every weight_hh, training only, 0 <= rate < 1. */
  readonly weightDropout: number;
  /** P of h_t = weight_hr · (o ∘ tanh(c_t)), 1 <= P < H; 0: no projection, and P = H below. */
  readonly projectionSize: number;
  /** c_t is clamped to [-cellClip, cellClip]; 0: it is not. */
  readonly cellClip: number;
  /** Output [N,T,D·P], or (false) the last layer's final h of each direction, [N,D·P]. */
  readonly returnSequences: boolean;
  /** `weight_ih_l{k}[_reverse]` [4H, in], `weight_hh_…` [4H, P], `weight_hr_…` [P, H] with projection alone,
   * `bias_ih_…`, `bias_hh_…` [4H]. */
  readonly weightIh: NativeParameterConfig;
  readonly weightHh: NativeParameterConfig;
  readonly weightHr: NativeParameterConfig;
  readonly biasIh: NativeParameterConfig;
  readonly biasHh: NativeParameterConfig;
  /** Added to the forget gate's slice of `bias_ih` after it is drawn. */
  readonly forgetBias: number;
}

export interface NativeDenseNode extends NativeNodeBase {
  readonly kind: 'dense';
  readonly units: number;
  readonly activation: NativeActivation;
  readonly useBias: boolean;
  /** `weight` [units, in], `bias` [units]. */
  readonly weight: NativeParameterConfig;
  readonly bias: NativeParameterConfig;
  /** Index of an embedding before it, of a table [units, in], which is its weight; absent: it has its own. */
  readonly tiedTo?: number;
}

export interface NativeDropoutNode extends NativeNodeBase {
  readonly kind: 'dropout';
  readonly rate: number;
  /** One mask for all time steps of a sequence (variational) instead of one per element. */
  readonly sharedOverTime: boolean;
}

/** Passes its input on; in training its penalty is part of the loss. */
export interface NativeActivationRegularizerNode extends NativeNodeBase {
  readonly kind: 'activationRegularizer';
  readonly ar: number;
  readonly tar: number;
}

export interface NativePoolNode extends NativeNodeBase {
  readonly kind: 'pool';
  readonly mode: 'last' | 'mean' | 'max';
}

export type NativeNode =
  | NativeEmbeddingNode
  | NativeLstmNode
  | NativeDenseNode
  | NativeDropoutNode
  | NativePoolNode
  | NativeActivationRegularizerNode;

export interface NativeNetwork {
  /** `tokens`: Int32 [N,T], 0 <= id < inputSize. `features`: Float32 [N,T,inputSize]. */
  readonly input: 'tokens' | 'features';
  readonly inputSize: number;
  /** In topological order. */
  readonly nodes: readonly NativeNode[];
  /** Indices of nodes that no other node reads, ascending, at most 32; absent: the last one. */
  readonly outputs?: Int32Array;
  /** 0 <= seed <= 2^53 - 1. */
  readonly seed: number;
}

export interface NativeParameter {
  readonly name: string;
  readonly shape: readonly number[];
  /** In elements, in each of the arenas. */
  readonly offset: number;
  readonly size: number;
  readonly trainable: boolean;
}

export interface NativeBatch {
  readonly batchSize: number;
  readonly timeSteps: number;
  /** [N,T] */
  readonly tokens?: Int32Array;
  /** [N,T,C] */
  readonly features?: Float32Array;
  /** [N], each 1..T; absent: all T. */
  readonly seqLengths?: Int32Array;
  /** Initial states: for each lstm node in order h0 [L·D,N,P], then c0 [L·D,N,H]; absent: zeros. */
  readonly states?: Float32Array;
  /** Start from the states this session carried out of its last carrying batch, and carry the new ones on.
   * Zeros at first, after `resetStates` and when N changes. Excludes `states`. */
  readonly carryStates?: boolean;
  /** How the LSTMs' weights are held for a pass that is not training; absent: float32. CPU device alone. */
  readonly weights?: 'float32' | 'bfloat16' | 'int8';
}

/** A loss with its settings; equations and layouts in native/engine/device.h. */
export type NativeLoss =
  | { readonly kind: 'mse' | 'mae' | 'logCosh' | 'binaryCrossEntropy' }
  | { readonly kind: 'huber'; readonly delta: number }
  /** Channel target·Q + q; each quantile in (0, 1). */
  | { readonly kind: 'quantile'; readonly quantiles: Float32Array }
  /** Channels 2·target (mean) and 2·target + 1 (log variance); `full`: with ½ log 2π. */
  | { readonly kind: 'gaussianNll'; readonly full: boolean }
  | {
      readonly kind: 'crossEntropy';
      /** 0 <= e < 1; absent: 0. */
      readonly labelSmoothing?: number;
      /** [K], each >= 0; absent: 1. */
      readonly classWeights?: Float32Array;
      /** Rows of this id do not count; with ids alone. */
      readonly ignoreIndex?: number;
    };

/** What is counted beside the loss; absent: nothing more. */
export interface NativeMetricRequest {
  /** Every count is weighed by the sample weights. */
  readonly weighted?: boolean;
  readonly classCounts?: boolean;
  /** For at most 1,024 classes, one a row. */
  readonly confusion?: boolean;
  /** crossEntropy: 1 <= topK <= K. */
  readonly topK?: number;
  /** The losses of numbers. */
  readonly targetSums?: boolean;
  /** quantile: which of a target's channels is the forecast; default 0. */
  readonly point?: number;
  /** quantile: which are the ends of the interval. */
  readonly lower?: number;
  readonly upper?: number;
  /** gaussianNll: the interval in standard deviations. */
  readonly halfWidth?: number;
  readonly outputs?: boolean;
}

/** What one output is held against. */
export interface NativeHeadTargets {
  readonly loss: NativeLoss;
  readonly metrics?: NativeMetricRequest;
  /** Class ids: [N] for vector outputs, [N,T] for sequence outputs (padding is not read). crossEntropy only. */
  readonly ids?: Int32Array;
  /** [N,W] or [N,T,W], W targets: the channels, or as many as quantiles or pairs of channels fit in. */
  readonly values?: Float32Array;
  /** [N], for sequence outputs also [N,T]; each >= 0. */
  readonly sampleWeights?: Float32Array;
  /** >= 0: of this output's mean loss in the sum that is learnt; absent: 1. */
  readonly weight?: number;
}

/** Those of the only output, or of each one in the order of the network's `outputs`. */
export type NativeTargets = NativeHeadTargets | { readonly heads: readonly NativeHeadTargets[] };

export type NativeClip =
  | { readonly kind: 'none' }
  | {
      readonly kind: 'globalNorm' | 'tensorNorm' | 'adaptive';
      readonly limit: number;
      readonly epsilon: number;
    }
  | { readonly kind: 'value'; readonly limit: number };

export type NativeAverage =
  { readonly kind: 'none' | 'mean' } | { readonly kind: 'ema'; readonly decay: number };

/** One update; the equations are those of `native/engine/device.h`. */
export type NativeUpdate = {
  readonly learningRate: number;
  readonly clip: NativeClip;
  readonly convention: 'pytorch' | 'keras';
  /** Of parameters without a group. */
  readonly weightDecay: number;
  /** It is added to the clipped gradient; else it shrinks the parameter. */
  readonly coupledDecay: boolean;
  /** Variance eta / (1 + t)^gamma; eta 0: none. */
  readonly noise: { readonly eta: number; readonly gamma: number };
  readonly average: NativeAverage;
  /** Training steps whose gradients make one update, averaged or added up. */
  readonly accumulate: number;
  readonly accumulateMean: boolean;
  /** Pairs of the learning rate's factor and the weight decay, by parameter; absent: 1 and `weightDecay`. */
  readonly groups?: Float32Array;
} & (
  | {
      readonly kind: 'adam';
      readonly beta1: number;
      readonly beta2: number;
      readonly epsilon: number;
      readonly amsgrad: boolean;
    }
  | { readonly kind: 'sgd'; readonly momentum: number; readonly nesterov: boolean }
  | {
      readonly kind: 'rmsprop';
      readonly rho: number;
      readonly epsilon: number;
      readonly momentum: number;
      readonly centered: boolean;
    }
  | { readonly kind: 'adagrad'; readonly epsilon: number; readonly initialAccumulator: number }
);

/** Sums over a batch's live elements; means are the caller's to form. */
export interface NativeLossResult {
  /** Mean over live elements plus `penalty`; of several outputs the weighted sum of the means plus `penalty`. */
  readonly loss: number;
  /** Σ l1|p| + l2·p². */
  readonly penalty: number;
  /** What the mean divides by: live rows for crossEntropy (by ids: their class weights), rows·W for gaussianNll,
   * rows·K otherwise. 0: no row counts, and the loss is 0. */
  readonly elements: number;
  /** Live rows: N, or Σ seqLengths for sequence outputs. */
  readonly rows: number;
  /** Rows (crossEntropy: argmax equals the target's) or elements (binaryCrossEntropy: same side of ½) that are right. */
  readonly correct: number;
  readonly absoluteError: number;
  readonly squaredError: number;
  /** crossEntropy: Σ log p of the target. */
  readonly logLikelihood: number;
  /** Rows (crossEntropy) or elements that the sums above are over. */
  readonly count: number;
  /** As asked for: [K,3] right, predicted, actual. */
  readonly classCounts?: Float64Array;
  /** [K,K] actual, predicted. */
  readonly confusion?: Float64Array;
  /** Rows whose target is among the topK largest. */
  readonly ranked?: number;
  /** [W,8] sums of 1, |p-t|, (p-t)², t, t², |p-t|/|t|, 2|p-t|/(|p|+|t|), covered. */
  readonly targetSums?: Float64Array;
  /** [N,T,K] or [N,K] as the loss got them (logits), zero beyond each length. */
  readonly outputs?: Float32Array;
  /** Of each output, where there are several, without weight and penalty; what is counted above is 0 then. */
  readonly heads?: readonly NativeLossResult[];
}

export interface NativeStepResult extends NativeLossResult {
  /** L2 norm of all trainable gradients, penalties included, before clipping; 0 where they wait for an update. */
  readonly gradNorm: number;
  /**
   * False: loss or norm was not finite, nothing was changed and the step is not counted. Where gradients are accumulated,
   * only the last of the steps changes anything and counts.
   */
  readonly applied: boolean;
  /** Optimiser steps applied so far. */
  readonly step: number;
  /** The gradients were computed so many times too large, and divided again: fp16's dynamic scale, else 1. */
  readonly lossScale: number;
}

/**
 * Arenas: `m` is Adam's first moment or a momentum buffer, `v` the (mean) square of gradients, `aux` AMSGrad's largest v
 * or centered RMSprop's mean gradient, `average` that of the weights.
 */
export type NativeArena = 'params' | 'grads' | 'm' | 'v' | 'aux' | 'average';

export interface NativeCounters {
  /** Optimiser steps applied. */
  readonly step: number;
  /** Training forward passes drawn for; the Philox step of dropout. */
  readonly draws: number;
  /** fp16's dynamic scale, and updates applied since it changed; absent: where it starts. */
  readonly lossScale?: number | undefined;
  readonly goodSteps?: number | undefined;
  /** Updates that the average of the weights holds; absent: 0. */
  readonly averaged?: number | undefined;
  /** Training steps whose gradients wait for an update; absent: 0. */
  readonly passes?: number | undefined;
}

export interface NativeAddon {
  readonly version: string;
  readonly abi: number;
  /** What this build and this processor both have, best first. */
  instructionSets(): readonly string[];

  /** Made on the device's own thread. */
  createDevice(options: NativeDeviceOptions): Promise<NativeDevice>;
  deviceInfo(device: NativeDevice): NativeDeviceInfo;
  /** Of all sessions on the device so far; all 0 on the CPU, which does not count them. */
  stepStatistics(device: NativeDevice): Promise<NativeStepStatistics>;
  /** Ends the device's threads after the work queued on it; idempotent. */
  disposeDevice(device: NativeDevice): Promise<void>;
  /**
   * Opens the CUDA device's library and asks for every GPU, on a thread of its own: the first call may take seconds.
   * With places it looks for cuDNN and cuBLASLt also where there is no GPU.
   */
  cudaDevices(library: string, withPlaces: boolean): Promise<NativeCudaProbe>;

  createSession(device: NativeDevice, network: NativeNetwork): Promise<NativeSession>;
  /** Frees the session's memory after the work queued on it; idempotent. Later calls give ERR_DISPOSED. */
  disposeSession(session: NativeSession): Promise<void>;
  parameters(session: NativeSession): readonly NativeParameter[];
  memory(session: NativeSession): NativeMemory;
  /** Draws every parameter from the network's seed; zeroes gradients, moments and counters. */
  initialize(session: NativeSession): Promise<void>;
  /**
   * Work of this session that is queued or running ends with ERR_ABORTED as soon as it can, but for predictions, which
   * change nothing; parameters stay whole.
   */
  cancel(session: NativeSession): void;

  /**
   * On a GPU a step begins while the one before it may still run; promises settle in the order of the calls. A step
   * that is refused or not applied leaves the ones behind it as they would be without it. When the device is lost, the
   * step under way and all behind it reject with ERR_CUDA.
   */
  trainStep(
    session: NativeSession,
    batch: NativeBatch,
    targets: NativeTargets,
    update: NativeUpdate,
  ): Promise<NativeStepResult>;
  evaluate(session: NativeSession, batch: NativeBatch, targets: NativeTargets): Promise<NativeLossResult>;
  /** y by output, each [N,K] or [N,T,K], zero beyond each length. `states` (final, laid out as in NativeBatch) when asked. */
  predict(
    session: NativeSession,
    batch: NativeBatch,
    returnStates: boolean,
  ): Promise<{ readonly y: readonly Float32Array[]; readonly states?: Float32Array }>;
  /**
   * As `predict`, on the calling thread: y and (when given) states are written into these arrays before it returns.
   * CPU device alone. ERR_BUSY while any job of the device has not been settled.
   */
  predictSync(
    session: NativeSession,
    batch: NativeBatch,
    y: readonly Float32Array[],
    states: Float32Array | undefined,
  ): void;
  /** One forward and backward (training mode, so dropout draws) that leaves parameters, accumulated gradients and counters as they were.
   * `inputGradient`: [N,T,C] at the features, or at the embedding's output [N,T,size] for tokens. */
  gradients(
    session: NativeSession,
    batch: NativeBatch,
    targets: NativeTargets,
  ): Promise<NativeLossResult & { readonly gradients: Float32Array; readonly inputGradient: Float32Array }>;

  /** Forward that keeps what `backward` needs when `training`. ERR_STATE for a network of several outputs. */
  forward(
    session: NativeSession,
    batch: NativeBatch,
    training: boolean,
  ): Promise<{ readonly y: Float32Array; readonly states: Float32Array }>;
  /** Backward of the last training forward: dy like y, dStates like states (absent: zeros). Adds to the gradient arena. Once per forward. */
  backward(
    session: NativeSession,
    dy: Float32Array,
    dStates: Float32Array | undefined,
  ): Promise<{ readonly dx: Float32Array; readonly dStates: Float32Array }>;
  zeroGradients(session: NativeSession): Promise<void>;
  /** Clip and update from the accumulated gradients, whatever `accumulate` says, then clear them. */
  applyUpdate(
    session: NativeSession,
    update: NativeUpdate,
  ): Promise<Pick<NativeStepResult, 'gradNorm' | 'applied' | 'step' | 'penalty'>>;

  readArena(session: NativeSession, arena: NativeArena): Promise<Float32Array>;
  writeArena(session: NativeSession, arena: NativeArena, data: Float32Array): Promise<void>;
  counters(session: NativeSession): Promise<NativeCounters>;
  setCounters(session: NativeSession, counters: NativeCounters): Promise<void>;
  /** The states carried so far (laid out as in NativeBatch) and their N; N = 0: none. */
  carriedStates(
    session: NativeSession,
  ): Promise<{ readonly batchSize: number; readonly states: Float32Array }>;
  setCarriedStates(session: NativeSession, batchSize: number, states: Float32Array): Promise<void>;
  resetStates(session: NativeSession): Promise<void>;
  /** Exchanges the parameters with their average. ERR_STATE where there is none. */
  swapAverage(session: NativeSession): Promise<void>;
}
