// Run alone under LeakSanitizer, which reports when the process ends by itself: models are made, used in every way and
// disposed of, or left to the collector.
import { adam, createLstm, dense, embedding, lstm, sequential } from 'cudnn-lstm';

const layers = [
  embedding({ vocabSize: 7, size: 5 }),
  lstm({ hiddenSize: 6, numLayers: 2, bidirectional: true, dropout: 0.2, returnSequences: false }),
  dense({ units: 3, activation: 'softmax' }),
];
const x = [[1, 2, 3, 4], [5, 6], [0]];
const y = [0, 1, 2];

for (let round = 0; round < 20; round++) {
  const model = await sequential(layers, { seed: round, threads: 2 });
  const options = { loss: 'crossEntropy', optimizer: adam() };
  await Promise.all([model.trainStep({ x, y }, options), model.trainStep({ x, y }, options)]);
  await model.fit({ x, y }, { ...options, epochs: 2, batchSize: 2, verbose: 'silent' });
  await model.evaluate({ x, y });
  await model.predict(x, { returnStates: true });
  await model.gradients({ x, y }, { loss: 'crossEntropy' });
  await model.predict([[99]]).catch(() => {});
  if (round % 2 === 0) await model.dispose();

  const layer = await createLstm({ inputSize: 2, hiddenSize: 3 }, { threads: 1 });
  const { y: output } = await layer.forward([[[1, 2]], [[3, 4]]], { training: true });
  await layer.backward({ dy: output });
  await layer.step(adam());
  await layer.dispose();
}
