/**
 * ONNX Runtime, for `npm run bench`: predictions alone. Usage: onnxRuntime.ts THREADS, then a JSON command a line.
 *
 * It is given what suits it: the model with its weights as constants, time-major input, tensors made beforehand.
 */
import { onnxModel } from './onnxModel.js';
import { type Prepared, readBatch, readWeights, serve, type SetUp } from './nodePieces.js';

/** As much of onnxruntime-node as is used here; the package is not ours to depend on. */
interface OrtTensor {
  readonly data: Float32Array;
}
interface OrtSession {
  run(feeds: Readonly<Record<string, OrtTensor>>): Promise<Readonly<Record<string, OrtTensor>>>;
}
interface Ort {
  readonly env: { readonly versions: { readonly node?: string; readonly common: string } };
  readonly InferenceSession: {
    create(model: Uint8Array, options: Readonly<Record<string, unknown>>): Promise<OrtSession>;
  };
  readonly Tensor: new (type: 'float32', data: Float32Array, dims: readonly number[]) => OrtTensor;
}

const packageName: string = 'onnxruntime-node';
const ort = (await import(packageName)) as Ort;
const threads = Number(process.argv[2]);

async function makeSession({ shape, inputs }: SetUp, timeSteps: number, withStates: boolean) {
  const tensor = await readWeights(inputs);
  const layers = Array.from({ length: shape.numLayers }, (_, k) => ({
    weightIh: tensor(`lstm.weight_ih_l${k}`),
    weightHh: tensor(`lstm.weight_hh_l${k}`),
    biasIh: tensor(`lstm.bias_ih_l${k}`),
    biasHh: tensor(`lstm.bias_hh_l${k}`),
  }));
  const dense = { weight: tensor('fc.weight'), bias: tensor('fc.bias') };
  const { batchSize, channels, hiddenSize } = shape;
  const model = onnxModel({ timeSteps, batchSize, channels, hiddenSize, layers, dense, withStates });
  const options = { intraOpNumThreads: threads, interOpNumThreads: 1, graphOptimizationLevel: 'all' };
  return ort.InferenceSession.create(model, options);
}

async function predict(command: SetUp): Promise<Prepared> {
  const { timeSteps, batchSize, channels } = command.shape;
  const session = await makeSession(command, timeSteps, false);
  const { x } = await readBatch(command.shape, command.inputs);
  const feeds = { x: new ort.Tensor('float32', x, [timeSteps, batchSize, channels]) };
  const once = async () => (await session.run(feeds))['y']!.data;
  return { once, outcome: [...(await once())] };
}

async function stream(command: SetUp): Promise<Prepared> {
  const { timeSteps, channels, hiddenSize, numLayers } = command.shape;
  const session = await makeSession(command, 1, true);
  const { x } = await readBatch(command.shape, command.inputs);
  const steps = Array.from(
    { length: timeSteps },
    (_, t) => new ort.Tensor('float32', x.slice(t * channels, (t + 1) * channels), [1, 1, channels]),
  );
  const zeros = new ort.Tensor('float32', new Float32Array(hiddenSize), [1, 1, hiddenSize]);
  const layers = Array.from({ length: numLayers }, (_, k) => k);
  let states = Object.fromEntries(
    layers.flatMap((k) => [[`h0.${k}`, zeros] as const, [`c0.${k}`, zeros] as const]),
  );
  let index = 0;
  const once = async () => {
    const result = await session.run({ x: steps[index]!, ...states });
    states = Object.fromEntries(
      layers.flatMap((k) => [
        [`h0.${k}`, result[`hn.${k}`]!] as const,
        [`c0.${k}`, result[`cn.${k}`]!] as const,
      ]),
    );
    index = (index + 1) % timeSteps;
    return result['y']!.data;
  };
  const outcome: number[] = [];
  for (let t = 0; t < timeSteps; t++) outcome.push(...(await once()));
  return { once, outcome };
}

const { node, common } = ort.env.versions;
await serve({ 'onnxruntime-node': node ?? common }, async (command) => {
  switch (command.suite) {
    case 'train-step':
      return { unable: 'ONNX Runtime for Node does not train' };
    case 'streaming':
      return stream(command);
    case 'latency':
    case 'predict':
      return predict(command);
  }
});
