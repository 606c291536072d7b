import { open } from 'node:fs/promises';
import { once } from 'node:events';
import { finished } from 'node:stream/promises';
import type { Writable } from 'node:stream';
import { parseArgs } from 'node:util';
import { ConfigError } from '../errors.js';
import type { RecordFormat } from '../experiment/source.js';
import { exitCode, Misuse } from './exitCode.js';
import { makeFolders } from './folders.js';
import { Interruption } from './interruption.js';
import { inputOf, openTaskModel } from './modelFile.js';
import { deviceArgs, deviceHelp, deviceOptions, oneOf, wholeNumber } from './options.js';
import { resultLines, resultFormats, type ResultFormat } from './resultLines.js';

export const help = `Usage: cudnn-lstm predict MODEL [INPUT] [OPTIONS]

Predictions of a trained model, one for each record of INPUT, or of standard input where INPUT is left out or -. All that
the model needs, from vocabulary to scalers, is in its file. A pipe's lines are answered as they come.

  --format FORMAT       csv, tsv, jsonLines, lines (a text a line) or tokenLines; by default what the file's ending says
  --to FORMAT           csv, tsv, jsonLines or tokenLines; by default as the input
  --output FILE         instead of standard output
  --probabilities       those of all classes
  --batch-size N        sequences computed together; default 32
${deviceHelp}
  --json                the same as --to jsonLines`;

export async function run(args: string[]): Promise<number> {
  const { values, positionals } = parseArgs({
    args,
    allowPositionals: true,
    options: {
      format: { type: 'string' },
      to: { type: 'string' },
      output: { type: 'string' },
      probabilities: { type: 'boolean', default: false },
      'batch-size': { type: 'string', default: '32' },
      json: { type: 'boolean', default: false },
      ...deviceArgs,
    },
  });
  const [path, input, more] = positionals;
  if (path === undefined) throw new Misuse('a model file is needed');
  if (more !== undefined) throw new Misuse(`unexpected argument '${more}'`);
  const batchSize = wholeNumber('--batch-size', values['batch-size'], 1);
  const asked = values.to === undefined ? undefined : oneOf('--to', values.to, resultFormats);
  using interruption = new Interruption('stopping');
  await using opened = await openTaskModel(path, deviceOptions(values));
  const { task, model, name } = opened;
  if (task.predict === undefined) throw noPredictions(path, name);
  const reading = inputOf(opened, input, values.format);
  const { probabilities } = values;
  const { signal } = interruption;
  await makeFolders({ '--output': values.output });
  const results = task.predict(model, { reading, batchSize, probabilities, signal });
  const to = values.json ? 'jsonLines' : (asked ?? asInput(reading.format));
  await writeLines(resultLines(results, to), values.output);
  return exitCode.ok;
}

function asInput(format: RecordFormat): ResultFormat {
  return format === 'lines' ? 'jsonLines' : format;
}

async function writeLines(lines: AsyncIterable<string>, path: string | undefined): Promise<void> {
  const out: Writable = path === undefined ? process.stdout : (await open(path, 'w')).createWriteStream();
  for await (const line of lines) if (!out.write(`${line}\n`)) await once(out, 'drain');
  if (path === undefined) return;
  out.end();
  await finished(out);
}

function noPredictions(path: string, task: string): ConfigError {
  const expected = 'a model that predicts';
  const message = `${path}: expected ${expected}, received one of the task ${task}: \`generate\` lets it write`;
  return new ConfigError(message, { path, expected, received: task });
}
