/**
 * TensorFlow.js on its WebAssembly backend, for `npm run bench`. Usage: tensorflowJs.ts THREADS, then a JSON command a
 * line.
 *
 * The backend has no threads in Node. It is given what suits it: the network is written in its core operations, so
 * that x·W of a layer is one product over all steps (its Keras layers make one a step), with the batch made beforehand.
 */
import { type Prepared, readBatch, readWeights, serve, type SetUp } from './nodePieces.js';
import { classes, flop, type Shape } from '../support/shapes.js';

/** As much of @tensorflow/tfjs as is used here; the package is not ours to depend on. */
interface TfTensor {
  dataSync(): Float32Array;
  dispose(): void;
}
interface TfVariable extends TfTensor {
  readonly name: string;
}
type Gradients = Readonly<Record<string, TfTensor>>;
interface TfOptimizer {
  computeGradients(loss: () => TfTensor): { value: TfTensor; grads: Gradients };
  applyGradients(gradients: Gradients): void;
}
interface TensorFlow {
  readonly version: { readonly tfjs: string };
  setBackend(name: string): Promise<boolean>;
  ready(): Promise<void>;
  tidy<T>(body: () => T): T;
  keep<T extends TfTensor>(tensor: T): T;
  tensor(data: Float32Array | Int32Array, shape: readonly number[], type?: 'float32' | 'int32'): TfTensor;
  variable(start: TfTensor, trainable: boolean, name: string): TfVariable;
  zeros(shape: readonly number[]): TfTensor;
  scalar(value: number): TfTensor;
  oneHot(indices: TfTensor, depth: number): TfTensor;
  matMul(a: TfTensor, b: TfTensor, transposeA?: boolean, transposeB?: boolean): TfTensor;
  split(x: TfTensor, parts: number | readonly number[], axis: number): TfTensor[];
  concat(parts: readonly TfTensor[], axis: number): TfTensor;
  add(a: TfTensor, b: TfTensor): TfTensor;
  mul(a: TfTensor, b: TfTensor): TfTensor;
  square(x: TfTensor): TfTensor;
  sum(x: TfTensor): TfTensor;
  sigmoid(x: TfTensor): TfTensor;
  tanh(x: TfTensor): TfTensor;
  addN(parts: readonly TfTensor[]): TfTensor;
  sqrt(x: TfTensor): TfTensor;
  div(a: TfTensor, b: TfTensor): TfTensor;
  minimum(a: TfTensor, b: TfTensor): TfTensor;
  readonly losses: { softmaxCrossEntropy(onehot: TfTensor, logits: TfTensor): TfTensor };
  readonly train: { adam(rate: number, beta1: number, beta2: number, epsilon: number): TfOptimizer };
}

const [coreName, wasmName]: string[] = ['@tensorflow/tfjs', '@tensorflow/tfjs-backend-wasm'];
const tf = (await import(coreName!)) as TensorFlow;
await import(wasmName!);
await tf.setBackend('wasm');
await tf.ready();
const { add, matMul, mul, sigmoid, split, tanh } = tf;

/** What it does in about 10 s, which is as long as a run may take here. */
const maxFlop = 1e10;

interface LayerState {
  readonly h: TfTensor;
  readonly c: TfTensor;
}

/** The bench's network; x is [T·N, C], time-major. */
class Network {
  readonly #shape: Shape;
  readonly #variables: ReadonlyMap<string, TfVariable>;

  private constructor(shape: Shape, variables: ReadonlyMap<string, TfVariable>) {
    this.#shape = shape;
    this.#variables = variables;
  }

  static async read({ shape, inputs }: SetUp): Promise<Network> {
    const { channels, hiddenSize: H, numLayers } = shape;
    const data = await readWeights(inputs);
    const variables = new Map<string, TfVariable>();
    const read = (name: string, dims: readonly number[]) =>
      variables.set(
        name,
        tf.variable(tf.tensor(data(name), dims), true, `${shape.name}/${name}/${Math.random()}`),
      );
    for (let k = 0; k < numLayers; k++) {
      read(`lstm.weight_ih_l${k}`, [4 * H, k === 0 ? channels : H]);
      read(`lstm.weight_hh_l${k}`, [4 * H, H]);
      read(`lstm.bias_ih_l${k}`, [4 * H]);
      read(`lstm.bias_hh_l${k}`, [4 * H]);
    }
    read('fc.weight', [classes, H]);
    read('fc.bias', [classes]);
    return new Network(shape, variables);
  }

  zeroStates(): LayerState[] {
    const zeros = () => tf.zeros([this.#shape.batchSize, this.#shape.hiddenSize]);
    return Array.from({ length: this.#shape.numLayers }, () => ({ h: zeros(), c: zeros() }));
  }

  /** Logits [N, K] and the states after `timeSteps` steps. */
  forward(x: TfTensor, timeSteps: number, states: readonly LayerState[]) {
    let rows = x;
    const last: LayerState[] = [];
    states.forEach((state, k) => {
      const { outputs, final } = this.#layer(k, rows, timeSteps, state);
      last.push(final);
      if (k < states.length - 1) rows = tf.concat(outputs, 0);
    });
    const logits = add(matMul(last.at(-1)!.h, this.#get('fc.weight'), false, true), this.#get('fc.bias'));
    return { logits, states: last };
  }

  #layer(k: number, x: TfTensor, timeSteps: number, start: LayerState) {
    const R = this.#get(`lstm.weight_hh_l${k}`);
    const bias = add(this.#get(`lstm.bias_ih_l${k}`), this.#get(`lstm.bias_hh_l${k}`));
    const projected = add(matMul(x, this.#get(`lstm.weight_ih_l${k}`), false, true), bias);
    const steps = timeSteps === 1 ? [projected] : split(projected, timeSteps, 0);
    const outputs: TfTensor[] = [];
    let { h, c } = start;
    for (const fromInput of steps) {
      const gates = split(add(fromInput, matMul(h, R, false, true)), 4, 1);
      const [i, f, g, o] = gates as [TfTensor, TfTensor, TfTensor, TfTensor];
      c = add(mul(sigmoid(f), c), mul(sigmoid(i), tanh(g)));
      h = mul(sigmoid(o), tanh(c));
      outputs.push(h);
    }
    return { outputs, final: { h, c } };
  }

  #get(name: string): TfVariable {
    return this.#variables.get(name)!;
  }

  dispose(): void {
    for (const variable of this.#variables.values()) variable.dispose();
  }
}

/** Gradients by a global norm of at most 1, as PyTorch's clip_grad_norm_ does it. */
function clipped(gradients: Gradients): Gradients {
  const squares = Object.values(gradients).map((gradient) => tf.sum(tf.square(gradient)));
  const norm = tf.sqrt(tf.addN(squares));
  const scale = tf.minimum(tf.scalar(1), tf.div(tf.scalar(1), add(norm, tf.scalar(1e-6))));
  return Object.fromEntries(
    Object.entries(gradients).map(([name, gradient]) => [name, mul(gradient, scale)]),
  );
}

let network: Network | undefined;

async function train(command: SetUp, x: TfTensor, y: Int32Array): Promise<Prepared> {
  const labels = tf.oneHot(tf.tensor(y, [y.length], 'int32'), classes);
  const optimizer = tf.train.adam(1e-3, 0.9, 0.999, 1e-8);
  const model = network!;
  const loss = () =>
    tf.losses.softmaxCrossEntropy(
      labels,
      model.forward(x, command.shape.timeSteps, model.zeroStates()).logits,
    );
  const once = () =>
    tf.tidy(() => {
      const { value, grads } = optimizer.computeGradients(loss);
      optimizer.applyGradients(clipped(grads));
      return value.dataSync()[0]!;
    });
  // Seconds a step at the large shapes: the second loss comes after an update.
  return { once, outcome: [once(), once()] };
}

function predict(command: SetUp, x: TfTensor): Prepared {
  const model = network!;
  const once = () =>
    tf.tidy(() => model.forward(x, command.shape.timeSteps, model.zeroStates()).logits.dataSync());
  return { once, outcome: [...once()] };
}

function stream({ shape }: SetUp, x: TfTensor): Prepared {
  const model = network!;
  const inputs = split(x, shape.timeSteps, 0);
  let states = model.zeroStates();
  let index = 0;
  const once = () => {
    const before = states;
    const y = tf.tidy(() => {
      const result = model.forward(inputs[index]!, 1, before);
      states = result.states.map(({ h, c }) => ({ h: tf.keep(h), c: tf.keep(c) }));
      return result.logits.dataSync();
    });
    for (const { h, c } of before) {
      h.dispose();
      c.dispose();
    }
    index = (index + 1) % shape.timeSteps;
    return y;
  };
  const outcome: number[] = [];
  for (let t = 0; t < shape.timeSteps; t++) outcome.push(...once());
  return { once, outcome };
}

await serve({ 'tfjs-wasm': tf.version.tfjs }, async (command) => {
  if (command.threads > 1) return { unable: 'the WebAssembly backend has no threads in Node' };
  if (flop(command.shape, command.suite) > maxFlop) return { unable: 'one run takes more than 10 s' };
  network?.dispose();
  network = await Network.read(command);
  const { timeSteps, batchSize, channels } = command.shape;
  const batch = await readBatch(command.shape, command.inputs);
  const x = tf.tensor(batch.x, [timeSteps * batchSize, channels]);
  if (command.suite === 'train-step') return train(command, x, batch.y);
  return command.suite === 'streaming' ? stream(command, x) : predict(command, x);
});
