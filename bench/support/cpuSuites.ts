import { chosen } from './choice.js';
import { compare, type Method, type Result } from './compare.js';
import { makeInputs, withFolder } from './inputs.js';
import { nativeLatency } from './nativeLatency.js';
import { ownContenders } from './ours.js';
import { bar, type Column, type Environment, note, Output, progress, round } from './output.js';
import { startPeers } from './peers.js';
import { type CpuTrial, flop, shapesOf, type Suite, suites } from './shapes.js';

export interface SuiteOptions {
  readonly json: boolean;
  readonly torch: string | undefined;
  readonly suite: string | undefined;
  readonly shape: string | undefined;
  readonly threads: readonly number[];
  readonly seconds: number;
}

interface Row {
  readonly suite: Suite;
  readonly shape: string;
  readonly threads: number;
  readonly contender: string;
  readonly medianMs: number;
  readonly minMs: number;
  readonly spreadMs: number;
  readonly gflopPerS: number;
  /** On a peer's row: its median by ours, above 1 we are faster. */
  readonly ratio?: number;
}

const columns: readonly Column<Row>[] = [
  { title: 'suite', width: 10, text: (row) => row.suite },
  { title: 'shape', width: 12, text: (row) => row.shape },
  { title: 'threads', width: 7, text: (row) => row.threads },
  { title: 'contender', width: 24, text: (row) => row.contender },
  { title: 'median ms', width: 10, text: (row) => row.medianMs.toFixed(4) },
  { title: 'min ms', width: 10, text: (row) => row.minMs.toFixed(4) },
  { title: 'spread ms', width: 10, text: (row) => row.spreadMs.toFixed(4) },
  { title: 'GFLOP/s', width: 8, text: (row) => row.gflopPerS.toFixed(1) },
  {
    title: 'ours is faster by',
    width: 48,
    text: ({ ratio }) => (ratio === undefined ? '' : `${bar(ratio)} ${ratio.toFixed(2)} x`),
  },
];

/** Float32 sums in another order lie closer than this. */
const tolerance = 1e-4;

/** Every suite at its shapes: one sequence at once is for one thread alone. */
export async function runSuites(options: SuiteOptions, environment: Environment): Promise<void> {
  const output = new Output<Row>(options.json, columns, environment);
  const wanted = chosen(suites, (one) => one, options.suite);
  const all = wanted.flatMap((suite) => shapesOf[suite]);
  chosen(all, ({ name }) => name, options.shape);
  for (const threads of options.threads) {
    const trials = wanted
      .filter((suite) => threads === 1 || suite === 'train-step' || suite === 'predict')
      .flatMap((suite) => shapesOf[suite].map((shape) => ({ suite, shape, threads })))
      .filter(({ shape }) => options.shape === undefined || shape.name === options.shape);
    if (trials.length > 0) await runTrials(trials, threads, options, output);
  }
}

async function runTrials(
  trials: readonly CpuTrial[],
  threads: number,
  { torch, seconds }: SuiteOptions,
  output: Output<Row>,
): Promise<void> {
  const { peers, versions, skipped } = await startPeers(torch, threads);
  for (const one of skipped) note(`left out: ${one}`);
  const contenders = [...ownContenders(), ...peers];
  try {
    for (const [index, trial] of trials.entries()) {
      progress(`${index + 1} of ${trials.length}: ${titleOf(trial)}`);
      const results = await withFolder(async (folder) =>
        compare(contenders, trial, await makeInputs(trial.shape, folder), methodFor(seconds), titleOf(trial)),
      );
      progress('');
      for (const result of results) output.row(rowOf(trial, result), versions);
      if (trial.suite === 'latency' || trial.suite === 'streaming') await nativeRows(trial, output, versions);
    }
  } finally {
    for (const contender of contenders) await contender.close();
  }
}

/** The same in C++, where the program is built; not in turns with the others. */
async function nativeRows(trial: CpuTrial, output: Output<Row>, versions: Environment): Promise<void> {
  try {
    for (const { shape, weights, medianMs } of await nativeLatency()) {
      if (shape !== trial.shape.name) continue;
      const result = { contender: `cudnn-lstm C++ ${weights}`, medianMs, minMs: medianMs, spreadMs: 0 };
      output.row(rowOf(trial, result), versions);
    }
  } catch (error) {
    note(`left out: C++: ${error instanceof Error ? error.message : String(error)}`);
  }
}

function methodFor(secondsEach: number): Method {
  return { turns: 5, secondsEach, warmRuns: 3, tolerance };
}

function titleOf({ suite, shape, threads }: CpuTrial): string {
  return `${suite} ${shape.name}, ${threads} thread${threads === 1 ? '' : 's'}`;
}

function rowOf({ suite, shape, threads }: CpuTrial, result: Result): Row {
  const { contender, medianMs, minMs, spreadMs, ratio } = result;
  return {
    suite,
    shape: shape.name,
    threads,
    contender,
    medianMs: round(medianMs, 4),
    minMs: round(minMs, 4),
    spreadMs: round(spreadMs, 4),
    gflopPerS: round(flop(shape, suite) / medianMs / 1e6, 2),
    ...(ratio !== undefined && { ratio: round(ratio, 3) }),
  };
}
