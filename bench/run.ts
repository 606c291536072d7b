/**
 * Times this package and its peers on the same networks in the same call.
 *
 *   npm run bench -- [--json] [--torch PYTHON] [--suite train-step|predict] [--shape NAME] [--threads N] [--seconds S]
 *
 * A train step is forward, cross-entropy on the last step's Dense(10), backward, clip by global norm 1, Adam.
 */
import { mkdtemp, readFile, rm, writeFile } from 'node:fs/promises';
import { availableParallelism, loadavg, tmpdir } from 'node:os';
import { join } from 'node:path';
import { parseArgs } from 'node:util';

import type { Contender, Inputs } from './support/contender.js';
import { measure } from './support/measure.js';
import { network, Ours } from './support/ours.js';
import { headLine, machineLine, tableLine } from './support/report.js';
import { classes, type Shape, shapes, suites } from './support/shapes.js';
import { Torch } from './support/torch.js';

const { values: options } = parseArgs({
  options: {
    json: { type: 'boolean', default: false },
    torch: { type: 'string' },
    suite: { type: 'string' },
    shape: { type: 'string' },
    threads: { type: 'string' },
    seconds: { type: 'string', default: '2' },
  },
});

function chosen<T>(all: readonly T[], nameOf: (one: T) => string, name: string | undefined): readonly T[] {
  const found = name === undefined ? all : all.filter((one) => nameOf(one) === name);
  if (found.length > 0) return found;
  throw new Error(`expected one of ${all.map(nameOf).join(', ')}, received ${name}`);
}

function threadCounts(): number[] {
  if (options.threads !== undefined) return [Number(options.threads)];
  return [...new Set([1, availableParallelism()])];
}

/** A small generator for inputs that are the same everywhere: Park and Miller, CACM 31 (1988). */
function* uniform(): Generator<number, never> {
  for (let state = 1; ; state = (state * 48_271) % 0x7fff_ffff) yield state / 0x7fff_ffff;
}

async function makeInputs(shape: Shape, folder: string): Promise<Inputs> {
  const inputs = {
    weightsPath: join(folder, `${shape.name}.safetensors`),
    xPath: join(folder, `${shape.name}.x`),
    yPath: join(folder, `${shape.name}.y`),
  };
  const model = await network(shape, 1);
  await model.save(inputs.weightsPath, { includeOptimizer: false });
  await model.dispose();
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

async function packageVersion(): Promise<string> {
  const text = await readFile(new URL('../package.json', import.meta.url), 'utf8');
  return (JSON.parse(text) as { version: string }).version;
}

function progress(text: string): void {
  process.stderr.write(process.stderr.isTTY ? `\r\u001b[K${text}` : `${text}\n`);
}

async function runAll(folder: string): Promise<void> {
  const versions: Record<string, string> = { 'cudnn-lstm': await packageVersion(), node: process.version };
  let headed = options.json;
  for (const threads of threadCounts()) {
    const contenders: Contender[] = [new Ours()];
    try {
      if (options.torch !== undefined) {
        const { torch, version } = await Torch.start(options.torch, threads);
        contenders.push(torch);
        versions['torch'] = version;
      }
      if (!headed) console.log(`${machineLine(versions)}\n${headLine()}`);
      headed = true;
      for (const suite of chosen(suites, (one) => one, options.suite)) {
        for (const shape of chosen(shapes, ({ name }) => name, options.shape)) {
          progress(`${suite} ${shape.name}, ${threads} thread${threads === 1 ? '' : 's'}`);
          const inputs = await makeInputs(shape, folder);
          const rows = await measure(contenders, { suite, shape, threads }, inputs, Number(options.seconds));
          if (process.stderr.isTTY) progress('');
          for (const row of rows) console.log(options.json ? JSON.stringify(row) : tableLine(row));
        }
      }
    } finally {
      for (const contender of contenders) await contender.close();
    }
  }
}

const [load = 0] = loadavg();
if (load > 0.5) console.error(`load average ${load.toFixed(1)}: other work makes these times unsteady`);
const folder = await mkdtemp(join(tmpdir(), 'lstm-bench-'));
try {
  await runAll(folder);
} finally {
  await rm(folder, { recursive: true });
}
