import { existsSync } from 'node:fs';
import { availableParallelism } from 'node:os';
import { join } from 'node:path';
import { parseArgs } from 'node:util';

import type { Callback, Model } from 'cudnn-lstm';

import { exportData, type Shared } from './exportData.js';
import { StepClock } from './stepClock.js';

/** What an example came to. */
export interface Outcome {
  /** On data the model has not learnt from. */
  readonly scores: Readonly<Record<string, number>>;
  /** The first score of simpler methods, by their names. */
  readonly baselines: Readonly<Record<string, number>>;
}

/** An example's last line with `--json`. */
export interface ExampleResult extends Outcome {
  readonly parameters: number;
  readonly steps: number;
  /** Of the training steps alone, without validation. */
  readonly trainSeconds: number;
}

/** What every example takes: `--data FOLDER [--seed 1] [--threads N] [--quick] [--json] [--export FOLDER [--export-only]]`. */
export interface ExampleRun {
  /** Where the data set lies. */
  readonly folder: string;
  readonly seed: number;
  readonly threads: number;
  /** A small part of the data and few epochs: shows that it runs, not how good it is. */
  readonly quick: boolean;
  /** Callbacks that measure the training time and, with `--export`, write the parameters that training starts from. */
  readonly watchers: readonly Callback[];
  /** Of an option of the example's own. */
  option(name: string): string | undefined;
  /** With `--export` writes data and settings for `bench/baselines/tasks`; with `--export-only` the process ends where training would begin. */
  share(shared: Shared): void;
  /** Prints the outcome: a line for people or, with `--json`, for programs. */
  finish(model: Model, outcome: Outcome): void;
}

/**
 * Reads the command line of an example.
 *
 * @param dataSet the data set's folder in `--data`.
 * @param own options of the example's own; each takes a value.
 * @throws Error where the data set is not there.
 */
export function startRun(dataSet: string, own: readonly string[] = []): ExampleRun {
  const { values } = parseArgs({
    options: {
      data: { type: 'string' },
      seed: { type: 'string', default: '1' },
      threads: { type: 'string', default: String(availableParallelism()) },
      quick: { type: 'boolean', default: false },
      json: { type: 'boolean', default: false },
      export: { type: 'string' },
      'export-only': { type: 'boolean', default: false },
      ...Object.fromEntries(own.map((name) => [name, { type: 'string' as const }])),
    },
  });
  const folder = join(values.data ?? '', dataSet);
  if (values.data === undefined || !existsSync(folder)) {
    throw new Error(`--data: expected a folder with '${dataSet}' in it, as examples/README.md describes it`);
  }
  const clock = new StepClock();
  const start: Callback = {
    name: 'start',
    async onTrainBegin(_, control) {
      if (values.export !== undefined) await control.save(join(values.export, 'start.safetensors'));
      if (values['export-only']) process.exit();
    },
  };
  return {
    folder,
    seed: Number(values.seed),
    threads: Number(values.threads),
    quick: values.quick,
    watchers: [clock, start],
    option: (name) => (values as Readonly<Record<string, unknown>>)[name] as string | undefined,
    share: (shared) => {
      if (values.export !== undefined) exportData(values.export, shared, Number(values.seed));
    },
    finish: (model, outcome) => {
      const { steps, seconds } = clock;
      const result = { ...outcome, parameters: model.parameterCount, steps, trainSeconds: seconds };
      console.log(values.json ? JSON.stringify(result) : text(result));
    },
  };
}

function text({ scores, baselines, steps, trainSeconds }: ExampleResult): string {
  const list = (values: Readonly<Record<string, number>>): string =>
    Object.entries(values)
      .map(([name, value]) => `${name} ${value.toPrecision(4)}`)
      .join(', ');
  return `${list(scores)} (simpler: ${list(baselines)}); ${steps} steps in ${trainSeconds.toFixed(1)} s`;
}
