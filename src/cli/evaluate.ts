import { parseArgs } from 'node:util';
import { ConfigError } from '../errors.js';
import type { DataConfigOf, TaskName } from '../experiment/dataConfig.js';
import { inFile, readExperiment, type ExperimentFile } from '../experiment/readExperiment.js';
import { prepareExperiment } from '../experiment/buildExperiment.js';
import { pathFrom } from '../experiment/source.js';
import type { TestPart } from '../experiment/tasks/task.js';
import type { LoadOptions } from '../model/loadModel.js';
import type { EvaluateOptions, Evaluation } from '../model/evaluate.js';
import type { TrainingData } from '../model/modelData.js';
import type { Metric } from '../metrics/metric.js';
import { exitCode, Misuse } from './exitCode.js';
import { Interruption } from './interruption.js';
import { formatFor, inputOf, openTaskModel, type TaskModel } from './modelFile.js';
import { deviceArgs, deviceHelp, deviceOptions, wholeNumber } from './options.js';
import { aligned, print } from './output.js';

export const help = `Usage: cudnn-lstm evaluate CONFIG [OPTIONS]
       cudnn-lstm evaluate MODEL [DATA] [OPTIONS]

Loss and metrics of a trained model: of a config file's output.model on its data.test, or else on what it validates with;
or of a model file on labelled data, from standard input where DATA is left out or -.

  --metric NAME         instead of those of training; may be repeated
  --format FORMAT       csv, tsv, jsonLines or tokenLines; by default what the file's ending says
  --batch-size N        sequences computed together; default 32
${deviceHelp}
  --json                results as one line of JSON`;

export async function run(args: string[]): Promise<number> {
  const { values, positionals } = parseArgs({
    args,
    allowPositionals: true,
    options: {
      metric: { type: 'string', multiple: true },
      format: { type: 'string' },
      'batch-size': { type: 'string' },
      json: { type: 'boolean', default: false },
      ...deviceArgs,
    },
  });
  const [path, data, more] = positionals;
  if (path === undefined) throw new Misuse('a config file or a model file is needed');
  if (more !== undefined) throw new Misuse(`unexpected argument '${more}'`);
  const batchSize = values['batch-size'];
  using interruption = new Interruption('stopping');
  const options: EvaluateOptions = {
    signal: interruption.signal,
    ...(values.metric !== undefined && { metrics: values.metric as Metric[] }),
    ...(batchSize !== undefined && { batchSize: wholeNumber('--batch-size', batchSize, 1) }),
  };
  const device = deviceOptions(values);
  const results = path.endsWith('.json')
    ? await ofConfig(await readExperiment(path), device, options, data)
    : await ofModel(path, device, options, { data, format: values.format });
  await print(values.json ? JSON.stringify(results) : aligned(results));
  return exitCode.ok;
}

type Results = Evaluation & { readonly inUnits?: Readonly<Record<string, number>> };

async function ofModel(
  path: string,
  device: LoadOptions,
  options: EvaluateOptions,
  { data, format }: { readonly data: string | undefined; readonly format: string | undefined },
): Promise<Results> {
  await using opened = await openTaskModel(path, device);
  const labelled = await opened.task.labelled(opened.model, inputOf(opened, data, format));
  return await opened.model.evaluate(labelled, options);
}

async function ofConfig(
  file: ExperimentFile,
  device: LoadOptions,
  options: EvaluateOptions,
  named: string | undefined,
): Promise<Results> {
  const { config, folder, path } = file;
  const model = pathFrom(folder, config.output.model);
  await using opened = await openTaskModel(model, { ...config.device, ...device });
  if (opened.name !== config.data.task) throw otherTask(path, config.data.task, opened.name);
  return await inFile(path, async () => {
    const { data, inUnits } = await dataOf(file, opened, named);
    const results = await opened.model.evaluate(data, options);
    return inUnits === undefined ? results : { ...results, inUnits: await inUnits() };
  });
}

// The file on the command line, else the config's test data, else what it validates with.
async function dataOf(
  { config, folder }: ExperimentFile,
  { model, task }: TaskModel,
  named: string | undefined,
): Promise<{ readonly data: TrainingData; readonly inUnits?: TestPart['inUnits'] }> {
  const { data } = config;
  const path = (name: string) => pathFrom(folder, name);
  if (named === undefined && task.testPart !== undefined && data.test !== undefined) {
    return task.testPart(model, data as DataConfigOf<TaskName>, path);
  }
  const test = named ?? (typeof data.test === 'string' ? path(data.test) : undefined);
  if (test !== undefined) {
    const given = 'format' in data ? data.format : undefined;
    const format = given ?? formatFor(task, model, test);
    return { data: await task.labelled(model, { source: test, format, encoding: data.encoding }) };
  }
  const prepared = await prepareExperiment(config, { folder, model });
  if (prepared.data.validation !== undefined) return { data: prepared.data.validation };
  const where = '$.data.test';
  const expected = 'data to evaluate on, or data.validation, or a file on the command line';
  throw new ConfigError(`${where}: expected ${expected}, received none`, { path: where, expected });
}

function otherTask(path: string, expected: string, received: string): ConfigError {
  const message = `${path}: $.data.task: expected '${received}', for which the model was trained, received '${expected}'`;
  return new ConfigError(message, { path: '$.data.task', expected: received, received: expected });
}
