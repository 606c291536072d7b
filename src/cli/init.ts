import { existsSync } from 'node:fs';
import { mkdir, writeFile } from 'node:fs/promises';
import { join, relative } from 'node:path';
import { createInterface } from 'node:readline/promises';
import { parseArgs } from 'node:util';
import { ConfigError } from '../errors.js';
import { taskNames, type TaskName } from '../experiment/dataConfig.js';
import { resolveExperiment } from '../experiment/experimentConfig.js';
import { exitCode, Misuse } from './exitCode.js';
import { oneOf, wholeNumber } from './options.js';
import { print, say } from './output.js';
import { sampleFile } from './sampleData.js';
import { startingConfig, type Answers } from './startingConfig.js';
import { trainProgram } from './trainProgram.js';

export const help = `Usage: cudnn-lstm init [FOLDER] [OPTIONS]

Asks a few questions, and writes config.json and train.ts, the same as a program. Where the data file is not there, an
example of one is written. Nothing that is there is replaced.

  --yes                 asks nothing: defaults where no option says otherwise
  --task TASK           ${taskNames.join(', ')}
  --data FILE           the file to train on
  --hidden-size N       of the LSTM; default 64
  --epochs N            default 10
  --force               replace config.json and train.ts`;

const configName = 'config.json';
const programName = 'train.ts';

export async function run(args: string[]): Promise<number> {
  const { values, positionals } = parseArgs({
    args,
    allowPositionals: true,
    options: {
      yes: { type: 'boolean', default: false },
      task: { type: 'string' },
      data: { type: 'string' },
      'hidden-size': { type: 'string' },
      epochs: { type: 'string' },
      force: { type: 'boolean', default: false },
    },
  });
  const [folder = '.', more] = positionals;
  if (more !== undefined) throw new Misuse(`unexpected argument '${more}'`);
  if (!values.force) refuseToReplace(folder);
  const given = {
    task: values.task === undefined ? undefined : oneOf('--task', values.task, taskNames),
    train: values.data,
    hiddenSize: optional('--hidden-size', values['hidden-size']),
    epochs: optional('--epochs', values.epochs),
  };
  const answers = values.yes ? withDefaults(given) : await asked(given);
  if (typeof answers === 'number') return answers;
  await writeFiles(folder, answers);
  return exitCode.ok;
}

type Given = { readonly [K in keyof Answers]: Answers[K] | undefined };

function optional(option: string, text: string | undefined): number | undefined {
  return text === undefined ? undefined : wholeNumber(option, text, 1);
}

function refuseToReplace(folder: string): void {
  const found = [configName, programName].map((name) => join(folder, name)).find((path) => existsSync(path));
  if (found === undefined) return;
  const expected = 'no such file, or --force to replace it';
  throw new ConfigError(`${found}: expected ${expected}, received one`, { path: found, expected });
}

const defaultTask: TaskName = 'textClassification';

function withDefaults(given: Given): Answers {
  const task = given.task ?? defaultTask;
  return {
    task,
    train: given.train ?? sampleFile(task).name,
    hiddenSize: given.hiddenSize ?? 64,
    epochs: given.epochs ?? 10,
  };
}

/** The answers, or how the command ends where the input ended before the last of them. */
async function asked(given: Given): Promise<Answers | number> {
  const terminal = createInterface({ input: process.stdin, output: process.stderr });
  const ended = new AbortController();
  terminal.once('close', () => ended.abort());
  let code: number = exitCode.failed;
  terminal.once('SIGINT', () => {
    code = exitCode.interrupted;
    terminal.close();
  });
  const lines = terminal[Symbol.asyncIterator]();
  const question = async (text: string, initial: string): Promise<string> => {
    process.stderr.write(`${text} [${initial}] `);
    const line = await lines.next();
    if (line.done === true || ended.signal.aborted) throw new InputEnded();
    return line.value.trim() === '' ? initial : line.value.trim();
  };
  try {
    const task = given.task ?? (await askedTask(question));
    const { train, hiddenSize, epochs } = withDefaults({ ...given, task });
    return {
      task,
      train: given.train ?? (await question('file to train on', train)),
      hiddenSize: given.hiddenSize ?? (await askedNumber(question, 'units of the LSTM', hiddenSize)),
      epochs: given.epochs ?? (await askedNumber(question, 'epochs', epochs)),
    };
  } catch (error) {
    if (!(error instanceof InputEnded)) throw error;
    say('\nnothing was written');
    return code;
  } finally {
    terminal.close();
  }
}

class InputEnded extends Error {}

type Question = (text: string, initial: string) => Promise<string>;

async function askedTask(question: Question): Promise<TaskName> {
  say(taskNames.map((name, index) => `  ${index + 1}  ${name}`).join('\n'));
  for (;;) {
    const answer = await question('task, by number or name', defaultTask);
    const task = taskNames[Number(answer) - 1] ?? taskNames.find((name) => name === answer);
    if (task !== undefined) return task;
    say(`no task '${answer}'`);
  }
}

async function askedNumber(question: Question, text: string, initial: number): Promise<number> {
  for (;;) {
    const answer = await question(text, String(initial));
    if (/^[1-9]\d*$/.test(answer)) return Number(answer);
    say(`expected a whole number from 1, received '${answer}'`);
  }
}

// From the config's folder to the package, which is installed where the command is called.
function schemaAddress(folder: string): string {
  const path = relative(folder, join('node_modules', 'cudnn-lstm', 'schema', 'config.schema.json'));
  const address = path.replaceAll('\\', '/');
  return address.startsWith('.') ? address : `./${address}`;
}

async function writeFiles(folder: string, answers: Answers): Promise<void> {
  const config = startingConfig(answers, schemaAddress(folder));
  resolveExperiment(config);
  await mkdir(folder, { recursive: true });
  const written = [
    [configName, `${JSON.stringify(config, undefined, 2)}\n`],
    [programName, trainProgram(configName)],
  ];
  const data = join(folder, answers.train);
  const sample = sampleFile(answers.task);
  if (!existsSync(data)) written.push([answers.train, sample.text]);
  for (const [name, text] of written) {
    await writeFile(join(folder, name!), text!);
    await print(join(folder, name!));
  }
  say(`\nnext: npx cudnn-lstm train ${join(folder, configName)}`);
}
