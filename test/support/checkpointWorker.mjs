// Trains one epoch more and writes a checkpoint over the file: `node checkpointWorker.mjs FILE`.
import { loadModel, modelCheckpoint } from 'cudnn-lstm';

const [file] = process.argv.slice(2);
const model = await loadModel(file, { device: 'cpu', threads: 1 });
const { inputSize } = model.config;
const data = {
  x: { data: new Float32Array(2 * 3 * inputSize).fill(0.5), shape: [2, 3, inputSize] },
  y: [1, 2],
};
const callbacks = [modelCheckpoint({ path: file, keep: 'last' })];
await model.fit(data, { loss: 'mse', verbose: 'silent', callbacks });
console.log('written');
