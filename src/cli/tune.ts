import { writeFile } from 'node:fs/promises';
import { dirname, join, relative } from 'node:path';
import { parseArgs } from 'node:util';
import { AbortError } from '../errors.js';
import { movedConfig } from '../experiment/movedConfig.js';
import { inFile, readExperiment, type ExperimentFile } from '../experiment/readExperiment.js';
import { pathFrom } from '../experiment/source.js';
import { tuneExperiment, type Tuning } from '../experiment/tuneExperiment.js';
import type { TrialResult } from '../search/trial.js';
import { exitCode } from './exitCode.js';
import { makeFolders } from './folders.js';
import { Interruption } from './interruption.js';
import { oneArgument } from './options.js';
import { print, say } from './output.js';

export const help = `Usage: cudnn-lstm tune CONFIG [OPTIONS]

Trains the model of a config file with other settings, as its search says, several at once. Trials are stored as they end:
after Ctrl-C or a crash the same command goes on. Writes the config with the best settings (search.best), and a table and
a picture of the trials (trials.csv and trials.svg in search.folder).

  --quiet               no progress
  --json                results as one line of JSON`;

export async function run(args: string[]): Promise<number> {
  const { values, positionals } = parseArgs({
    args,
    allowPositionals: true,
    options: { quiet: { type: 'boolean', default: false }, json: { type: 'boolean', default: false } },
  });
  const file = await readExperiment(oneArgument(positionals, 'a config file'));
  using interruption = new Interruption('stopping; Ctrl-C again ends at once');
  try {
    const tuning = await inFile(file.path, async () => {
      const best = file.config.search && pathFrom(file.folder, file.config.search.best);
      await makeFolders({ '$.search.best': best });
      return tuneExperiment(file.config, {
        folder: file.folder,
        signal: interruption.signal,
        onTrial: values.quiet ? () => {} : (trial) => say(trialLine(trial)),
      });
    });
    return await report(file, tuning, values.json);
  } catch (error) {
    if (!(error instanceof AbortError)) throw error;
    say(`stopped; the trials that ended are stored. To go on:\n  npx cudnn-lstm tune ${file.path}`);
    return exitCode.interrupted;
  }
}

function trialLine({ number, state, value, seconds, error }: TrialResult): string {
  const result = error === undefined ? `${value?.toPrecision(6)}` : error.message;
  return `trial ${number}  ${state}  ${result}  ${seconds.toFixed(1)} s`;
}

async function report(
  { config, folder, path }: ExperimentFile,
  { result, best }: Tuning,
  json: boolean,
): Promise<number> {
  const search = config.search!;
  const bestPath = pathFrom(folder, search.best);
  const trials = pathFrom(folder, search.folder);
  const moved = movedConfig(best, relative(dirname(bestPath), folder));
  await writeFile(bestPath, `${JSON.stringify(moved, undefined, 2)}\n`);
  await writeFile(join(trials, 'trials.csv'), result.toCsv());
  await writeFile(join(trials, 'trials.svg'), result.toSvg({ title: path }));
  const { number, value } = result.best;
  const values = Object.fromEntries(
    Object.keys(search.space).map((name) => [name, (result.best.config as Record<string, unknown>)[name]]),
  );
  if (json) {
    await print(JSON.stringify({ best: { trial: number, value, values, config: bestPath }, folder: trials }));
    return exitCode.ok;
  }
  await print(result.toTable());
  await print(
    `\nbest: trial ${number}, ${search.monitor} ${value.toPrecision(6)}; its config is ${bestPath}`,
  );
  say(`\nnext: npx cudnn-lstm train ${bestPath}`);
  return exitCode.ok;
}
