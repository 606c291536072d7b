import { execFile } from 'node:child_process';
import { fileURLToPath } from 'node:url';
import { promisify } from 'node:util';

import { chosen } from './choice.js';
import { makeBatch, network, stepOptions } from './network.js';
import { type Column, type Environment, Output, progress, round } from './output.js';
import { type Shape, shapes } from './shapes.js';
import { timeFor } from './time.js';

export interface ScalingOptions {
  readonly json: boolean;
  readonly shape: string | undefined;
  readonly threads: readonly number[];
  readonly seconds: number;
}

interface Row {
  readonly suite: 'live-steps' | 'growth' | 'memory';
  /** `T x 4`: four times the smallest. */
  readonly case: string;
  readonly threads: number;
  readonly value: number;
  readonly unit: 'ms' | 'MiB';
  /** `live-steps`: of the full batch's time. `growth`: time by size, of that at the smallest. `memory`: process by plan. */
  readonly ratio: number;
}

const columns: readonly Column<Row>[] = [
  { title: 'suite', width: 11, text: (row) => row.suite },
  { title: 'case', width: 46, text: (row) => row.case },
  { title: 'threads', width: 7, text: (row) => row.threads },
  { title: 'value', width: 14, text: ({ value, unit }) => `${value.toFixed(3)} ${unit}` },
  { title: 'ratio', width: 6, text: ({ ratio }) => ratio.toFixed(3) },
];

/** What half the live steps cost, how time grows over 16 times T, N and L, and memory by plan and by process. */
export async function runScaling(options: ScalingOptions, environment: Environment): Promise<void> {
  const output = new Output<Row>(options.json, columns, environment);
  const wanted = chosen(shapes, ({ name }) => name, options.shape);
  for (const threads of options.threads) {
    for (const shape of wanted) await liveSteps(shape, threads, options.seconds, output);
    if (options.shape !== undefined) continue;
    for (const axis of axes) await growth(axis, threads, options.seconds, output);
  }
  for (const shape of wanted) await memory(shape, output);
}

/** Lengths from 1 to T, evenly: half of T on average. */
function halfLengths({ batchSize, timeSteps }: Shape): Int32Array {
  const lengths = new Int32Array(batchSize);
  return lengths.map((_, n) => Math.max(1, Math.round((timeSteps * (n + 0.5)) / batchSize)));
}

async function liveSteps(shape: Shape, threads: number, seconds: number, output: Output<Row>) {
  progress(`live steps: ${shape.name}`);
  await using model = await network(shape, { device: 'cpu', threads });
  const lengths = halfLengths(shape);
  const cases = [
    { name: 'all steps', batch: makeBatch(shape) },
    { name: 'half of them', batch: makeBatch(shape, lengths) },
  ];
  let full: number | undefined;
  for (const { name, batch } of cases) {
    const { medianMs } = await timeFor(seconds, () => model.trainStep(batch, stepOptions));
    full ??= medianMs;
    output.row({
      suite: 'live-steps',
      case: `${shape.name}, ${name}`,
      threads,
      value: round(medianMs, 4),
      unit: 'ms',
      ratio: round(medianMs / full, 4),
    });
  }
}

const factors = [1, 2, 4, 8, 16];
const smallest: Shape = {
  name: 'smallest',
  timeSteps: 16,
  batchSize: 16,
  channels: 128,
  hiddenSize: 128,
  numLayers: 1,
};
const axes = [
  { name: 'T', grown: (k: number) => ({ ...smallest, timeSteps: smallest.timeSteps * k }) },
  { name: 'N', grown: (k: number) => ({ ...smallest, batchSize: smallest.batchSize * k }) },
  { name: 'L', grown: (k: number) => ({ ...smallest, numLayers: k }) },
];

async function growth(
  { name, grown }: (typeof axes)[number],
  threads: number,
  seconds: number,
  output: Output<Row>,
) {
  let first: number | undefined;
  for (const factor of factors) {
    progress(`growth: ${name} x ${factor}`);
    const shape = grown(factor);
    await using model = await network(shape, { device: 'cpu', threads });
    const batch = makeBatch(shape);
    const { medianMs } = await timeFor(seconds, () => model.trainStep(batch, stepOptions));
    first ??= medianMs;
    output.row({
      suite: 'growth',
      case: `${name} x ${factor} (${name} = ${sizeOf(name, shape)})`,
      threads,
      value: round(medianMs, 4),
      unit: 'ms',
      ratio: round(medianMs / factor / first, 4),
    });
  }
}

function sizeOf(axis: string, { timeSteps, batchSize, numLayers }: Shape): number {
  return axis === 'T' ? timeSteps : axis === 'N' ? batchSize : numLayers;
}

const mebi = 2 ** 20;

const probe = fileURLToPath(new URL('../../test/support/memoryGrowth.mjs', import.meta.url));

/** What a model says it holds after two train steps, and by how much a process of its own grew. */
async function memory(shape: Shape, output: Output<Row>): Promise<void> {
  progress(`memory: ${shape.name}`);
  const { parameterBytes, activationBytes, grownBytes } = await growthOf(shape, {});
  const trimmed = await growthOf(shape, { MALLOC_MMAP_THRESHOLD_: '65536' });
  const planned = parameterBytes + activationBytes;
  const row = (name: string, bytes: number): Row => ({
    suite: 'memory',
    case: `${shape.name}, ${name}`,
    threads: 1,
    value: round(bytes / mebi, 3),
    unit: 'MiB',
    ratio: round(bytes / planned, 4),
  });
  output.row(row('parameters, gradients, moments', parameterBytes));
  output.row(row('activations, scratch, packed weights', activationBytes));
  output.row(row('process, free blocks kept by malloc', grownBytes));
  output.row(row('process, free blocks given back', trimmed.grownBytes));
}

async function growthOf(shape: Shape, env: NodeJS.ProcessEnv) {
  const { timeSteps, batchSize, channels, hiddenSize, numLayers } = shape;
  const sizes = [timeSteps, batchSize, channels, hiddenSize, numLayers].map(String);
  const options = { env: { ...process.env, ...env } };
  const { stdout } = await promisify(execFile)(process.execPath, ['--expose-gc', probe, ...sizes], options);
  return JSON.parse(stdout) as { parameterBytes: number; activationBytes: number; grownBytes: number };
}
