import type { LoadOptions } from '../model/loadModel.js';
import { Misuse } from './exitCode.js';

/** Options of commands that compute, for `parseArgs`. */
export const deviceArgs = {
  device: { type: 'string' },
  threads: { type: 'string' },
} as const;

/** Their lines in a command's help. */
export const deviceHelp = `  --device NAME         auto, cpu, cuda or cuda:1
  --threads N           CPU threads; by default all`;

/** The device options of a command line. */
export function deviceOptions(values: {
  readonly device?: string | undefined;
  readonly threads?: string | undefined;
}): LoadOptions {
  return {
    ...(values.device !== undefined && { device: values.device as NonNullable<LoadOptions['device']> }),
    ...(values.threads !== undefined && { threads: wholeNumber('--threads', values.threads, 1) }),
  };
}

/** @throws Misuse unless the text is a whole number from `min`. */
export function wholeNumber(option: string, text: string, min: number): number {
  const value = /^\d+$/.test(text) ? Number(text) : Number.NaN;
  if (Number.isSafeInteger(value) && value >= min) return value;
  throw new Misuse(`${option}: expected a whole number from ${min}, received '${text}'`);
}

/** @throws Misuse unless the text is a number from 0. */
export function numberFromZero(option: string, text: string): number {
  const value = text.trim() === '' ? Number.NaN : Number(text);
  if (Number.isFinite(value) && value >= 0) return value;
  throw new Misuse(`${option}: expected a number from 0, received '${text}'`);
}

/** @throws Misuse unless the text is one of the words. */
export function oneOf<const T extends string>(option: string, text: string, words: readonly T[]): T {
  const found = words.find((word) => word === text);
  if (found !== undefined) return found;
  throw new Misuse(`${option}: expected ${words.join(' | ')}, received '${text}'`);
}

/** The one argument of a command. @throws Misuse for none or more. */
export function oneArgument(positionals: readonly string[], what: string): string {
  const [first, second] = positionals;
  if (first === undefined) throw new Misuse(`${what} is needed`);
  if (second !== undefined) throw new Misuse(`unexpected argument '${second}'`);
  return first;
}
