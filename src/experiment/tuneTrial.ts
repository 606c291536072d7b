// What each worker thread of `tune` runs: one experiment with a trial's values, on its validation part or on folds.
import { existsSync } from 'node:fs';
import { rm } from 'node:fs/promises';
import { dirname, join } from 'node:path';
import { loadModel } from '../model/loadModel.js';
import type { DeviceOptions } from '../native/deviceOptions.js';
import type { Trial, TrialOutcome } from '../search/trial.js';
import type { Callback } from '../training/callbacks.js';
import type { EpochRecord } from '../training/history.js';
import { monitored, type Monitor } from '../training/monitor.js';
import { buildExperiment } from './buildExperiment.js';
import { resolveExperiment, type ExperimentConfig } from './experimentConfig.js';
import { foldPlacesOf, type FoldPlace } from './folds.js';
import { pathFrom } from './source.js';
import { withValues, type TuneConfig } from './tuneExperiment.js';

export default async function tuneTrial(config: TuneConfig, trial: Trial): Promise<TrialOutcome> {
  const { experiment, folder, monitor, folds, ...values } = config;
  const resolved = resolveExperiment(withValues(experiment, values, values), '$');
  const device = withThreads(resolved.device, trial.threads);
  const task: TrialTask = {
    experiment: { ...resolved, device } as ExperimentConfig,
    folder: pathFrom(dirname(trial.folder!), folder),
    monitor: monitor as Monitor,
    // With halving a run is of all epochs from the start, for schedules.
    epochs: trial.rungs.at(-1) ?? resolved.training.epochs,
    trial,
  };
  return trainRungs(task, foldPlacesOf(folds));
}

interface TrialTask {
  readonly experiment: ExperimentConfig;
  readonly folder: string;
  readonly monitor: Monitor;
  readonly epochs: number;
  readonly trial: Trial;
}

type Part = FoldPlace | undefined;

async function trainRungs(task: TrialTask, parts: readonly Part[]): Promise<TrialOutcome> {
  const { trial, epochs, monitor } = task;
  let from = trial.reached;
  await removeBefore(task, parts, from);
  for (;;) {
    const to = trial.rungs.find((rung) => rung > from) ?? epochs;
    const records: EpochRecord[] = [];
    // One model at a time is in memory.
    for (const part of parts) records.push(await train(task, part, { from, to }));
    const outcome = outcomeOf(records, monitor);
    // What early stopping ended does not go on.
    const isOver = trial.rungs.length === 0 || records.some(({ epoch }) => epoch < to);
    if (isOver || !(await trial.report(to, outcome.value)) || to === epochs) return outcome;
    from = to;
  }
}

/** Trains on one part from the end of an epoch to that of another, and gives the last epoch's record. */
async function train(
  { experiment, folder, monitor, epochs, trial }: TrialTask,
  part: Part,
  { from, to }: { readonly from: number; readonly to: number },
): Promise<EpochRecord> {
  const saved = checkpoint(trial, part, from);
  await using begun = from > 0 && existsSync(saved) ? await loadModel(saved, experiment.device) : undefined;
  const { model, train: data, fit } = await buildExperiment(experiment, { folder, model: begun, fold: part });
  await using _ = model;
  const history = await model.fit(data, {
    ...fit,
    ...(begun && { resume: true }),
    epochs,
    callbacks: [
      ...(fit.callbacks ?? []),
      stopAfter(to, monitor, to < epochs ? checkpoint(trial, part, to) : undefined),
    ],
    signal: trial.signal,
    verbose: 'silent',
  });
  return history.epochs.at(-1)!;
}

function stopAfter(epoch: number, monitor: Monitor, path: string | undefined): Callback {
  return {
    name: 'search',
    monitor,
    async onEpochEnd(record, control) {
      if (record.epoch < epoch) return;
      if (path !== undefined) await control.save(path);
      control.stop();
    },
  };
}

// By its epoch: until the value there is stored, what came before it has to stay.
function checkpoint({ folder }: Trial, part: Part, epoch: number): string {
  const fold = part === undefined ? '' : `fold-${part.index}-`;
  return join(folder!, `${fold}epoch-${epoch}.safetensors`);
}

async function removeBefore({ trial }: TrialTask, parts: readonly Part[], epoch: number): Promise<void> {
  const before = trial.rungs.filter((rung) => rung < epoch);
  const paths = before.flatMap((rung) => parts.map((part) => checkpoint(trial, part, rung)));
  await Promise.all(paths.map((path) => rm(path, { force: true })));
}

function outcomeOf(records: readonly EpochRecord[], monitor: Monitor): TrialOutcome {
  const values = records.map((record) => monitored(record, monitor, 'search'));
  return {
    value: mean(values),
    ...(values.length > 1 && { folds: values }),
    metrics: metricsOf(records as unknown as readonly Readonly<Record<string, unknown>>[]),
  };
}

/** The numbers of the last epochs, over the folds. */
function metricsOf(records: readonly Readonly<Record<string, unknown>>[]): Readonly<Record<string, number>> {
  const names = Object.keys(records[0]!).filter(
    (name) =>
      name !== 'epoch' && name !== 'seconds' && records.every((record) => Number.isFinite(record[name])),
  );
  return Object.fromEntries(
    names.map((name) => [name, mean(records.map((record) => record[name] as number))]),
  );
}

function mean(values: readonly number[]): number {
  return values.reduce((a, b) => a + b, 0) / values.length;
}

// What a GPU's options know nothing of.
function withThreads(device: DeviceOptions, threads: number): DeviceOptions {
  return device.device?.startsWith('cuda') ? device : { ...device, threads: device.threads ?? threads };
}
