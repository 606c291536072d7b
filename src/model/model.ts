import { describe } from '../config/describe.js';
import { flag, settings } from '../config/fields.js';
import { parseOptions } from '../config/parseConfig.js';
import type { ExampleStream } from '../data/examples.js';
import type { NamedTensors } from '../data/tensor.js';
import { StateError } from '../errors.js';
import { outputsOf } from '../layers/chain.js';
import { signalShape } from '../layers/signal.js';
import type { Loss } from '../losses/loss.js';
import type { NativeMemory } from '../native/binding.js';
import type { DeviceInfo } from '../native/device.js';
import { withCallerStack } from '../native/nativeErrors.js';
import { Session } from '../native/session.js';
import type { FittedSeries } from '../series/fittedSeries.js';
import type { BatchSizeSearch } from '../training/batchSizeSearch.js';
import type { LearningRateSearch } from '../training/rateCurve.js';
import type { Vocabulary } from '../text/vocabulary.js';
import type { ByHead } from './byHead.js';
import { save, type SaveOptions } from './checkpointing.js';
import type { ModelContext } from './context.js';
import { evaluate, type EvaluateOptions, type ModelEvaluation } from './evaluate.js';
import { findLearningRate, type FindLearningRateOptions } from './findLearningRate.js';
import { fit, type FitHistory, type FitOptions } from './fit.js';
import type { Metadata, ModelConfig } from './modelConfig.js';
import type { LabelledData, SequenceInput, TrainingData } from './modelData.js';
import { type DeviceInput, move } from './move.js';
import { ModelStream, type ModelStreamOptions } from './modelStream.js';
import { resetOptimizer, withAveragedWeights } from './optimizerState.js';
import { namedOutputs } from './outputs.js';
import { predict, type PredictOptions, type Prediction } from './predict.js';
import { predictSync, type PredictSyncOptions } from './predictSync.js';
import { report, type ReportOptions } from './report.js';
import { suggestBatchSize, type SuggestBatchSizeOptions } from './suggestBatchSize.js';
import { parameterCount, summary } from './summary.js';
import {
  gradients,
  trainStep,
  type GradientsOptions,
  type TrainBatch,
  type TrainStepOptions,
  type ModelGradients,
  type ModelStepResult,
} from './trainStep.js';
import {
  checkWeights,
  namedTensors,
  overwrite,
  parameterInfos,
  type ParameterInfo,
  type WeightsInput,
} from './weights.js';

/** What `setWeights` takes beside the weights. */
export interface SetWeightsOptions {
  /** Refuse names that are no parameter's; false leaves them out. Default true. */
  readonly strict?: boolean | undefined;
}

const setWeightsSchema = settings({ strict: flag.default(true) });

/**
 * A network with its parameters on a device. Made by {@link sequential} or {@link loadModel}.
 *
 * Calls are computed in the order in which they are made. While `fit` runs, `evaluate` (of sequences), `predict`, `report`,
 * `getWeights`, `save`, `memory`, `summary` and `dispose` may be called; what would change the model gives BusyError. After
 * `dispose` every call gives DisposedError but `dispose`, `summary` and the properties. Aborting a call by its
 * `signal` leaves a usable model; training steps of the same model that are under way then end with AbortError too.
 *
 * `Head`: the names of the model's {@link heads}, `never` where it has one output. Targets, losses, metrics and outputs
 * are then by head.
 *
 * @example
 * ```ts
 * await using model = await sequential([lstm({ hiddenSize: 32 }), dense({ units: 1 })], { inputSize: 4 });
 * await model.fit({ x, y }, { loss: 'mse', epochs: 10 });
 * const { y: forecast } = await model.predict(x);
 * ```
 */
export class Model<in out Head extends string = never> implements AsyncDisposable, Disposable {
  readonly #context: ModelContext;
  readonly #parameters: readonly ParameterInfo[];

  /** @internal */
  constructor(context: ModelContext) {
    if (!((context as Partial<ModelContext> | undefined)?.session instanceof Session)) {
      throw new StateError('Model: models are made by sequential() or loadModel()');
    }
    this.#context = context;
    this.#parameters = parameterInfos(context.session.parameters);
  }

  /** Layers and options, resolved; JSON, frozen, enough to build the same model again. */
  get config(): ModelConfig {
    return Model.#inside(this, 'config').config;
  }

  /** The device that computes, and why it was taken. */
  get device(): DeviceInfo {
    return Model.#inside(this, 'device').device.info;
  }

  /** The vocabulary that the model was made or loaded with. */
  get vocabulary(): Vocabulary | undefined {
    return Model.#inside(this, 'vocabulary').vocabulary;
  }

  /** The caller's own JSON that the model was made or loaded with; frozen. */
  get metadata(): Metadata | undefined {
    return Model.#inside(this, 'metadata').metadata;
  }

  /** The fitted series that the model was made or loaded with. */
  get series(): FittedSeries | undefined {
    return Model.#inside(this, 'series').series;
  }

  /** The names of the classes that the model was made or loaded with. */
  get labels(): readonly string[] | undefined {
    return Model.#inside(this, 'labels').labels;
  }

  /**
   * What the model was last trained for, here or before it was saved; it says what the outputs are. Undefined for a
   * model with heads, whose outputs are named.
   */
  get loss(): Loss | undefined {
    const loss = Model.#inside(this, 'loss').compiled?.loss;
    return loss?.kind === 'heads' ? undefined : loss;
  }

  /** Names, shapes and whether they learn, in the order in which they lie in memory. */
  get parameters(): readonly ParameterInfo[] {
    Model.#inside(this, 'parameters');
    return this.#parameters;
  }

  /** How many numbers the parameters are. */
  get parameterCount(): number {
    return parameterCount(Model.#inside(this, 'parameterCount').chain);
  }

  /** In the symbols N and T: `['N', 'T']` for tokens, `['N', 'T', C]` for features. */
  get inputShape(): readonly (number | string)[] {
    return signalShape(Model.#inside(this, 'inputShape').input);
  }

  /** In the symbols N and T: `['N', 'T', K]` or `['N', K]`; of a model with heads by head. */
  get outputShape(): ByHead<Head, readonly (number | string)[]> {
    const context = Model.#inside(this, 'outputShape');
    const shapes = outputsOf(context.chain).map(({ link }) => signalShape(link.output));
    return namedOutputs(context, shapes) as ByHead<Head, readonly (number | string)[]>;
  }

  /**
   * A table of layers, output shapes and parameter counts.
   *
   * @example
   * ```ts
   * console.log(model.summary());
   * ```
   */
  summary(): string {
    return summary(Model.#inside(this, 'summary'));
  }

  /**
   * Trains on data, epoch by epoch. The next batch is prepared while the last one is computed.
   *
   * @param data x features [N, T, C] or token ids [N, T], y to fit the loss; or a language-model stream, which is
   *   trained with states carried from batch to batch, zeros at each epoch's start; or an example stream, whose next
   *   batch is read while one is trained on.
   * @returns Loss and metrics of each epoch; with `resume` those before the break among them.
   * @throws ConfigError, ShapeError, DataError before anything is computed; AbortError with the history so far;
   *   NonFiniteError, the parameters being the last good ones; BusyError, DisposedError.
   * @example
   * ```ts
   * const history = await model.fit(
   *   { x, y },
   *   { loss: 'crossEntropy', epochs: 20, batchSize: 64, validationSplit: 0.2, metrics: ['accuracy'] },
   * );
   * ```
   */
  fit(data: TrainingData<Head>, options: FitOptions<Head>): Promise<FitHistory<Head>> {
    const history = Model.#call(this, 'fit', (context) =>
      context.lifecycle.exclusively('fit', () => fit(context, data, options)),
    );
    return history as Promise<FitHistory<Head>>;
  }

  /**
   * Loss and metrics on data, without dropout. Loss and metrics are by default the last `fit`'s.
   *
   * @throws ConfigError, ShapeError, DataError, AbortError, DisposedError; BusyError for a stream while `fit` runs.
   * @example
   * ```ts
   * const { loss, accuracy } = await model.evaluate({ x, y }, { loss: 'crossEntropy', metrics: ['accuracy'] });
   * ```
   */
  evaluate(data: TrainingData<Head>, options: EvaluateOptions<Head> = {}): Promise<ModelEvaluation<Head>> {
    const evaluation = Model.#call(this, 'evaluate', (context) => evaluate(context, data, options));
    return evaluation as Promise<ModelEvaluation<Head>>;
  }

  /**
   * A learning-rate range test (Smith 2017, section 3.3): trains a copy of the model with a rate that grows from step to
   * step, until the loss goes up and away. The suggestion is the rate at which the smoothed loss falls fastest; as the
   * highest rate of a `oneCycle`, up to ten times as much may do. The model stays as it is; the copy takes its memory
   * once more.
   *
   * @throws ConfigError, ShapeError, DataError, AbortError, OutOfMemoryError, BusyError, DisposedError
   * @example
   * ```ts
   * const { suggestion, points } = await model.findLearningRate({ x, y }, { loss: 'mse', optimizer: 'adam' });
   * ```
   */
  findLearningRate(
    data: TrainingData<Head>,
    options: FindLearningRateOptions<Head>,
  ): Promise<LearningRateSearch> {
    return Model.#call(this, 'findLearningRate', (context) =>
      context.lifecycle.exclusively('findLearningRate', () => findLearningRate(context, data, options)),
    );
  }

  /**
   * Tries batch sizes on copies of the model, doubling from 1, with the longest sequences of the data: the largest that
   * fits into memory beside this model, how fast each is, and the smallest that is nearly as fast as any. The model
   * stays as it is. Times are this machine's at this moment.
   *
   * @throws ConfigError, ShapeError, DataError, AbortError, BusyError, DisposedError; OutOfMemoryError where not even
   *   one sequence fits.
   * @example
   * ```ts
   * const { suggestion, largest, curve } = await model.suggestBatchSize({ x, y }, { loss: 'mse', max: 1024 });
   * await model.fit({ x, y }, { loss: 'mse', batchSize: suggestion });
   * ```
   */
  suggestBatchSize(
    data: LabelledData<Head>,
    options: SuggestBatchSizeOptions<Head>,
  ): Promise<BatchSizeSearch> {
    return Model.#call(this, 'suggestBatchSize', (context) =>
      context.lifecycle.exclusively('suggestBatchSize', () => suggestBatchSize(context, data, options)),
    );
  }

  /**
   * The model's outputs, without dropout: [N, K], or [N, T, K] with zeros beyond each sequence's length. Of an example
   * stream those of its first epoch, in its order.
   *
   * @throws ConfigError, ShapeError, DataError, AbortError, DisposedError
   * @example
   * ```ts
   * const { y, states } = await model.predict([[3, 1, 4]], { returnStates: true });
   * const next = await model.predict([[1]], { states });
   * ```
   */
  predict(x: SequenceInput | ExampleStream, options: PredictOptions = {}): Promise<Prediction<Head>> {
    const prediction = Model.#call(this, 'predict', (context) => predict(context, x, options));
    return prediction as Promise<Prediction<Head>>;
  }

  /**
   * As {@link predict}, computed on the calling thread before it returns: for work so small that a promise would cost
   * as much. The event loop stands still meanwhile. CPU device alone.
   *
   * @throws ConfigError, ShapeError, DataError; BusyError while anything is queued or computed on the model's device,
   *   which models with the same device options share; StateError on a GPU, DisposedError
   * @example
   * ```ts
   * const { y } = model.predictSync([[3, 1, 4]]);
   * ```
   */
  predictSync(x: SequenceInput, options: PredictSyncOptions<Head> = {}): Prediction<Head> {
    const context = Model.#inside(this, 'predictSync');
    const prediction = context.lifecycle.callSync('predictSync', () => predictSync(context, x, options));
    return prediction as Prediction<Head>;
  }

  /**
   * A stream that takes one time step after the other and keeps its states in between. CPU device alone.
   *
   * @throws ConfigError for a model that reads backwards, pools over time or has heads; StateError on a GPU,
   *   DisposedError
   * @example
   * ```ts
   * const stream = model.stream({ weights: 'int8' });
   * const y = stream.step(new Float32Array([0.1, 0.2, 0.3]));
   * ```
   */
  stream(options: ModelStreamOptions = {}): ModelStream {
    const context = Model.#inside(this, 'stream');
    return context.lifecycle.callSync('stream', () => new ModelStream(context, options));
  }

  /**
   * One optimiser step on one batch. Two calls may be under way: the second is prepared while the first is computed.
   *
   * @throws NonFiniteError, nothing having changed; ConfigError, ShapeError, DataError, AbortError, BusyError,
   *   DisposedError
   * @example
   * ```ts
   * const { loss, gradNorm } = await model.trainStep({ x, y }, { loss: 'mse', optimizer: 'adam' });
   * ```
   */
  trainStep(batch: TrainBatch<Head>, options: TrainStepOptions<Head>): Promise<ModelStepResult<Head>> {
    const result = Model.#call(this, 'trainStep', (context) => {
      context.lifecycle.requireIdle('trainStep');
      return trainStep(context, batch, options);
    });
    return result as Promise<ModelStepResult<Head>>;
  }

  /**
   * Loss and gradients of one batch, in training mode; nothing of the model changes.
   *
   * @throws ConfigError, ShapeError, DataError, AbortError, BusyError, DisposedError
   * @example
   * ```ts
   * const { gradients } = await model.gradients({ x, y }, { loss: 'mse' });
   * console.log(gradients['fc.weight']?.shape);
   * ```
   */
  gradients(batch: LabelledData<Head>, options: GradientsOptions<Head>): Promise<ModelGradients<Head>> {
    const result = Model.#call(this, 'gradients', (context) => {
      context.lifecycle.requireIdle('gradients');
      return gradients(context, batch, options);
    });
    return result as Promise<ModelGradients<Head>>;
  }

  /**
   * A copy of all parameters by name.
   *
   * @throws DisposedError
   * @example
   * ```ts
   * const { 'lstm.weight_hh_l0': recurrent } = await model.getWeights();
   * ```
   */
  getWeights(): Promise<NamedTensors> {
    return Model.#call(this, 'getWeights', async ({ session }) =>
      namedTensors(session.parameters, await session.readArena('params')),
    );
  }

  /**
   * Replaces parameters by name; those that are not named stay.
   *
   * @throws ConfigError for an unknown name, unless `strict` is false; ShapeError, DataError, BusyError, DisposedError
   * @example
   * ```ts
   * await model.setWeights({ 'fc.bias': [0, 0, 0] });
   * ```
   */
  setWeights(weights: WeightsInput, options: SetWeightsOptions = {}): Promise<void> {
    return Model.#call(this, 'setWeights', (context) =>
      context.lifecycle.exclusively('setWeights', async () => {
        const { session } = context;
        const { strict } = parseOptions(setWeightsSchema, options, 'setWeights');
        const checked = checkWeights(session.parameters, weights, strict);
        context.training = undefined;
        await overwrite(session, checked);
      }),
    );
  }

  /**
   * Sets the states that `trainStep` carries between batches to zero.
   *
   * @throws BusyError, DisposedError
   * @example
   * ```ts
   * await model.resetStates();
   * ```
   */
  resetStates(): Promise<void> {
    return Model.#call(this, 'resetStates', ({ session, lifecycle }) => {
      lifecycle.requireIdle('resetStates');
      return session.resetStates();
    });
  }

  /**
   * Forgets the optimiser's state and begins to count its steps anew: before training goes on with an optimiser of
   * another kind. Weights and the random draws go on.
   *
   * @throws BusyError, DisposedError
   * @example
   * ```ts
   * await model.fit(data, { loss: 'mse', optimizer: 'adam' });
   * await model.resetOptimizer();
   * await model.fit(data, { loss: 'mse', optimizer: 'sgd' });
   * ```
   */
  resetOptimizer(): Promise<void> {
    return Model.#call(this, 'resetOptimizer', (context) =>
      context.lifecycle.exclusively('resetOptimizer', () => resetOptimizer(context)),
    );
  }

  /**
   * Runs `work` with the average of the weights (an optimiser's `average`) in their place: to evaluate, predict or save
   * them. Training waits until it has ended.
   *
   * @throws StateError where no update has made an average, BusyError, DisposedError, and what `work` throws
   * @example
   * ```ts
   * const { loss } = await model.withAveragedWeights(() => model.evaluate({ x, y }));
   * ```
   */
  withAveragedWeights<T>(work: () => Promise<T>): Promise<T> {
    return Model.#call(this, 'withAveragedWeights', (context) =>
      // Evaluating a stream has the model for itself, too.
      context.lifecycle.exclusively('withAveragedWeights', () => withAveragedWeights(context, work), [
        'evaluate',
      ]),
    );
  }

  /**
   * Moves the model to another device: weights, optimiser, counters and carried states, exactly. Waits for the calls
   * that are under way; calls made while it moves give BusyError. When it fails the model stays where it is.
   *
   * @returns this model
   * @throws ConfigError, DeviceUnavailableError, OutOfMemoryError, CudaError, BusyError while `fit` runs, DisposedError
   * @example
   * ```ts
   * await model.to('cuda');
   * await model.to({ device: 'cpu', threads: 4 });
   * ```
   */
  async to(device: DeviceInput): Promise<this> {
    await withCallerStack(Model.prototype.to, () => {
      const context = Model.#inside(this, 'to');
      return context.lifecycle.alone('to', () => move(context, device));
    });
    return this;
  }

  /**
   * Bytes that the model holds on its device, and what all models there hold together.
   *
   * @throws DisposedError
   * @example
   * ```ts
   * const { activationBytes, device } = model.memory();
   * console.log(activationBytes, device.peakBytes);
   * ```
   */
  memory(): NativeMemory {
    return Model.#inside(this, 'memory').session.memory();
  }

  /**
   * Writes the model to a safetensors file, whole or not at all.
   *
   * @throws CheckpointError, ConfigError, DisposedError
   * @example
   * ```ts
   * await model.save('model.safetensors');
   * ```
   */
  save(path: string, options: SaveOptions = {}): Promise<void> {
    return Model.#call(this, 'save', (context) => save(context, path, options));
  }

  /**
   * Writes one HTML file that tells what the model is and how good it is: scores, curves of training, confusion matrix or
   * forecast, worst examples, layers, data, configuration and versions. It has no scripts and needs no network.
   *
   * @param dir The folder, made where it is not there.
   * @returns The file's path.
   * @throws ConfigError, ShapeError, DataError, DisposedError, and what the file system says
   * @example
   * ```ts
   * const history = await model.fit(data, { loss: 'crossEntropy', metrics: ['accuracy'], epochs: 20 });
   * await model.report('report', { history, data: test, labels: ['walk', 'run', 'rest'] });
   * ```
   */
  report(dir: string, options: ReportOptions = {}): Promise<string> {
    return Model.#call(this, 'report', (context) => report(context, dir, options));
  }

  /**
   * Frees the model's memory; calls that are under way end with DisposedError. A second call waits for the first.
   *
   * @example
   * ```ts
   * await model.dispose();
   * ```
   */
  async dispose(): Promise<void> {
    const { lifecycle, session } = Model.#inside(this, 'dispose');
    lifecycle.dispose();
    await session.dispose();
  }

  /** Disposes at the end of an `await using` block. */
  [Symbol.asyncDispose](): Promise<void> {
    return this.dispose();
  }

  /** Starts to dispose at the end of a `using` block, which does not wait for it. */
  [Symbol.dispose](): void {
    void this.dispose();
  }

  // A method may be called on anything; only what this class made has the context.
  static #inside(value: unknown, operation: string): ModelContext {
    if (typeof value === 'object' && value !== null && #context in value) return value.#context;
    const received = describe(value);
    throw new StateError(`${operation}: expected a Model as 'this', received ${received}`, {
      operation,
      received,
    });
  }

  static #call<T>(
    value: unknown,
    operation: string,
    work: (context: ModelContext) => Promise<T>,
  ): Promise<T> {
    return withCallerStack(Model.#call, async () => {
      const context = Model.#inside(value, operation);
      return context.lifecycle.call(operation, () => work(context));
    });
  }
}
