import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import {
  characterVocabulary,
  dense,
  embedding,
  languageModelStream,
  lstm,
  sequential,
  type Callback,
  type Model,
  type OptimizerInput,
} from 'cudnn-lstm';

/** A quarter of tiny shakespeare in batches of 32 x 64 characters. */
export function characters(folder: string) {
  const text = readFileSync(join(folder, 'tinyshakespeare', 'input.txt'), 'utf8').slice(0, 280_000);
  const vocabulary = characterVocabulary(text);
  const stream = languageModelStream({ tokens: vocabulary.encode(text), batchSize: 32, timeSteps: 64 });
  return { vocabSize: vocabulary.size, stream };
}

/** An untrained character model. */
export function characterModel(vocabSize: number): Promise<Model> {
  return sequential(
    [embedding({ vocabSize, size: 32 }), lstm({ hiddenSize: 128 }), dense({ units: vocabSize })],
    { seed: 1 },
  );
}

/** The training loss after every ten steps of one pass, as [step, loss]; a loss that is not finite ends it. */
export async function lossCurve(
  { vocabSize, stream }: ReturnType<typeof characters>,
  optimizer: OptimizerInput,
): Promise<[number, number][]> {
  const points: [number, number][] = [];
  let sum = 0;
  const watch: Callback = {
    onBatchEnd({ batch, loss }) {
      sum += loss;
      if (batch % 10 !== 0) return;
      points.push([batch, sum / 10]);
      sum = 0;
    },
  };
  await using model = await characterModel(vocabSize);
  await model.fit(stream, {
    loss: 'crossEntropy',
    optimizer,
    callbacks: [watch],
    onNonFinite: 'skip',
    verbose: 'silent',
  });
  return points;
}
