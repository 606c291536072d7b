/**
 * Times train steps on the first GPU, and PyTorch's beside them in the same call, one step at a time and as one CUDA
 * graph. Fails when there is no GPU.
 *
 *   npm run bench:cuda -- [--json] [--torch PYTHON] [--shape NAME] [--precision fp32|tf32] [--seconds S]
 *
 * A train step is forward, cross-entropy on the last states' Dense(10), backward, clip by global norm 1, Adam. Ours takes
 * its batch from host memory and gives its loss back each time; PyTorch's batch lies on the GPU and no loss is read.
 */
import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { parseArgs } from 'node:util';

import { devices, type GpuListing } from 'cudnn-lstm';

import type { Inputs } from './support/contender.js';
import { type CudaContender, cudaNetwork, OursOnCuda, TorchOnCuda } from './support/cudaContender.js';
import { type CudaShape, cudaShapes, precisions } from './support/cudaShapes.js';
import { type CudaRow, measureCuda } from './support/measureCuda.js';
import { classes } from './support/shapes.js';

const { values: options } = parseArgs({
  options: {
    json: { type: 'boolean', default: false },
    torch: { type: 'string' },
    shape: { type: 'string' },
    precision: { type: 'string' },
    seconds: { type: 'string', default: '2' },
  },
});

async function findGpu(): Promise<GpuListing> {
  const reasons: string[] = [];
  for (const one of await devices()) {
    if (one.device === 'cpu') continue;
    if (!one.available) reasons.push(`${one.device}: ${one.reason} ${one.install.join(' ')}`);
    else if (one.standIn) reasons.push(`${one.device}: ${one.name}`);
    else return one;
  }
  throw new Error(`this bench needs a GPU, and there is none. ${reasons.join('; ')}`);
}

function chosen<T>(all: readonly T[], nameOf: (one: T) => string, name: string | undefined): readonly T[] {
  const found = name === undefined ? all : all.filter((one) => nameOf(one) === name);
  if (found.length > 0) return found;
  throw new Error(`expected one of ${all.map(nameOf).join(', ')}, received ${name}`);
}

/** A small generator for inputs that are the same everywhere: Park and Miller, CACM 31 (1988). */
function* uniform(): Generator<number, never> {
  for (let state = 1; ; state = (state * 48_271) % 0x7fff_ffff) yield state / 0x7fff_ffff;
}

async function makeInputs(shape: CudaShape, folder: string): Promise<Inputs> {
  const path = (ending: string) => join(folder, `${shape.name}.${ending}`);
  const inputs = { weightsPath: path('safetensors'), xPath: path('x'), yPath: path('y') };
  await using model = await cudaNetwork(shape);
  await model.save(inputs.weightsPath, { includeOptimizer: false });
  const numbers = uniform();
  const x = new Float32Array(shape.batchSize * shape.timeSteps * shape.channels);
  await writeFile(
    inputs.xPath,
    x.map(() => 2 * numbers.next().value - 1),
  );
  const y = new Int32Array(shape.batchSize);
  await writeFile(
    inputs.yPath,
    y.map(() => Math.floor(classes * numbers.next().value)),
  );
  return inputs;
}

const columns = [11, 10, 12, 10, 10, 10, 9] as const;

function line(cells: readonly (string | number)[]): string {
  return cells.map((cell, index) => String(cell).padEnd(columns[index] ?? 0)).join('');
}

function tableLine(row: CudaRow): string {
  const times = [row.medianMs, row.minMs, row.spreadMs].map((ms) => ms.toFixed(3));
  const ratios = [
    row.ratioToTorchEager === undefined ? '' : `${row.ratioToTorchEager.toFixed(2)} x eager`,
    row.ratioToTorchGraph === undefined ? '' : `${row.ratioToTorchGraph.toFixed(2)} x graph`,
  ];
  const cells = [row.shape, row.precision, row.contender, ...times, row.tflopPerS.toFixed(1)];
  return `${line(cells)}${ratios.filter((ratio) => ratio !== '').join(', ')}`;
}

async function startContenders(): Promise<{ contenders: CudaContender[]; versions: object }> {
  const contenders: CudaContender[] = [new OursOnCuda()];
  let versions = {};
  for (const form of options.torch === undefined ? [] : (['eager', 'graph'] as const)) {
    const { contender, info } = await TorchOnCuda.start(options.torch!, form);
    contenders.push(contender);
    versions = { torch: info.torch, torchCudnn: info.cudnn };
  }
  return { contenders, versions };
}

async function runAll(gpu: GpuListing, folder: string): Promise<void> {
  const { contenders, versions } = await startContenders();
  try {
    const { name, driverVersion, runtimeVersion, cudnnVersion } = gpu;
    const head = { gpu: name, driver: driverVersion, cuda: runtimeVersion, cudnn: cudnnVersion, ...versions };
    const titles = ['shape', 'precision', 'contender', 'median ms', 'min ms', 'spread ms', 'TFLOP/s'];
    console.log(options.json ? JSON.stringify(head) : `${JSON.stringify(head)}\n${line(titles)}`);
    for (const shape of chosen(cudaShapes, ({ name }) => name, options.shape)) {
      const inputs = await makeInputs(shape, folder);
      for (const precision of chosen(precisions, (one) => one, options.precision)) {
        const rows = await measureCuda(contenders, shape, precision, inputs, Number(options.seconds));
        for (const row of rows) console.log(options.json ? JSON.stringify(row) : tableLine(row));
      }
    }
  } finally {
    for (const contender of contenders) await contender.close();
  }
}

try {
  const gpu = await findGpu();
  const folder = await mkdtemp(join(tmpdir(), 'lstm-bench-'));
  try {
    await runAll(gpu, folder);
  } finally {
    await rm(folder, { recursive: true });
  }
} catch (error) {
  console.error(`bench:cuda: ${error instanceof Error ? error.message : String(error)}`);
  process.exitCode = 1;
}
