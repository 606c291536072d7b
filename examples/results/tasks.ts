/** A row of docs/results.md: an example, what it is run with and what is said about it. */
export interface Task {
  readonly name: string;
  readonly example: string;
  readonly args: readonly string[];
  /** The data set's folder. */
  readonly dataSet: string;
  /** What is learnt, for people. */
  readonly title: string;
  readonly model: string;
  readonly split: string;
  /** Which of the example's scores is compared, and how it is written. */
  readonly score: Score;
  /** Others' results, with their source; none where there is none to trust. */
  readonly known?: string;
}

export interface Score {
  readonly name: 'accuracy' | 'rmse' | 'mse' | 'nats' | 'perplexity';
  readonly better: 'higher' | 'lower';
  readonly label: string;
  readonly digits: number;
  /** What a value is multiplied by on the page. */
  readonly factor: number;
}

const accuracy: Score = { name: 'accuracy', better: 'higher', label: 'accuracy, %', digits: 1, factor: 100 };
const mse: Score = { name: 'mse', better: 'lower', label: 'MSE', digits: 4, factor: 1 };

/** LSTMa's MSE by horizon: README of Informer, `img/result_univariate.png`, revision 29f2a739. */
export const lstma: Readonly<Record<number, number>> = {
  24: 0.114,
  48: 0.193,
  168: 0.236,
  336: 0.59,
  720: 0.683,
};
export const horizons = [24, 48, 168, 336, 720] as const;

export const tasks: readonly Task[] = [
  {
    name: 'japanese-vowels',
    example: 'japaneseVowels',
    args: [],
    dataSet: 'japanese-vowels',
    title: 'Speakers of "ae"',
    model: '3 × LSTM(50), last state, softmax; Adam 0.001, batch 32, 60 epochs',
    split: '270 sequences, 20 % of them for validation; 370 to test (official)',
    score: accuracy,
  },
  {
    name: 'indoor-movement',
    example: 'indoorMovement',
    args: [],
    dataSet: 'indoor-movement',
    title: 'Change of rooms',
    model: 'LSTM(32), last state, sigmoid; Adam 0.005, clip 1, batch 32, 60 epochs',
    split: '220 walks, 94 to test, drawn by the seed',
    score: accuracy,
  },
  {
    name: 'pendigits',
    example: 'penDigits',
    args: [],
    dataSet: 'pendigits',
    title: 'Digits as pen strokes',
    model: '2 × LSTM(128), last state, softmax; Adam 0.01, each tensor clipped to norm 1, batch 64, 5 epochs',
    split: '7494, 10 % of them for validation; 3498 of other writers to test (official)',
    score: accuracy,
  },
  {
    name: 'mnist-rows',
    example: 'mnistRows',
    args: [],
    dataSet: 'mnist-t10k',
    title: 'Digits row by row',
    model: '2 × LSTM(128), last state, softmax; Adam 0.01, each tensor clipped to norm 1, batch 64, 3 epochs',
    split:
      "8000 of MNIST's 10,000 test images; the other 2000 to test, drawn by the seed: not the usual task",
    score: accuracy,
  },
  {
    name: 'sms-spam',
    example: 'smsSpam',
    args: [],
    dataSet: 'sms-spam',
    title: 'Spam in short messages',
    model: 'embedding 32, LSTM(128), last state, sigmoid; Adam 0.001, clip 1, batch 32, 10 epochs',
    split: 'repeated messages taken once; 20 % to test, drawn by the seed',
    score: accuracy,
  },
  {
    name: 'trec',
    example: 'questionTypes',
    args: [],
    dataSet: 'trec',
    title: 'Types of questions (6)',
    model:
      'embedding 100, LSTM(128), maximum over time, softmax, dropout 0.3; Adam 0.002, batch 32, 8 epochs',
    split: '5452 questions, 10 % of them choose the epoch; 500 to test (official)',
    score: accuracy,
    known:
      'CNN with random embeddings 88.2, with word vectors 91.8 to 92.8 (README of sent-conv-torch, d61ded09)',
  },
  {
    name: 'clinc150',
    example: 'intents',
    args: [],
    dataSet: 'clinc150',
    title: 'Intents (150)',
    model:
      'embedding 100, LSTM(128), maximum over time, softmax, dropout 0.3; Adam 0.003, batch 64, 8 epochs',
    split: '15,000; 3000 choose the epoch; 4500 to test (official, in scope)',
    score: accuracy,
  },
  {
    name: 'sst2',
    example: 'sentiment',
    args: [],
    dataSet: 'sst2',
    title: 'Sentiment of reviews',
    model: 'embedding 100, LSTM(64), mean over time, sigmoid, dropout 0.5; Adam 0.001, batch 32, 6 epochs',
    split: '6920 sentences, 872 choose the epoch, 1821 to test (official, no phrases)',
    score: accuracy,
    known:
      'with phrases to learn from: CNN with random embeddings 83.5, with word vectors 85.6 to 87.0 (sent-conv-torch)',
  },
  {
    name: 'ud-ewt',
    example: 'partOfSpeech',
    args: [],
    dataSet: 'ud-ewt',
    title: 'Parts of speech (17)',
    model:
      'embedding 64, bidirectional LSTM(64), softmax at every word, dropout 0.2; Adam 0.002, batch 32, 3 epochs',
    split: '12,544 sentences, 2001 for validation, 2077 to test (official)',
    score: accuracy,
  },
  {
    name: 'tiny-shakespeare',
    example: 'tinyShakespeare',
    args: [],
    dataSet: 'tinyshakespeare',
    title: 'Shakespeare by characters',
    model: 'embedding 64, LSTM(128); Adam 0.002, clip 5, batch 50 × 50 characters, 1 epoch (401 steps)',
    split: 'first 90 % to learn from, last 10 % to test',
    score: { name: 'nats', better: 'lower', label: 'nats per character', digits: 3, factor: 1 },
  },
  {
    name: 'wikitext-2-part',
    example: 'wikitextWords',
    args: [],
    dataSet: 'wikitext-2',
    title: 'Wikipedia by words, a part',
    model:
      'embedding 200, 2 × LSTM(200), output tied to the embedding, dropout 0.2; Adam 0.003, clip 1, batch 20 × 35 words, 5 epochs',
    split:
      'first 60,000 words and the words seen in them three times or more; first 15,000 of the validation and test parts',
    score: { name: 'perplexity', better: 'lower', label: 'perplexity', digits: 2, factor: 1 },
    known: 'not comparable with WikiText-2 results: less text, a smaller vocabulary',
  },
  {
    name: 'awd-lstm-part',
    example: 'awdLstm',
    args: [],
    dataSet: 'wikitext-2',
    title: 'the same words, AWD-LSTM in small',
    model:
      'embedding 100, LSTM(200), LSTM(200), LSTM(100), tied output; dropout of words, over time and of R, AR, TAR; NT-ASGD 20, clip 0.25, batch 20 × random lengths around 35, 15 epochs',
    split: 'as wikitext-2-part',
    score: { name: 'perplexity', better: 'lower', label: 'perplexity', digits: 2, factor: 1 },
    known: 'not comparable with AWD-LSTM on WikiText-2 (65.6): less text, a smaller vocabulary',
  },
  {
    name: 'airline',
    example: 'airlinePassengers',
    args: [],
    dataSet: 'series',
    title: 'Airline passengers, next month',
    model:
      'LSTM(32), last state; Adam 0.003, batch 16, 150 epochs; on changes of the logarithm, 12 in, 1 out',
    split: 'first 96 months, last 48 to test',
    score: { name: 'rmse', better: 'lower', label: 'RMSE, thousand passengers', digits: 2, factor: 1 },
  },
  {
    name: 'daily-temperatures',
    example: 'dailyTemperatures',
    args: [],
    dataSet: 'series',
    title: 'Daily minimum temperatures, next day',
    model: 'LSTM(32), last state; Adam 0.002, batch 32, 15 epochs; 30 days in, 1 out',
    split: 'first 8 years, last 2 to test',
    score: { name: 'rmse', better: 'lower', label: 'RMSE, °C', digits: 3, factor: 1 },
  },
  ...horizons.map((horizon) => ({
    name: `etth1-${horizon}`,
    example: 'transformerTemperature',
    args: ['--horizon', String(horizon)],
    dataSet: 'series',
    title: `ETTh1 oil temperature, ${horizon} hours`,
    model: `LSTM(64), last state, ${horizon} outputs; Adam 0.001, batch 64, 3 epochs; 96 hours in, relative to the last`,
    split: "Informer's: 12, 4 and 4 months; the 4 in the middle choose the epoch",
    score: mse,
    known: `LSTMa ${lstma[horizon]} (README of Informer2020, 29f2a739)`,
  })),
];

/** One task of each example. */
export const oneAnExample: readonly Task[] = tasks.filter(
  (task, index) => tasks.findIndex(({ example }) => example === task.example) === index,
);
