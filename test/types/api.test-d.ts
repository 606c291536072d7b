// Compiled, never run: `tsc` proves that what is right is accepted, and each @ts-expect-error that what is wrong is not.
import {
  adam,
  type ClassReport,
  cosineDecay,
  createLstm,
  dense,
  devices,
  dropout,
  earlyStopping,
  embedding,
  type Evaluation,
  heads,
  type HeadsLayer,
  type History,
  type Layer,
  languageModelStream,
  loadModel,
  learningRateAt,
  lstm,
  type LstmErrorCode,
  type Model,
  type ModelConfig,
  modelCheckpoint,
  type NamedTensors,
  oneCycle,
  pool,
  type Schedule,
  sequential,
  sgd,
  stepDecay,
  tensorBoard,
  type Tensor,
  warmup,
} from '../../src/index.js';

type Equal<A, B> = (<T>() => T extends A ? 1 : 2) extends <T>() => T extends B ? 1 : 2 ? true : false;
function same<A, B>(_proof: Equal<A, B>): void {}

export async function accepted(): Promise<void> {
  await using model = await sequential(
    [
      embedding({ vocabSize: 10, size: 4 }),
      lstm({ hiddenSize: 8, numLayers: 2, bidirectional: true, bias: 'single', dropout: 0.3 }),
      lstm({ hiddenSize: 8, projectionSize: 4, cellClip: 3 }),
      dropout({ rate: 0.1, sharedOverTime: true }),
      pool({ mode: 'mean' }),
      dense({ units: 2, activation: 'softmax' }),
    ],
    { input: 'tokens', device: 'auto', seed: 7 },
  );
  same<typeof model, Model>(true);
  const history = await model.fit(
    { x: [[1, 2], [3]], y: [0, 1], seqLengths: Int32Array.of(2, 1) },
    {
      loss: 'crossEntropy',
      optimizer: adam({ learningRate: warmup({ length: 9, learningRate: cosineDecay({ initial: 0.1 }) }) }),
      metrics: ['accuracy'],
      callbacks: [
        earlyStopping({ mode: 'max', monitor: 'valAccuracy' }),
        modelCheckpoint({ path: ({ epoch, valLoss = 0 }) => `${epoch}-${valLoss}` }),
        tensorBoard({ logDir: 'runs' }),
        { onEpochEnd: ({ valLoss }) => void valLoss?.toFixed() },
      ],
    },
  );
  same<typeof history, History>(true);
  same<ReturnType<typeof history.toSvg>, string>(true);
  const schedule: Schedule = stepDecay({ initial: 0.1, every: 3, per: 'step' });
  same<ReturnType<typeof learningRateAt>, number>(true);
  learningRateAt(schedule, { step: 3 });
  const { suggestion } = await model.findLearningRate({ x: [[1]], y: [1] }, { loss: 'crossEntropy' });
  same<typeof suggestion, number | undefined>(true);
  const { limitedBy } = await model.suggestBatchSize({ x: [[1]], y: [1] }, { loss: 'crossEntropy' });
  same<typeof limitedBy, 'memory' | 'data' | 'max'>(true);
  const evaluation = await model.evaluate({ x: [[1]], y: [1] });
  same<typeof evaluation, Evaluation>(true);
  same<typeof evaluation.accuracy, number | undefined>(true);
  same<typeof evaluation.confusionMatrix, readonly (readonly number[])[] | undefined>(true);
  same<typeof evaluation.classReport, ClassReport | undefined>(true);
  const [epoch] = history.epochs;
  same<NonNullable<typeof epoch>['valF1'], number | undefined>(true);
  same<NonNullable<typeof epoch>['valClassReport'], ClassReport | undefined>(true);
  earlyStopping({ monitor: 'valRocAuc' });
  const { y, states } = await model.predict([[1, 2]], { returnStates: true });
  same<typeof y, Tensor<Float32Array>>(true);
  await model.predict({ data: new Int32Array(4), shape: [2, 2] }, { states });
  await model.fit(languageModelStream({ tokens: [1, 2, 3], batchSize: 1, timeSteps: 2 }), {
    loss: 'crossEntropy',
  });
  same<Awaited<ReturnType<typeof model.getWeights>>, NamedTensors>(true);
  await model.setWeights({ 'fc.bias': [0, 0], 'fc.weight': await weight() }, { strict: false });
  same<typeof model.config, ModelConfig>(true);
  await model.to('cuda:1');
  const moved = await model.to({
    device: 'cuda',
    precision: 'tf32',
    memoryLimit: 2 ** 30,
    rnnAlgorithm: 'auto',
    dropoutImplementation: 'cudnn',
    graph: false,
  });
  await model.to({ device: 'cuda', precision: 'fp16' });
  same<typeof moved, typeof model>(true);
  same<ReturnType<typeof model.memory>['device']['usedBytes'], number>(true);
  for (const one of await devices()) {
    if (!one.available) same<typeof one.reason, string>(true);
    else if (one.device !== 'cpu') same<typeof one.standIn, boolean>(true);
  }
  const loaded = await loadModel('file', { threads: 2 });
  same<typeof loaded, Model>(true);
  await using layer = await createLstm({ inputSize: 3, hiddenSize: 4 }, { device: 'cpu' });
  const { hn, cn } = await layer.forward([[[1, 2, 3]]], { training: true });
  await layer.forward([[[1, 2, 3]]], { h0: hn, c0: cn });
  await layer.step('sgd');
}

export function refused(model: Model): void {
  // @ts-expect-error no such device
  void model.to('gpu');
  // @ts-expect-error no such precision
  void model.to({ device: 'cuda', precision: 'int8' });
  // @ts-expect-error no such generator
  void model.to({ device: 'cuda', dropoutImplementation: 'torch' });
  // @ts-expect-error hiddenSize is needed
  lstm({});
  // @ts-expect-error a misspelt setting
  lstm({ hiddenSize: 1, numLayer: 2 });
  // @ts-expect-error not one of the three
  lstm({ hiddenSize: 1, bias: 'both' });
  // @ts-expect-error a matrix initialiser for biases
  dense({ units: 1, biasInitializer: { kind: 'xavier' } });
  // @ts-expect-error no such activation
  dense({ units: 1, activation: 'gelu' });
  // @ts-expect-error a momentum is not Adam's
  adam({ momentum: 0.9 });
  // @ts-expect-error neither a number nor a schedule
  adam({ learningRate: { kind: 'linear' } });
  // @ts-expect-error a schedule counts steps or epochs
  stepDecay({ initial: 0.1, every: 3, per: 'batch' });
  // @ts-expect-error one cycle has a highest rate, not a first
  oneCycle({ initial: 0.1 });
  // @ts-expect-error a stream has a batch size of its own
  void model.suggestBatchSize(languageModelStream({ tokens: [1], batchSize: 1, timeSteps: 1 }), {
    loss: 'mse',
  });
  // @ts-expect-error not a way to clip
  sgd({ clip: { norm: 1 } });
  // @ts-expect-error what monitor is compared with is written in one word
  earlyStopping({ monitor: 'val_loss' });
  // @ts-expect-error a loss is needed
  void model.fit({ x: [[1]], y: [1] }, {});
  // @ts-expect-error targets are needed
  void model.fit({ x: [[1]] }, { loss: 'mse' });
  // @ts-expect-error not a loss
  void model.trainStep({ x: [[1]], y: [1] }, { loss: 'hinge', optimizer: 'adam' });
  // @ts-expect-error a report is not a number
  earlyStopping({ monitor: 'classReport' });
  // @ts-expect-error quantiles are needed
  void model.trainStep({ x: [[1]], y: [1] }, { loss: 'quantile', optimizer: 'adam' });
  // @ts-expect-error not a metric
  void model.evaluate({ x: [[1]], y: [1] }, { metrics: ['f2'] });
  // @ts-expect-error a typed array comes with its shape
  void model.predict(new Float32Array(3));
  // @ts-expect-error descriptors are read-only
  lstm({ hiddenSize: 1 }).hiddenSize = 2;
  // @ts-expect-error so is a config
  model.config.seed = 1;
  // @ts-expect-error not a code
  const code: LstmErrorCode = 'ERR_NOTHING';
  void code;
}

declare function weight(): Promise<Tensor<Float32Array>>;

export async function headsAccepted(): Promise<void> {
  const branches = heads({
    tag: [dense({ units: 3 })],
    length: [pool({ mode: 'mean' }), dense({ units: 1 })],
  });
  same<typeof branches, HeadsLayer<'tag' | 'length'>>(true);
  await using model = await sequential([embedding({ vocabSize: 9, size: 4 }), branches]);
  same<typeof model, Model<'tag' | 'length'>>(true);
  const data = { x: [[1, 2]], y: { tag: [[0, 1]], length: [2] } };
  const loss = { tag: 'crossEntropy', length: 'mse' } as const;
  const history = await model.fit(data, {
    loss,
    lossWeights: { length: 0.2 },
    metrics: { tag: ['accuracy', 'confusionMatrix'] },
    callbacks: [earlyStopping({ monitor: 'valTagLoss' })],
  });
  const [epoch] = history.epochs;
  type Epoch = NonNullable<typeof epoch>;
  same<Epoch['tagLoss'], number>(true);
  same<Epoch['valLengthLoss'], number | undefined>(true);
  same<Epoch['tagAccuracy'], number | undefined>(true);
  same<Epoch['valTagConfusionMatrix'], readonly (readonly number[])[] | undefined>(true);
  const evaluation = await model.evaluate({ ...data, sampleWeights: { tag: [1] } });
  same<typeof evaluation.lengthLoss, number>(true);
  const { y } = await model.predict([[1]]);
  same<typeof y, { readonly tag: Tensor<Float32Array>; readonly length: Tensor<Float32Array> }>(true);
  const step = await model.trainStep(data, { loss, optimizer: 'adam' });
  same<typeof step.heads.tag.correct, number>(true);
  const { heads: parts, gradients } = await model.gradients(data, { loss });
  same<typeof parts.length.loss, number>(true);
  gradients['tag.fc.weight']?.data.at(0);
  const out = { tag: new Float32Array(3), length: new Float32Array(1) };
  same<typeof model.outputShape.tag, readonly (number | string)[]>(true);
  model.predictSync([[1]], { out }).y.tag.data.at(0);
  const loaded = await loadModel('m', { heads: ['tag', 'length'] });
  same<typeof loaded, Model<'tag' | 'length'>>(true);
  const layers: Layer[] = [dense({ units: 9, tiedTo: 'embedding' })];
  same<Awaited<ReturnType<typeof sequential<typeof layers>>>, Model>(true);
}

export function headsRefused(model: Model<'tag' | 'length'>): void {
  const data = { x: [[1]], y: { tag: [0], length: [1] } };
  // @ts-expect-error a head is missing
  void model.fit(data, { loss: { tag: 'mse' } });
  // @ts-expect-error an unknown head
  void model.fit(data, { loss: { tag: 'mse', length: 'mse' }, lossWeights: { lengths: 1 } });
  // @ts-expect-error targets of one head alone
  void model.evaluate({ x: [[1]], y: { tag: [0] } });
  // @ts-expect-error targets that are not by head
  void model.evaluate({ x: [[1]], y: [0] });
  // @ts-expect-error a model with heads is none with one output
  const plain: Model = model;
  void plain;
  // @ts-expect-error heads are of layers
  heads({ tag: [1], length: [dense({ units: 1 })] });
  // @ts-expect-error heads come last
  heads({ tag: [heads({ a: [], b: [] })], length: [dense({ units: 1 })] });
  // @ts-expect-error of one output
  void plain.fit({ x: [[1]], y: [1] }, { loss: { tag: 'mse' } });
}
