// What narrow weights cost in accuracy on real data: trains on it in float32, then evaluates the held-out part with
// float32, bfloat16 and int8 weights.   tsx bench/narrowWeights.ts FOLDER
// FOLDER holds tinyshakespeare/input.txt and japanese-vowels/{train,test}.csv; what is missing is named and left out.
import { existsSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import {
  adam,
  characterVocabulary,
  dense,
  embedding,
  type Evaluation,
  languageModelStream,
  lstm,
  sequential,
  type WeightForm,
} from '../src/index.js';

const forms: readonly WeightForm[] = ['float32', 'bfloat16', 'int8'];
const folder = process.argv[2] ?? '../shared/data';

async function shakespeare(text: string): Promise<void> {
  const vocabulary = characterVocabulary(text);
  const tokens = vocabulary.encode(text);
  const cut = Math.floor(tokens.length * 0.9);
  const stream = (part: Int32Array) => languageModelStream({ tokens: part, batchSize: 32, timeSteps: 64 });
  await using model = await sequential(
    [
      embedding({ vocabSize: vocabulary.size, size: 64 }),
      lstm({ hiddenSize: 256 }),
      dense({ units: vocabulary.size }),
    ],
    { device: 'cpu', seed: 1 },
  );
  const optimizer = adam({ learningRate: 0.005, clip: { globalNorm: 1 } });
  await model.fit(stream(tokens.slice(0, cut)), {
    loss: 'crossEntropy',
    epochs: 1,
    optimizer,
    verbose: 'silent',
  });
  const held = stream(tokens.slice(cut));
  for (const weights of forms) {
    const { loss } = await model.evaluate(held, { loss: 'crossEntropy', weights });
    console.log(`tiny shakespeare  ${weights.padEnd(9)} ${(loss / Math.LN2).toFixed(5)} bits per character`);
  }
}

/** Sequences [T, 12] and their speakers 0 to 8, from lines of `sequence,label,t,c1..c12`, t from 0. */
function vowels(path: string): { x: number[][][]; y: number[] } {
  const x: number[][][] = [];
  const y: number[] = [];
  for (const line of readFileSync(path, 'utf8').trim().split('\n').slice(1)) {
    const [, label, time, ...cepstra] = line.split(',').map(Number) as [number, number, number, ...number[]];
    if (time === 0) {
      x.push([]);
      y.push(label);
    }
    x.at(-1)!.push(cepstra);
  }
  return { x, y };
}

async function japaneseVowels(train: string, test: string): Promise<void> {
  const held = vowels(test);
  for (const seed of [1, 2, 3]) {
    await using model = await sequential(
      [lstm({ hiddenSize: 100, returnSequences: false }), dense({ units: 9, activation: 'softmax' })],
      { device: 'cpu', inputSize: 12, seed },
    );
    const options = {
      loss: 'crossEntropy',
      epochs: 40,
      optimizer: adam({ learningRate: 0.005 }),
      verbose: 'silent',
    } as const;
    await model.fit(vowels(train), options);
    for (const weights of forms) {
      const result: Evaluation = await model.evaluate(held, {
        loss: 'crossEntropy',
        metrics: ['accuracy'],
        weights,
      });
      const right = Math.round(result.accuracy! * held.y.length);
      const loss = result.loss.toFixed(5);
      console.log(
        `japanese vowels   ${weights.padEnd(9)} seed ${seed}: ${right} of ${held.y.length} right, loss ${loss}`,
      );
    }
  }
}

const text = join(folder, 'tinyshakespeare/input.txt');
const [train, test] = ['train', 'test'].map((part) => join(folder, `japanese-vowels/${part}.csv`)) as [
  string,
  string,
];
if (existsSync(train) && existsSync(test)) await japaneseVowels(train, test);
else console.log(`skipped: ${train} is not there`);
if (existsSync(text)) await shakespeare(readFileSync(text, 'utf8'));
else console.log(`skipped: ${text} is not there`);
