import { pbkdf2 } from 'node:crypto';
import { monitorEventLoopDelay } from 'node:perf_hooks';
import { promisify } from 'node:util';
import { Worker } from 'node:worker_threads';

import type { Model } from 'cudnn-lstm';

import { makeBatch, network, stepOptions } from './network.js';
import { type Column, type Environment, Output, progress, round } from './output.js';
import { type Shape, shapes } from './shapes.js';
import { chosen } from './choice.js';

export interface NeighbourOptions {
  readonly json: boolean;
  readonly shape: string | undefined;
  readonly threads: readonly number[];
  readonly seconds: number;
}

interface Row {
  readonly suite: 'neighbours';
  readonly shape: string;
  /** The training model's. */
  readonly threads: number;
  readonly neighbour: string;
  /** Work units a second: of the neighbour, and of the training beside it. */
  readonly alonePerS: number;
  readonly besidePerS: number;
  readonly share: number;
  readonly trainingShare: number;
  /** Milliseconds that the event loop was late, 99 of 100 times at most, while both ran. */
  readonly loopDelayMs: number;
}

const columns: readonly Column<Row>[] = [
  { title: 'shape', width: 11, text: (row) => row.shape },
  { title: 'threads', width: 7, text: (row) => row.threads },
  { title: 'neighbour', width: 44, text: (row) => row.neighbour },
  { title: 'alone /s', width: 10, text: (row) => row.alonePerS.toFixed(1) },
  { title: 'beside /s', width: 10, text: (row) => row.besidePerS.toFixed(1) },
  { title: 'keeps', width: 7, text: (row) => `${(100 * row.share).toFixed(0)} %` },
  { title: 'training keeps', width: 14, text: (row) => `${(100 * row.trainingShare).toFixed(0)} %` },
  { title: 'loop late ms', width: 12, text: (row) => row.loopDelayMs.toFixed(1) },
];

/** Something else in the process: `perSecond` works for so long and gives what it got done. */
interface Neighbour extends AsyncDisposable {
  readonly name: string;
  perSecond(seconds: number): Promise<number>;
}

/** What other work keeps of its speed beside a training loop, and the training beside it. */
export async function runNeighbours(options: NeighbourOptions, environment: Environment): Promise<void> {
  const output = new Output<Row>(options.json, columns, environment);
  const wanted = chosen(shapes, ({ name }) => name, options.shape ?? 'ptb-small');
  for (const shape of wanted) {
    for (const threads of options.threads) {
      await using model = await network(shape, { device: 'cpu', threads });
      for (const make of [libuvPool, secondModel, workerThread]) {
        await using neighbour = await make(shape, threads);
        progress(`${neighbour.name} beside ${shape.name}, ${threads} thread${threads === 1 ? '' : 's'}`);
        output.row(await measureBoth(model, shape, threads, neighbour, options.seconds));
      }
    }
  }
  progress('');
}

async function measureBoth(
  model: Model,
  shape: Shape,
  threads: number,
  neighbour: Neighbour,
  seconds: number,
): Promise<Row> {
  const batch = makeBatch(shape);
  const train = (time: number) => countFor(time, () => model.trainStep(batch, stepOptions));
  await train(0.1);
  await neighbour.perSecond(0.1);
  const trainingAlone = await train(seconds);
  const alone = await neighbour.perSecond(seconds);
  const delay = monitorEventLoopDelay({ resolution: 1 });
  delay.enable();
  const [training, beside] = await Promise.all([train(seconds), neighbour.perSecond(seconds)]);
  delay.disable();
  return {
    suite: 'neighbours',
    shape: shape.name,
    threads,
    neighbour: neighbour.name,
    alonePerS: round(alone, 2),
    besidePerS: round(beside, 2),
    share: round(beside / alone, 3),
    trainingShare: round(training / trainingAlone, 3),
    loopDelayMs: round(delay.percentile(99) / 1e6, 2),
  };
}

/** How often a second `once` was done. */
async function countFor(seconds: number, once: () => Promise<unknown>): Promise<number> {
  const start = performance.now();
  let count = 0;
  while (performance.now() < start + seconds * 1e3) {
    await once();
    count++;
  }
  return (count * 1e3) / (performance.now() - start);
}

const derive = promisify(pbkdf2);

async function libuvPool(): Promise<Neighbour> {
  const once = () => derive('password', 'salt', 20_000, 32, 'sha256');
  return {
    name: "libuv's pool: one key derivation at a time",
    perSecond: (seconds) => countFor(seconds, once),
    async [Symbol.asyncDispose]() {},
  };
}

async function secondModel(shape: Shape, threads: number): Promise<Neighbour> {
  const model = await network(shape, { device: 'cpu', threads });
  const batch = makeBatch(shape);
  return {
    name: 'a second model of the same device',
    perSecond: (seconds) => countFor(seconds, () => model.trainStep(batch, stepOptions)),
    [Symbol.asyncDispose]: () => model.dispose(),
  };
}

/** Counts square roots until the time is over, and answers how many millions a second. */
const workerSource = `
  const { parentPort } = require('node:worker_threads');
  parentPort.on('message', (seconds) => {
    const start = performance.now();
    let sum = 0, millions = 0;
    while (performance.now() < start + seconds * 1e3) {
      for (let k = 0; k < 1e6; k++) sum += Math.sqrt(k);
      millions++;
    }
    parentPort.postMessage({ perSecond: (millions * 1e3) / (performance.now() - start), sum });
  });
`;

async function workerThread(): Promise<Neighbour> {
  const worker = new Worker(workerSource, { eval: true });
  return {
    name: 'a worker thread that computes in JavaScript',
    perSecond: (seconds) =>
      new Promise<number>((resolve, reject) => {
        worker.once('message', ({ perSecond }: { perSecond: number }) => resolve(perSecond));
        worker.once('error', reject);
        // oxlint-disable-next-line unicorn/require-post-message-target-origin -- a worker is no window
        worker.postMessage(seconds);
      }),
    async [Symbol.asyncDispose]() {
      await worker.terminate();
    },
  };
}
