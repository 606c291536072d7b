import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import {
  adam,
  dense,
  dropout,
  embedding,
  lstm,
  sequential,
  wordVocabulary,
  type FitOptions,
  type History,
  type OptimizerInput,
} from 'cudnn-lstm';

/** The sentences of SST-2 (Socher et al. 2013) as word ids, from `sst2/{train,dev}.txt`. */
export function sentiment(folder: string) {
  const [train, dev] = ['train', 'dev'].map((part) => lines(join(folder, 'sst2', `${part}.txt`)));
  const vocabulary = wordVocabulary(
    train!.map(({ text }) => text),
    { minFrequency: 2 },
  );
  const data = (part: ReturnType<typeof lines>) => ({
    x: part.map(({ text }) => vocabulary.encode(text)),
    y: part.map(({ label }) => label),
  });
  return { vocabSize: vocabulary.size, train: data(train!), dev: data(dev!) };
}

function lines(file: string) {
  return readFileSync(file, 'utf8')
    .trimEnd()
    .split('\n')
    .map((line) => ({ label: Number(line[0]), text: line.slice(2) }));
}

export interface Trial {
  readonly hiddenSize?: number;
  readonly optimizer?: OptimizerInput;
  readonly batchSize?: number;
  readonly epochs?: number;
  /** Of whole words of the embedding. */
  readonly wordDropout?: number;
  /** Of the LSTM's inputs and of its last state. */
  readonly dropout?: number;
  readonly weightDropout?: number;
  readonly callbacks?: FitOptions['callbacks'];
}

/** Embedding, LSTM and a sigmoid, trained once. */
export async function trainSentiment(
  { vocabSize, train, dev }: ReturnType<typeof sentiment>,
  { hiddenSize = 64, optimizer = adam(), batchSize = 32, epochs = 8, ...regular }: Trial,
): Promise<History> {
  const { wordDropout = 0, dropout: rate = 0, weightDropout = 0, callbacks = [] } = regular;
  await using model = await sequential(
    [
      embedding({ vocabSize, size: 64, dropout: wordDropout }),
      dropout({ rate, sharedOverTime: true }),
      lstm({ hiddenSize, weightDropout, returnSequences: false }),
      dropout({ rate }),
      dense({ units: 1, activation: 'sigmoid' }),
    ],
    { seed: 1 },
  );
  return await model.fit(train, {
    loss: 'binaryCrossEntropy',
    metrics: ['accuracy'],
    validationData: dev,
    optimizer,
    batchSize,
    epochs,
    callbacks,
    verbose: 'silent',
  });
}
