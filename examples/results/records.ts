import { appendFileSync, existsSync, mkdirSync, readFileSync } from 'node:fs';
import { dirname } from 'node:path';

import type { ExampleResult } from '../support/run.js';

/** This package; PyTorch from the same parameters in the same order; PyTorch from its own start. */
export const sides = ['ours', 'torch', 'torchDefaults'] as const;
export type Side = (typeof sides)[number];

/** One run, a line of the results file. */
export interface RunRecord extends Omit<ExampleResult, 'baselines'> {
  readonly task: string;
  readonly side: Side;
  readonly seed: number;
  readonly baselines?: ExampleResult['baselines'];
  /** Node's or PyTorch's. */
  readonly version: string;
  /** How many computed. */
  readonly threads: number;
  /** Nothing else ran on the machine: only such times are compared. */
  readonly timed: boolean;
}

/** The runs that have ended, one JSON line each, added as each ends. */
export class Records {
  readonly all: RunRecord[];
  readonly #path: string;

  constructor(path: string) {
    this.#path = path;
    mkdirSync(dirname(path), { recursive: true });
    const text = existsSync(path) ? readFileSync(path, 'utf8') : '';
    // A line that a kill cut off is run again.
    this.all = text.split('\n').flatMap((line) => {
      try {
        return [JSON.parse(line) as RunRecord];
      } catch {
        return [];
      }
    });
    if (text !== '' && !text.endsWith('\n')) appendFileSync(path, '\n');
  }

  has(task: string, side: Side, seed: number): boolean {
    return this.all.some((one) => one.task === task && one.side === side && one.seed === seed);
  }

  add(record: RunRecord): void {
    appendFileSync(this.#path, `${JSON.stringify(record)}\n`);
    this.all.push(record);
  }
}
