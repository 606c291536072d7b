import { existsSync } from 'node:fs';
import { join } from 'node:path';
import { parseArgs } from 'node:util';
import { AbortError, CheckpointError } from '../errors.js';
import { buildExperiment, type Experiment } from '../experiment/buildExperiment.js';
import type { TaskName } from '../experiment/dataConfig.js';
import type { ResolvedExperiment } from '../experiment/experimentConfig.js';
import { taskOf } from '../experiment/kept.js';
import { inFile, readExperiment, type ExperimentFile } from '../experiment/readExperiment.js';
import { pathFrom } from '../experiment/source.js';
import { loadModel } from '../model/loadModel.js';
import type { Callback } from '../training/callbacks.js';
import { csvLog } from '../training/callbacks/csvLog.js';
import { modelCheckpoint } from '../training/callbacks/modelCheckpoint.js';
import type { History } from '../training/history.js';
import { exitCode } from './exitCode.js';
import { makeFolders } from './folders.js';
import { Interruption } from './interruption.js';
import { deviceArgs, deviceHelp, deviceOptions, oneArgument, wholeNumber } from './options.js';
import { aligned, print, say } from './output.js';

export const help = `Usage: cudnn-lstm train CONFIG [OPTIONS]

Trains the model of a config file and writes it to the config's output.model. A checkpoint is written after every epoch,
and after every output.everySteps steps. Ctrl-C stops and saves; --resume goes on where the last run stopped, as if it had
not stopped. A second Ctrl-C ends at once.

  --resume              go on from the config's output.checkpoint
  --epochs N            instead of the config's
  --report FOLDER       writes report.html there: curves, confusion matrix or forecast, worst examples
${deviceHelp}
  --quiet               no progress
  --json                results as one line of JSON`;

export async function run(args: string[]): Promise<number> {
  const { values, positionals } = parseArgs({
    args,
    allowPositionals: true,
    options: {
      resume: { type: 'boolean', default: false },
      epochs: { type: 'string' },
      report: { type: 'string' },
      quiet: { type: 'boolean', default: false },
      json: { type: 'boolean', default: false },
      ...deviceArgs,
    },
  });
  const path = oneArgument(positionals, 'a config file');
  const epochs = values.epochs === undefined ? undefined : wholeNumber('--epochs', values.epochs, 1);
  const file = await readExperiment(path);
  const { config } = file;
  return train(
    {
      ...file,
      config: {
        ...config,
        device: { ...config.device, ...deviceOptions(values) },
        training: { ...config.training, epochs: epochs ?? config.training.epochs },
      },
    },
    values,
  );
}

interface Settings {
  readonly report?: string | undefined;
  readonly resume: boolean;
  readonly quiet: boolean;
  readonly json: boolean;
}

async function train(file: ExperimentFile, settings: Settings): Promise<number> {
  using interruption = new Interruption('stopping after this step; Ctrl-C again ends at once');
  const { config, folder, path } = file;
  const { model: modelPath, checkpoint: checkpointPath, history: historyPath } = config.output;
  const checkpoint = pathFrom(folder, checkpointPath);
  await inFile(path, () =>
    makeFolders({
      '$.output.model': pathFrom(folder, modelPath),
      '$.output.checkpoint': checkpoint,
      '$.output.history': historyPath && pathFrom(folder, historyPath),
      '--report': settings.report && join(settings.report, 'report.html'),
    }),
  );
  const experiment = await inFile(path, () => prepared(file, settings.resume ? checkpoint : undefined));
  await using model = experiment.model;
  if (!settings.quiet) say(`${aligned(experiment.summary)}\n\n${model.summary()}\n`);
  if (interruption.signal.aborted) return nothingDone();
  try {
    const history = await model.fit(experiment.train, {
      ...experiment.fit,
      callbacks: [...(experiment.fit.callbacks ?? []), ...files(file, checkpoint)],
      verbose: settings.quiet ? 'silent' : 'auto',
      signal: interruption.signal,
      resume: settings.resume,
    });
    return await finished(file, experiment, history, settings);
  } catch (error) {
    if (!(error instanceof AbortError)) throw error;
    await model.save(checkpoint);
    say(`stopped; ${checkpoint} has everything. To go on:\n  npx cudnn-lstm train ${path} --resume`);
    return exitCode.interrupted;
  }
}

// While data was read: what an earlier run saved stays as it is.
function nothingDone(): number {
  say('stopped before the first step');
  return exitCode.interrupted;
}

async function prepared(
  { config, folder }: ExperimentFile,
  checkpoint: string | undefined,
): Promise<Experiment> {
  if (checkpoint === undefined) return buildExperiment(config, { folder });
  if (!existsSync(checkpoint)) {
    const expected = 'a checkpoint of a run that was begun without --resume';
    throw new CheckpointError(`${checkpoint}: expected ${expected}, received none`, {
      path: checkpoint,
      expected,
    });
  }
  const model = await loadModel(checkpoint, config.device);
  try {
    requireTask(taskOf(model, checkpoint), config.data.task, checkpoint);
    return await buildExperiment(config, { folder, model });
  } catch (error) {
    await model.dispose();
    throw error;
  }
}

function requireTask(trained: TaskName, asked: TaskName, checkpoint: string): void {
  if (trained === asked) return;
  const expected = `a checkpoint of the task ${asked}, $.data.task`;
  throw new CheckpointError(`${checkpoint}: expected ${expected}, received one of ${trained}`, {
    path: checkpoint,
    expected,
    received: trained,
  });
}

function files({ config, folder }: ExperimentFile, checkpoint: string): Callback[] {
  const { everySteps, history } = config.output;
  return [
    modelCheckpoint({
      path: checkpoint,
      keep: 'last',
      every: 1,
      ...(everySteps !== undefined && { everySteps }),
    }),
    ...(history === undefined ? [] : [csvLog({ path: pathFrom(folder, history) })]),
  ];
}

async function finished(
  { config, folder }: ExperimentFile,
  { model, train: trainingData, fit }: Experiment,
  history: History,
  { json, quiet, report: reportFolder }: Settings,
): Promise<number> {
  const path = pathFrom(folder, config.output.model);
  await model.save(path, { includeOptimizer: false });
  const report =
    reportFolder === undefined
      ? undefined
      : await model.report(reportFolder, { history, trainingData, data: fit.validationData, config });
  const last = history.epochs.at(-1);
  if (json) {
    await print(
      JSON.stringify({ model: path, report, stopped: history.stopped, ...last, history: history.epochs }),
    );
    return exitCode.ok;
  }
  await print(aligned({ ...last, model: path, ...(report !== undefined && { report }) }));
  if (!quiet) say(nextSteps(config, path));
  return exitCode.ok;
}

function nextSteps({ data }: ResolvedExperiment, model: string): string {
  return data.task === 'languageModel'
    ? `\nnext: npx cudnn-lstm generate ${model} --prompt TEXT`
    : `\nnext: npx cudnn-lstm predict ${model} FILE`;
}
