import { spawnSync } from 'node:child_process';
import { existsSync, readFileSync } from 'node:fs';
import { fileURLToPath } from 'node:url';
import { describe, expect, it } from 'vitest';
import type { Diagnosis } from '../../src/cli/diagnosis.js';

const root = fileURLToPath(new URL('../..', import.meta.url));
const { version, bin } = JSON.parse(readFileSync(`${root}/package.json`, 'utf8')) as {
  version: string;
  bin: Record<string, string>;
};

function cli(args: string[], env: Record<string, string> = {}) {
  const command = ['--import', 'tsx', 'src/cli/main.ts', ...args];
  return spawnSync(process.execPath, command, {
    cwd: root,
    encoding: 'utf8',
    env: { ...process.env, TSX_TSCONFIG_PATH: 'tsconfig.build.json', ...env },
  });
}

const nowhere = { CUDNN_LSTM_CUDA_LIBRARY: '/nowhere/libcudnn_lstm_cuda.so' };

describe('cudnn-lstm doctor', () => {
  it('prints JSON with every device, every place and what to install, and ends with 0 when a device works', () => {
    const { status, stdout, stderr } = cli(['doctor', '--json'], nowhere);
    expect(stderr).toBe('');
    const diagnosis = JSON.parse(stdout) as Diagnosis;
    expect(diagnosis).toMatchObject({ package: version, node: process.version, works: true });
    expect(diagnosis.addon).toMatchObject({ version, path: expect.stringContaining('.node') as string });
    expect(diagnosis.devices[0]).toMatchObject({ device: 'cpu', available: true, works: true });
    expect(diagnosis.devices[1]).toMatchObject({
      device: 'cuda',
      available: false,
      works: false,
      places: [{ path: nowhere.CUDNN_LSTM_CUDA_LIBRARY, outcome: 'not there' }],
      install: [expect.stringContaining('CUDNN_LSTM_CUDA_LIBRARY')],
    });
    expect(status).toBe(0);
  });

  it('says the same to people', () => {
    const { status, stdout } = cli(['doctor'], nowhere);
    expect(stdout).toContain(`cudnn-lstm ${version}, Node ${process.version}`);
    expect(stdout).toContain('cpu: works');
    expect(stdout).toContain('cuda: not available');
    expect(stdout).toContain(`${nowhere.CUDNN_LSTM_CUDA_LIBRARY}: not there`);
    expect(stdout).toContain('to use it');
    expect(status).toBe(0);
  });

  it('without an addon names every place and ends with 1', () => {
    const { status, stdout } = cli(['doctor', '--json'], { CUDNN_LSTM_ADDON: '/nowhere/cudnn_lstm.node' });
    const { addon, works } = JSON.parse(stdout) as Diagnosis;
    expect(works).toBe(false);
    expect(addon).toHaveProperty('failure', expect.stringContaining('/nowhere/cudnn_lstm.node: not there'));
    expect(addon).toHaveProperty('details.command');
    expect(status).toBe(1);
  });
});

describe('the command line', () => {
  it('--help lists the commands', () => {
    const { status, stdout } = cli(['--help']);
    expect(stdout).toMatch(/^ {2}doctor +what this machine has to compute on$/m);
    expect(status).toBe(0);
  });

  it.each([
    [['docter'], "no command 'docter'; did you mean 'doctor'?"],
    [['toString'], "no command 'toString'"],
    [[], 'a command is needed'],
    [['doctor', '--jsno'], "Unknown option '--jsno'"],
    [['doctor', 'cpu'], "Unexpected argument 'cpu'"],
  ])('%o ends with 2 and says why', (args, message) => {
    const { status, stdout, stderr } = cli(args);
    expect(stdout).toBe('');
    expect(stderr).toContain(message);
    expect(stderr).toContain('Usage: cudnn-lstm');
    expect(status).toBe(2);
  });

  it('is what package.json names, with a line that says what runs it', () => {
    const source = `${root}/${bin['cudnn-lstm']!.replace(/^dist/, 'src').replace(/js$/, 'ts')}`;
    expect(existsSync(source)).toBe(true);
    expect(readFileSync(source, 'utf8')).toMatch(/^#!\/usr\/bin\/env node\n/);
  });
});
