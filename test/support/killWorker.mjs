// A training run that writes checkpoints, and goes on with the file where there is one: `node killWorker.mjs FILE`.
// Each line of its output is a JSON array: ["begin", place], ["batch", place], ["written", place], ["end", result], a place
// being [epoch, batches of it that are done].
import { createHash } from 'node:crypto';
import { existsSync, writeSync } from 'node:fs';
import { dense, dropout, loadModel, lstm, modelCheckpoint, oneCycle, sequential } from 'cudnn-lstm';

const [file] = process.argv.slice(2);
const device = { device: 'cpu', threads: 1 };
const [rows, steps, channels] = [96, 6, 8];
const wave = (k) => Math.sin(1.7 * k) + Math.cos(0.37 * k * k);
const data = {
  x: {
    data: Float32Array.from({ length: rows * steps * channels }, (_, k) => wave(k)),
    shape: [rows, steps, channels],
  },
  y: Array.from({ length: rows }, (_, k) => k % 3),
};
// At once, and before the process can be ended behind it.
const say = (...line) => writeSync(1, `${JSON.stringify(line)}\n`);

// Some 400 KiB a file, so that a good part of the time goes into writing it.
const layers = [
  lstm({ hiddenSize: 80, returnSequences: false }),
  dropout({ rate: 0.3 }),
  dense({ units: 3 }),
];
const resume = file !== undefined && existsSync(file);
const model = resume
  ? await loadModel(file, device)
  : await sequential(layers, { ...device, inputSize: channels, seed: 5 });

const batches = 12;
const place = { begin: [0, 0] };
const watch = {
  name: 'watch',
  onTrainBegin: ({ initialEpoch }) => void (place.begin = [initialEpoch, 0]),
  onEpochBegin({ epoch, batchesDone }) {
    if (place.begun) return;
    place.begun = true;
    say('begin', [epoch - 1, batchesDone]);
  },
  onBatchEnd: ({ epoch, batch }) => say('batch', [epoch - 1, batch]),
};
const written = {
  name: 'written',
  onBatchEnd({ epoch, batch }) {
    if (((epoch - 1) * batches + batch) % 3 === 0) say('written', [epoch - 1, batch]);
  },
};
const checkpoints = file === undefined ? [] : [modelCheckpoint({ path: file, everySteps: 3 })];
const history = await model.fit(data, {
  loss: 'crossEntropy',
  optimizer: { kind: 'adam', learningRate: oneCycle({ max: 0.01 }), clip: { globalNorm: 1 }, accumulate: 2 },
  metrics: ['accuracy', 'confusionMatrix'],
  validationSplit: 0.125,
  batchSize: 7,
  epochs: 25,
  verbose: 'silent',
  callbacks: [watch, ...checkpoints, written],
  resume,
});
const hash = createHash('sha256');
for (const { data: values } of Object.values(await model.getWeights())) hash.update(values);
const epochs = history.epochs.map(({ seconds: _seconds, ...record }) => record);
say('end', { weights: hash.digest('hex'), steps: history.steps, epochs });
