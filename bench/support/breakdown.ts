import { execFile } from 'node:child_process';
import { promisify } from 'node:util';

import { chosen } from './choice.js';
import { makeBatch, network, stepOptions } from './network.js';
import { type Column, type Environment, Output, progress, round } from './output.js';
import { findProgram } from './program.js';
import { classes, type Shape, shapes } from './shapes.js';
import { timeFor } from './time.js';

export interface BreakdownOptions {
  readonly json: boolean;
  readonly shape: string | undefined;
  readonly threads: readonly number[];
  readonly seconds: number;
}

/** What the native program prints (bench/native/lstm_breakdown.cpp). */
interface Native {
  readonly instructionSet: string;
  readonly threads: number;
  /** Of one core. */
  readonly fmaPeakGflops: number;
  /** With the profile on; the parts add up to it. */
  readonly stepMs: number;
  readonly plainStepMs: number;
  readonly parts: readonly { name: string; ms: number; gflop: number; floorMs: number }[];
}

interface Row {
  readonly suite: 'breakdown';
  readonly shape: string;
  readonly threads: number;
  readonly part: string;
  readonly ms: number;
  /** Of the step as called from JavaScript. */
  readonly share: number;
  /** What the part's multiply-adds or bytes take at the measured peak or copy rate; absent where neither bounds it. */
  readonly floorMs?: number;
  readonly gflop?: number;
  /** What its multiply-adds reach of all threads' peak; absent where it has none. */
  readonly shareOfPeak?: number;
  /** Of one core, in this run. */
  readonly fmaPeakGflops: number;
  readonly copyGbPerS: number;
}

const columns: readonly Column<Row>[] = [
  { title: 'shape', width: 11, text: (row) => row.shape },
  { title: 'threads', width: 7, text: (row) => row.threads },
  { title: 'part', width: 28, text: (row) => row.part },
  { title: 'ms', width: 9, text: (row) => row.ms.toFixed(3) },
  { title: 'share', width: 7, text: (row) => `${(100 * row.share).toFixed(1)} %` },
  { title: 'floor ms', width: 9, text: ({ floorMs }) => floorMs?.toFixed(3) ?? '' },
  {
    title: 'of floor',
    width: 9,
    text: ({ ms, floorMs }) => (floorMs === undefined ? '' : `${(ms / floorMs).toFixed(2)} x`),
  },
  {
    title: 'of peak',
    width: 8,
    text: ({ shareOfPeak }) => (shareOfPeak === undefined ? '' : `${(100 * shareOfPeak).toFixed(0)} %`),
  },
  { title: 'peak GFLOP/s', width: 12, text: (row) => row.fmaPeakGflops.toFixed(1) },
];

/** The forward pass but for its packing of weights, which the profile counts with the backward pass's. */
const forwardParts: readonly string[] = ['x·W', 'h·R', 'cells'];

/** The step's parts at each shape; they add up to the step as called from JavaScript. */
export async function runBreakdown(options: BreakdownOptions, environment: Environment): Promise<void> {
  const program = findProgram('lstm_breakdown');
  const output = new Output<Row>(options.json, columns, environment);
  for (const shape of chosen(shapes, ({ name }) => name, options.shape)) {
    for (const threads of options.threads) {
      progress(`${shape.name}, ${threads} thread${threads === 1 ? '' : 's'}`);
      const native = await runNative(program, shape, threads, options.seconds);
      const rows = rowsOf(shape, native, await stepFromJs(shape, threads, options.seconds));
      progress('');
      for (const row of rows) output.row(row);
    }
  }
}

async function runNative(program: string, shape: Shape, threads: number, seconds: number): Promise<Native> {
  const { timeSteps, batchSize, channels, hiddenSize, numLayers } = shape;
  const args = [timeSteps, batchSize, channels, hiddenSize, numLayers, threads, seconds].map(String);
  const { stdout } = await promisify(execFile)(program, args);
  return JSON.parse(stdout) as Native;
}

async function stepFromJs(shape: Shape, threads: number, seconds: number): Promise<number> {
  await using model = await network(shape, { device: 'cpu', threads });
  const batch = makeBatch(shape);
  const { medianMs } = await timeFor(seconds, () => model.trainStep(batch, stepOptions));
  return medianMs;
}

function rowsOf(shape: Shape, native: Native, jsMs: number): Row[] {
  const { threads, fmaPeakGflops, stepMs, plainStepMs } = native;
  const copyGbPerS = copyRate(moments * parameterBytes(shape));
  const row = (part: string, ms: number, floorMs = 0, gflop = 0): Row => ({
    suite: 'breakdown',
    shape: shape.name,
    threads,
    part,
    ms: round(ms, 4),
    share: round(ms / jsMs, 4),
    ...(floorMs > 0 && { floorMs: round(floorMs, 4) }),
    ...(gflop > 0 && {
      gflop: round(gflop, 4),
      shareOfPeak: round((gflop * 1e3) / (ms * threads * fmaPeakGflops), 4),
    }),
    fmaPeakGflops,
    copyGbPerS: round(copyGbPerS, 1),
  });
  const floorOf = ({ name, floorMs }: Native['parts'][number]) =>
    floorMs > 0 ? floorMs : (bytesMoved(name, shape) * 1e-6) / (copyGbPerS * threads);
  const sumOf = (parts: Native['parts'], key: 'ms' | 'floorMs' | 'gflop') =>
    parts.reduce((sum, part) => sum + part[key], 0);
  const forward = native.parts.filter(({ name }) => forwardParts.includes(name));
  const gflop = sumOf(native.parts, 'gflop');
  return [
    ...native.parts.map((part) => row(part.name, part.ms, floorOf(part), part.gflop)),
    row('the profile itself', plainStepMs - stepMs),
    row('from JavaScript', jsMs - plainStepMs),
    row(
      'forward (x·W, h·R, cells)',
      sumOf(forward, 'ms'),
      sumOf(forward, 'floorMs'),
      sumOf(forward, 'gflop'),
    ),
    row('step from JavaScript', jsMs, (gflop / (threads * fmaPeakGflops)) * 1e3, gflop),
  ];
}

/** Arenas of a training model: parameters, gradients, two moments. */
const moments = 4;

function parameterBytes({ channels, hiddenSize, numLayers }: Shape): number {
  let count = classes * (hiddenSize + 1);
  for (let layer = 0; layer < numLayers; layer++)
    count += 4 * hiddenSize * ((layer === 0 ? channels : hiddenSize) + hiddenSize + 2);
  return 4 * count;
}

/** Bytes that a part cannot do without, 0 where its arithmetic bounds it or what it moves stays in the nearest cache. */
function bytesMoved(part: string, shape: Shape): number {
  // The norm reads g; the update reads p, g, m, v, writes p, m, v and clears g.
  if (part === 'update') return 9 * parameterBytes(shape);
  // Weights are read and written once for the forward and once for the backward products.
  if (part === 'pack weights') return 4 * parameterBytes(shape);
  return 0;
}

/** GB/s that one thread copies, bytes read and written together, while it walks over so many bytes in all. */
function copyRate(bytes: number): number {
  const from = new Float32Array(Math.ceil(bytes / 8)).fill(1);
  const to = new Float32Array(from.length);
  const repetitions = Math.max(1, Math.round(2 ** 25 / bytes));
  let best = Number.POSITIVE_INFINITY;
  for (let k = 0; k < 7; k++) {
    const start = performance.now();
    for (let i = 0; i < repetitions; i++) to.set(from);
    best = Math.min(best, (performance.now() - start) / repetitions);
  }
  return (2 * from.byteLength) / best / 1e6;
}
