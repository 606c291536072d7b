import { spawn } from 'node:child_process';
import { createInterface } from 'node:readline';

import type { Contender, Inputs } from './contender.js';

/** A contender beside whose last runs the card's utilisation is sampled. */
export class Sampled<Trial> implements Contender<Trial> {
  readonly name: string;
  readonly #contender: Contender<Trial>;
  readonly #gpu: number;
  /** Mean of the samples; undefined where there is no nvidia-smi. */
  utilisation: number | undefined;

  constructor(contender: Contender<Trial>, gpu: number) {
    this.name = contender.name;
    this.#contender = contender;
    this.#gpu = gpu;
  }

  setUp(trial: Trial, inputs: Inputs) {
    return this.#contender.setUp(trial, inputs);
  }

  async run(repetitions: number): Promise<readonly number[]> {
    const { result, utilisation } = await withUtilisation(this.#gpu, () => this.#contender.run(repetitions));
    this.utilisation = utilisation;
    return result;
  }

  close(): Promise<void> {
    return this.#contender.close();
  }
}

/**
 * Runs `body` while nvidia-smi is asked ten times a second for NVML's utilisation: the share of its last sample period in
 * which a kernel ran. Gives the mean, and undefined where there is no nvidia-smi.
 */
async function withUtilisation<T>(
  index: number,
  body: () => Promise<T>,
): Promise<{ result: T; utilisation: number | undefined }> {
  const query = [
    '--query-gpu=utilization.gpu',
    '--format=csv,noheader,nounits',
    '-lms',
    '100',
    '-i',
    String(index),
  ];
  const sampler = spawn('nvidia-smi', query, { stdio: ['ignore', 'pipe', 'ignore'] });
  sampler.on('error', () => {});
  const samples: number[] = [];
  createInterface(sampler.stdout).on('line', (line) => {
    if (/^\s*\d+\s*$/.test(line)) samples.push(Number(line) / 100);
  });
  try {
    const result = await body();
    const sum = samples.reduce((a, b) => a + b, 0);
    return { result, utilisation: samples.length === 0 ? undefined : sum / samples.length };
  } finally {
    sampler.kill();
  }
}
