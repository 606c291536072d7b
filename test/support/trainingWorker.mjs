// Trains a small model with two steps under way, in a worker thread; tells of the first step and of the last loss.
// oxlint-disable unicorn/require-post-message-target-origin -- a worker's port is no window
import { parentPort, workerData } from 'node:worker_threads';
import { dense, lstm, sequential } from 'cudnn-lstm';

const { steps, seed } = workerData;
const model = await sequential(
  [lstm({ hiddenSize: 64, numLayers: 2 }), dense({ units: 3, activation: 'softmax' })],
  {
    inputSize: 8,
    threads: 2,
    seed,
  },
);
const x = {
  data: Float32Array.from({ length: 16 * 30 * 8 }, (_, index) => Math.sin(index)),
  shape: [16, 30, 8],
};
const y = { data: Int32Array.from({ length: 16 * 30 }, (_, index) => index % 3), shape: [16, 30] };
const settings = { loss: 'crossEntropy', optimizer: 'adam' };

let pending = model.trainStep({ x, y }, settings);
for (let step = 1; step < steps; step++) {
  const next = model.trainStep({ x, y }, settings);
  const { loss } = await pending;
  if (step === 1) parentPort.postMessage({ kind: 'step', loss });
  pending = next;
}
const { loss } = await pending;
parentPort.postMessage({ kind: 'done', loss });
// The thread ends by itself: neither the model nor its device keep it alive.
