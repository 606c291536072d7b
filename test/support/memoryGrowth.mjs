// Prints, as one line of JSON, what a model of these sizes says it holds after two train steps, and by how much the
// process grew meanwhile, in bytes.   node --expose-gc memoryGrowth.mjs T N C H L
import { adam, dense, lstm, sequential, torchUniform } from 'cudnn-lstm';

const sizes = process.argv.slice(2).map(Number);
const options = { loss: 'crossEntropy', optimizer: adam({ clip: { globalNorm: 1 } }) };

async function train([timeSteps, batchSize, inputSize, hiddenSize, numLayers]) {
  // Quick to draw.
  const drawn = { inputInitializer: torchUniform(), recurrentInitializer: torchUniform() };
  const layers = [lstm({ hiddenSize, numLayers, returnSequences: false, ...drawn }), dense({ units: 10 })];
  const x = {
    data: new Float32Array(batchSize * timeSteps * inputSize).fill(0.5),
    shape: [batchSize, timeSteps, inputSize],
  };
  const y = new Int32Array(batchSize);
  globalThis.gc();
  const before = process.memoryUsage.rss();
  const model = await sequential(layers, { inputSize, input: 'features', device: 'cpu', threads: 1 });
  for (let k = 0; k < 2; k++) await model.trainStep({ x, y }, options);
  globalThis.gc();
  const grownBytes = process.memoryUsage.rss() - before;
  const { parameterBytes, activationBytes } = model.memory();
  await model.dispose();
  return { parameterBytes, activationBytes, grownBytes };
}

// Code, threads and heap that the first model brings into the process belong to no model.
await train([2, 2, 4, 4, 1]);
console.log(JSON.stringify(await train(sizes)));
