#!/usr/bin/env node
import { nearestName } from '../config/nearestName.js';
import { AbortError, LstmError } from '../errors.js';
import { exitCode, Misuse } from './exitCode.js';
import { endWithReader, print, say } from './output.js';

/** A command: its module is loaded when it is called. */
interface Command {
  readonly summary: string;
  load(): Promise<{ readonly help: string; run(args: string[]): Promise<number> }>;
}

const commands: Readonly<Record<string, Command>> = {
  init: {
    summary: 'asks a few questions, and writes config.json and train.ts',
    load: () => import('./init.js'),
  },
  train: { summary: 'trains the model of a config file', load: () => import('./train.js') },
  tune: { summary: 'searches the best settings of a config file', load: () => import('./tune.js') },
  evaluate: { summary: 'loss and metrics of a trained model', load: () => import('./evaluate.js') },
  predict: { summary: 'predictions of a trained model', load: () => import('./predict.js') },
  generate: { summary: 'text of a trained language model', load: () => import('./generate.js') },
  inspect: { summary: 'what a model file holds', load: () => import('./inspect.js') },
  doctor: { summary: 'what this machine has to compute on', load: () => import('./doctor.js') },
};

const help = `Usage: cudnn-lstm COMMAND [ARGUMENTS]

Commands:
${Object.entries(commands)
  .map(([name, { summary }]) => `  ${name.padEnd(10)} ${summary}`)
  .join('\n')}

cudnn-lstm COMMAND --help says more. Results go to standard output, progress to standard error.
Ends with 0 when all went well, 1 when it failed, 2 for a wrong command line, 130 after Ctrl-C.`;

async function main([name, ...args]: string[]): Promise<number> {
  if (name === '--help' || name === '-h') {
    await print(help);
    return exitCode.ok;
  }
  if (name === undefined || !Object.hasOwn(commands, name)) {
    return misuse(name === undefined ? 'a command is needed' : unknown(name), help);
  }
  const command = await commands[name]!.load();
  if (args.includes('--help') || args.includes('-h')) {
    await print(command.help);
    return exitCode.ok;
  }
  try {
    return await command.run(args);
  } catch (error) {
    if (error instanceof Misuse || isArgumentError(error)) return misuse(error.message, command.help);
    return failure(error);
  }
}

function unknown(name: string): string {
  const near = nearestName(name, Object.keys(commands));
  return `no command '${name}'${near === undefined ? '' : `; did you mean '${near}'?`}`;
}

function isArgumentError(error: unknown): error is Error {
  return error instanceof Error && 'code' in error && String(error.code).startsWith('ERR_PARSE_ARGS');
}

function misuse(message: string, usage: string): number {
  say(`cudnn-lstm: ${message}\n\n${usage}`);
  return exitCode.misuse;
}

// What is no error of this package's is a defect, and keeps its stack.
function failure(error: unknown): number {
  if (error instanceof AbortError) return exitCode.interrupted;
  if (!(error instanceof LstmError || isSystemError(error))) throw error;
  say(`cudnn-lstm: ${error.message}`);
  return exitCode.failed;
}

// Of the operating system: a disk that is full, a file that may not be written.
function isSystemError(error: unknown): error is Error {
  return error instanceof Error && 'syscall' in error;
}

endWithReader();
process.exitCode = await main(process.argv.slice(2));
