import { existsSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { compiled, cudnnLstm, RunningCommand } from '../support/commandLine.js';

let folder: string;
/** The model and the history of a run that nothing stopped. */
let whole: { readonly model: Buffer; readonly history: string };

const train = ['train', 'config.json', '--threads', '1'];

// Training is stopped by what it says, so the run has to be long beside the time a signal takes.
const config = {
  seed: 3,
  data: {
    task: 'languageModel',
    train: 'text.txt',
    validation: 0.1,
    vocabulary: { kind: 'character' },
    timeSteps: 24,
  },
  model: {
    layers: [
      { kind: 'embedding', size: 16, dropout: 0.1 },
      { kind: 'lstm', hiddenSize: 48 },
      { kind: 'dropout', rate: 0.2 },
      { kind: 'dense' },
    ],
  },
  training: {
    optimizer: { kind: 'adam', learningRate: { kind: 'cosineDecay', initial: 0.01 } },
    epochs: 12,
    batchSize: 8,
  },
  output: { everySteps: 5, history: 'history.csv' },
};

function inFolder(name: string): string {
  const path = join(folder, name);
  cudnnLstm(['init', name, '--yes', '--task', 'languageModel'], { cwd: folder });
  writeFileSync(join(path, 'config.json'), JSON.stringify(config));
  return path;
}

// Epochs differ in nothing but the time they took, the last column.
const withoutTimes = (csv: string) => csv.replaceAll(/,[^,\n]*$/gm, '');

function result(cwd: string) {
  return {
    model: readFileSync(join(cwd, 'model.safetensors')),
    history: withoutTimes(readFileSync(join(cwd, 'history.csv'), 'utf8')),
  };
}

describe.skipIf(!existsSync(compiled))('training that is stopped', () => {
  beforeAll(() => {
    folder = mkdtempSync(join(tmpdir(), 'command-line-stop-'));
    const cwd = inFolder('whole');
    cudnnLstm(train, { cwd });
    whole = result(cwd);
  });
  afterAll(() => rmSync(folder, { recursive: true, force: true }));

  it('by Ctrl-C saves, says how to go on, ends with 130, and ends where an uninterrupted run does', async () => {
    const cwd = inFolder('interrupted');
    const command = new RunningCommand(train, { cwd });
    await command.until('stderr', /epoch +3\/12/);
    command.kill('SIGINT');
    const { status, stdout, stderr } = await command.ended();
    expect({ status, stdout }).toEqual({ status: 130, stdout: '' });
    expect(stderr).toContain('npx cudnn-lstm train config.json --resume');
    expect(existsSync(join(cwd, 'model.safetensors'))).toBe(false);

    const resumed = cudnnLstm([...train, '--resume'], { cwd });
    expect(resumed.status).toBe(0);
    expect(resumed.stderr).not.toMatch(/epoch +2\/12/);
    expect(result(cwd)).toEqual(whole);
  });

  it('by kill -9 goes on from its last checkpoint, as often as it is killed, to the same end', async () => {
    const cwd = inFolder('killed');
    for (const epoch of [2, 5]) {
      const command = new RunningCommand(epoch === 2 ? train : [...train, '--resume'], { cwd });
      await command.until('stderr', new RegExp(`epoch +${epoch}/12`));
      command.kill('SIGKILL');
      expect(await command.ended()).toMatchObject({ signal: 'SIGKILL' });
    }
    const resumed = cudnnLstm([...train, '--resume'], { cwd });
    expect(resumed.status).toBe(0);
    // A checkpoint is written after every fifth step: no more than that was lost.
    expect(resumed.stderr).not.toMatch(/epoch +4\/12/);
    expect(result(cwd)).toEqual(whole);
  });

  it('goes on with more epochs after its end', () => {
    const cwd = join(folder, 'whole');
    const { status, stdout } = cudnnLstm([...train, '--resume', '--epochs', '13', '--json'], { cwd });
    expect(status).toBe(0);
    const { epoch, history } = JSON.parse(stdout) as { epoch: number; history: unknown[] };
    expect({ epoch, records: history.length }).toEqual({ epoch: 13, records: 13 });
  });

  it('is refused where there is no checkpoint, or one of other settings', () => {
    const cwd = inFolder('other');
    const none = cudnnLstm([...train, '--resume'], { cwd });
    expect(none).toMatchObject({ status: 1, stdout: '' });
    expect(none.stderr).toContain(
      'checkpoint.safetensors: expected a checkpoint of a run that was begun without --resume',
    );
    writeFileSync(
      join(cwd, 'checkpoint.safetensors'),
      readFileSync(join(folder, 'whole/checkpoint.safetensors')),
    );
    writeFileSync(
      join(cwd, 'config.json'),
      JSON.stringify({
        ...config,
        training: { ...config.training, optimizer: { kind: 'adam', learningRate: 0.5 } },
      }),
    );
    const changed = cudnnLstm([...train, '--resume'], { cwd });
    expect(changed.status).toBe(1);
    expect(changed.stderr).toContain('fit.optimizer.learningRate');
    const [embedding, lstm, ...rest] = config.model.layers;
    const layers = [embedding, { ...lstm, hiddenSize: 49 }, ...rest];
    writeFileSync(join(cwd, 'config.json'), JSON.stringify({ ...config, model: { layers } }));
    expect(cudnnLstm([...train, '--resume'], { cwd }).stderr).toContain(
      'config.json: $.model.layers[1].hiddenSize: expected 48, as the model has that is gone on with, received 49',
    );
    const data = { task: 'tagging', train: 'text.txt' };
    writeFileSync(join(cwd, 'config.json'), JSON.stringify({ ...config, data }));
    expect(cudnnLstm([...train, '--resume'], { cwd }).stderr).toContain(
      'checkpoint.safetensors: expected a checkpoint of the task tagging, $.data.task, received one of languageModel',
    );
  });
});
