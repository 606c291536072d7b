// What each worker thread of `tune` runs: one experiment with a trial's values.
import { join } from 'node:path';
import { loadModel } from '../model/loadModel.js';
import type { DeviceOptions } from '../native/deviceOptions.js';
import type { Trial, TrialOutcome } from '../search/trial.js';
import { monitored, type Monitor } from '../training/monitor.js';
import { buildExperiment } from './buildExperiment.js';
import { resolveExperiment, type ExperimentConfig } from './experimentConfig.js';
import { withValues, type TuneConfig } from './tuneExperiment.js';

export default async function tuneTrial(config: TuneConfig, trial: Trial): Promise<TrialOutcome> {
  const { experiment, folder, monitor, ...values } = config;
  const resolved = resolveExperiment(withValues(experiment, values, values));
  const own = { ...resolved, device: withThreads(resolved.device, trial.threads) } as ExperimentConfig;
  const goesOn = trial.reached > 0 && trial.folder !== undefined;
  const begun = goesOn ? await loadModel(join(trial.folder, 'model.safetensors'), own.device) : undefined;
  const { model, train, fit } = await buildExperiment(own, { folder, model: begun });
  await using _ = model;
  const history = await model.fit(train, {
    ...fit,
    ...(begun && { resume: true }),
    ...(trial.rungs.length > 0 && { epochs: trial.rungs.at(-1)! }),
    callbacks: [
      ...(fit.callbacks ?? []),
      ...(trial.rungs.length > 0 ? [trial.callback({ monitor: monitor as Monitor })] : []),
    ],
    signal: trial.signal,
    verbose: 'silent',
  });
  const { epoch: _epoch, seconds: _seconds, ...record } = history.epochs.at(-1)!;
  const numbers = Object.entries(record).filter(([, value]) => Number.isFinite(value));
  return {
    value: monitored(history.epochs.at(-1)!, monitor, 'search'),
    metrics: Object.fromEntries(numbers) as Readonly<Record<string, number>>,
  };
}

// What a GPU's options know nothing of.
function withThreads(device: DeviceOptions, threads: number): DeviceOptions {
  return device.device?.startsWith('cuda') ? device : { ...device, threads: device.threads ?? threads };
}
