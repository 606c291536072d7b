import type { TaskName } from '../experiment/dataConfig.js';
import { RandomWords, streams } from '../data/philox.js';

/** A made-up file for a task, small enough to train on in seconds: to be replaced by one's own. */
export interface SampleFile {
  readonly name: string;
  readonly text: string;
}

/** The same file each time. */
export function sampleFile(task: TaskName): SampleFile {
  const random = new RandomWords(1, streams.shuffle, 0);
  switch (task) {
    case 'textClassification':
      return { name: 'texts.csv', text: texts(random) };
    case 'sequenceClassification':
      return { name: 'sequences.csv', text: waves(random) };
    case 'tagging':
      return { name: 'tags.tsv', text: tagged(random) };
    case 'languageModel':
      return { name: 'text.txt', text: prose(random) };
    case 'forecasting':
      return { name: 'series.csv', text: series(random) };
  }
}

const words = {
  det: ['the', 'a', 'this', 'our'],
  adj: ['small', 'late', 'green', 'quiet', 'new'],
  noun: ['train', 'garden', 'letter', 'bridge', 'kitchen', 'river'],
  verb: ['stopped', 'waited', 'opened', 'changed', 'returned'],
  good: ['wonderful', 'lovely', 'excellent', 'pleasant'],
  bad: ['awful', 'broken', 'terrible', 'disappointing'],
} as const;

type Kind = keyof typeof words;

function pick(random: RandomWords, kind: Kind): string {
  return words[kind][random.below(words[kind].length)]!;
}

function sentence(random: RandomWords, kinds: readonly Kind[]): string {
  return kinds.map((kind) => pick(random, kind)).join(' ');
}

function lines(count: number, line: (index: number) => string): string {
  return Array.from({ length: count }, (_, index) => `${line(index)}\n`).join('');
}

function texts(random: RandomWords): string {
  const row = (index: number) => {
    const kind = index % 2 === 0 ? 'good' : 'bad';
    return `${sentence(random, ['det', 'adj', 'noun'])} was ${pick(random, kind)},${kind}`;
  };
  return `text,label\n${lines(200, row)}`;
}

function waves(random: RandomWords): string {
  const wave = (id: number) => {
    const slow = id % 2 === 0;
    const phase = random.uniform() * 6;
    return lines(20, (time) => {
      const value = Math.sin(phase + time * (slow ? 0.4 : 0.9)) + 0.2 * (random.uniform() - 0.5);
      return `${id},${time},${value.toFixed(3)},${slow ? 'slow' : 'fast'}`;
    });
  };
  return `id,time,value,label\n${Array.from({ length: 120 }, (_, id) => wave(id)).join('')}`;
}

function tagged(random: RandomWords): string {
  const kinds: readonly Kind[] = ['det', 'adj', 'noun', 'verb'];
  return lines(150, () => kinds.map((kind) => `${pick(random, kind)}\t${kind}\n`).join(''));
}

function prose(random: RandomWords): string {
  return lines(400, () => `${sentence(random, ['det', 'adj', 'noun', 'verb'])}.`);
}

function series(random: RandomWords): string {
  const hour = 3_600_000;
  const row = (index: number) => {
    const time = new Date(Date.UTC(2024, 0) + index * hour).toISOString().slice(0, 19).replace('T', ' ');
    const value = 20 + 5 * Math.sin((2 * Math.PI * index) / 24) + random.uniform();
    return `${time},${value.toFixed(2)}`;
  };
  return `time,value\n${lines(480, row)}`;
}
