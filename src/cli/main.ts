#!/usr/bin/env node
import { parseArgs } from 'node:util';
import { nearestName } from '../config/nearestName.js';
import { diagnose } from './diagnosis.js';
import { diagnosisText } from './diagnosisText.js';

const help = `Usage: cudnn-lstm COMMAND

Commands:
  doctor [--json]   what this machine has to compute on, every place that was looked at, and what to install

Options:
  --help            this text
`;

const commands: Readonly<Record<string, (args: string[]) => Promise<number>>> = { doctor };

/** The exit status: 0 when some device works. */
async function doctor(args: string[]): Promise<number> {
  const { values } = parseArgs({ args, options: { json: { type: 'boolean', default: false } } });
  const diagnosis = await diagnose();
  console.log(values.json ? JSON.stringify(diagnosis, undefined, 2) : diagnosisText(diagnosis));
  return diagnosis.works ? 0 : 1;
}

async function main([name, ...args]: string[]): Promise<number> {
  if (name === '--help' || name === '-h' || args.includes('--help')) {
    process.stdout.write(help);
    return 0;
  }
  const command = name !== undefined && Object.hasOwn(commands, name) ? commands[name] : undefined;
  if (command === undefined) return misuse(name === undefined ? 'a command is needed' : unknown(name));
  try {
    return await command(args);
  } catch (error) {
    if (!isArgumentError(error)) throw error;
    return misuse(error.message);
  }
}

function unknown(name: string): string {
  const near = nearestName(name, Object.keys(commands));
  return `no command '${name}'${near === undefined ? '' : `; did you mean '${near}'?`}`;
}

function isArgumentError(error: unknown): error is Error {
  return error instanceof Error && 'code' in error && String(error.code).startsWith('ERR_PARSE_ARGS');
}

function misuse(message: string): number {
  process.stderr.write(`cudnn-lstm: ${message}\n\n${help}`);
  return 2;
}

process.exitCode = await main(process.argv.slice(2));
