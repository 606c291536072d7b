import { execFileSync, spawn, spawnSync } from 'node:child_process';
import { once } from 'node:events';
import { existsSync, mkdirSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';

const root = dirname(dirname(dirname(fileURLToPath(import.meta.url))));

// What a dependent writes: two steps on one batch, the losses as JSON.
const trainTwoSteps = `
import { adam, dense, lstm, sequential } from 'cudnn-lstm';

const model = await sequential(
  [lstm({ hiddenSize: 4, returnSequences: false }), dense({ units: 2, activation: 'softmax' })],
  { inputSize: 3, device: 'cpu', seed: 1 },
);
const data = Float32Array.from({ length: 4 * 5 * 3 }, (_, i) => Math.sin(i));
const batch = { x: { data, shape: [4, 5, 3] }, y: [0, 1, 0, 1] };
const losses = [];
for (let step = 0; step < 2; step += 1) {
  const { loss } = await model.trainStep(batch, { loss: 'crossEntropy', optimizer: adam() });
  losses.push(loss);
}
await model.dispose();
console.log(JSON.stringify({ losses, node: process.versions.node }));
`;

// npm's settings for the script under way (its folder above all) and the choice of an addon are not a dependent's.
const strangerEnv = Object.fromEntries(
  Object.entries(process.env).filter(
    ([name]) =>
      !/^(npm_(package|lifecycle|config_local_prefix)|INIT_CWD$|CUDNN_LSTM_|NODE_OPTIONS$|VITEST)/.test(name),
  ),
);

function npm(args: string[], cwd: string): string {
  const quiet = ['--no-audit', '--no-fund', '--loglevel=error'];
  return execFileSync('npm', [...args, ...quiet], { cwd, encoding: 'utf8', env: strangerEnv, stdio: 'pipe' });
}

function losses(nodePath: string, cwd: string): { losses: number[]; node: string } {
  const script = join(cwd, 'trainTwoSteps.mjs');
  const result = spawnSync(nodePath, [script], { cwd, encoding: 'utf8', env: strangerEnv, timeout: 60_000 });
  expect(result.stderr).toBe('');
  expect(result.status).toBe(0);
  return JSON.parse(result.stdout) as { losses: number[]; node: string };
}

// Another Node comes as a package, kept between runs; undefined where it cannot be had.
function otherNode(major: number): string | undefined {
  const name = `node-${process.platform}-${process.arch}`;
  const place = join(root, '.cache', `node-${major}`);
  const binary = join(place, 'node_modules', name, 'bin', 'node');
  if (existsSync(binary)) return binary;
  try {
    mkdirSync(place, { recursive: true });
    npm(['install', '--ignore-scripts', '--no-save', '--prefix', place, `${name}@${major}`], place);
  } catch {
    return undefined;
  }
  return existsSync(binary) ? binary : undefined;
}

let folder: string;
let app: string;
let packed: string[];

beforeAll(() => {
  folder = mkdtempSync(join(tmpdir(), 'cudnn-lstm-package-'));
  app = join(folder, 'app');
  mkdirSync(app);
  const [{ filename, files }] = JSON.parse(
    // prepack prints too; the report is the JSON array at the end.
    npm(['pack', '--json', '--pack-destination', folder], root).replace(/^[\s\S]*?(?=^\[\s*\{\s*"id")/m, ''),
  ) as [{ filename: string; files: { path: string }[] }];
  packed = files.map((file) => file.path);
  writeFileSync(join(app, 'package.json'), '{ "name": "app", "private": true, "type": "module" }\n');
  npm(['install', '--ignore-scripts', join(folder, filename)], app);
  writeFileSync(join(app, 'trainTwoSteps.mjs'), trainTwoSteps);
}, 300_000);

afterAll(() => {
  rmSync(folder, { recursive: true, force: true });
});

describe('the packed package', () => {
  it('holds what a dependent imports, and what it needs to build the addon by itself', () => {
    expect(packed).toEqual(
      expect.arrayContaining([
        'LICENSE',
        'dist/index.js',
        'dist/index.d.ts',
        `prebuilds/${process.platform}-${process.arch}/cudnn_lstm.node`,
        'CMakeLists.txt',
        'gyp/binding.gyp',
        'gyp/sources.mjs',
        'native/engine/device.h',
        'native/cpu/cpu_device.h',
        'scripts/buildNative.mjs',
        'scripts/support/shell.mjs',
        'schema/config.schema.json',
      ]),
    );
  });

  it('holds no tests, no build folders and no dependencies', () => {
    const stray = packed.filter((path) => /^(test|bench|build|build-.*|docs|node_modules|\.)/.test(path));
    expect(stray).toEqual([]);
    expect(packed.filter((path) => /gyp\/(build|generated)|\.(o|a|log|tgz)$/.test(path))).toEqual([]);
  });

  it('has no install script for a package manager to block', () => {
    const { scripts } = JSON.parse(npm(['pkg', 'get', '--json'], join(app, 'node_modules/cudnn-lstm'))) as {
      scripts: Record<string, string>;
    };
    for (const name of ['preinstall', 'install', 'postinstall']) expect(scripts).not.toHaveProperty(name);
    expect(packed).not.toContain('binding.gyp');
  });
});

describe('the command line of a dependent', () => {
  const command = (...args: string[]) =>
    spawnSync('npx', ['--no-install', 'cudnn-lstm', ...args], {
      cwd: app,
      encoding: 'utf8',
      env: strangerEnv,
      timeout: 120_000,
    });

  // Not by npx, which takes its own time, and whose own process would get a signal.
  const binary = () => join(app, 'node_modules/.bin/cudnn-lstm');
  const direct = (...args: string[]) =>
    spawnSync(binary(), args, { cwd: app, encoding: 'utf8', env: strangerEnv, timeout: 120_000 });
  /** Starts a command, and sends it a signal once it has said what matches. */
  const stopped = async (args: string[], said: RegExp, signal: NodeJS.Signals) => {
    const child = spawn(binary(), args, { cwd: app, env: strangerEnv });
    let stderr = '';
    child.stderr.setEncoding('utf8').on('data', (text: string) => {
      stderr += text;
      if (!child.killed && said.test(stderr)) child.kill(signal);
    });
    const [status, by] = (await once(child, 'close')) as [number | null, NodeJS.Signals | null];
    return { status, by, stderr };
  };
  const config = 'spam/config.json';

  it('goes from an empty folder to predictions', { timeout: 300_000 }, () => {
    const init = command('init', 'spam', '--yes', '--hidden-size', '8', '--epochs', '2');
    expect(init).toMatchObject({ status: 0, stdout: 'spam/config.json\nspam/train.ts\nspam/texts.csv\n' });
    const { $schema } = JSON.parse(readFileSync(join(app, config), 'utf8')) as { $schema: string };
    expect(existsSync(join(app, 'spam', $schema))).toBe(true);

    const train = command('train', config, '--json');
    expect(train).toMatchObject({ status: 0 });
    expect(JSON.parse(train.stdout)).toMatchObject({ epoch: 2 });
    const evaluate = command('evaluate', config, '--json');
    expect(JSON.parse(evaluate.stdout)).toEqual({
      loss: expect.any(Number) as number,
      accuracy: expect.any(Number) as number,
    });
    const predict = command('predict', 'spam/model.safetensors', 'spam/texts.csv', '--to', 'jsonLines');
    expect(predict.stdout.trim().split('\n')).toHaveLength(200);
  });

  it('resumes training after Ctrl-C and after kill -9, to the same model', { timeout: 300_000 }, async () => {
    const train = ['train', config, '--epochs', '40', '--threads', '1'];
    const model = () => readFileSync(join(app, 'spam/model.safetensors'));
    expect(direct(...train)).toMatchObject({ status: 0 });
    const whole = model();
    rmSync(join(app, 'spam/model.safetensors'));
    const interrupted = await stopped(train, /epoch +3\/40/, 'SIGINT');
    expect(interrupted.status).toBe(130);
    expect(interrupted.stderr).toContain(`npx cudnn-lstm train ${config} --resume`);
    const killed = await stopped([...train, '--resume'], /epoch +9\/40/, 'SIGKILL');
    expect(killed.by).toBe('SIGKILL');
    const resumed = direct(...train, '--resume');
    expect(resumed.status).toBe(0);
    expect(resumed.stderr).not.toMatch(/epoch +8\/40/);
    expect(model()).toEqual(whole);
  });

  it('goes on with a search after Ctrl-C and after kill -9', { timeout: 300_000 }, async () => {
    const path = join(app, config);
    const space = { 'training.optimizer.learningRate': { kind: 'logUniform', low: 0.001, high: 0.1 } };
    const search = { trials: 8, space, concurrency: 1 };
    writeFileSync(path, JSON.stringify({ ...(JSON.parse(readFileSync(path, 'utf8')) as object), search }));
    const interrupted = await stopped(['tune', config], /^trial 1 /m, 'SIGINT');
    expect(interrupted.status).toBe(130);
    expect(interrupted.stderr).toContain(`npx cudnn-lstm tune ${config}`);
    expect((await stopped(['tune', config], /^trial \d /m, 'SIGKILL')).by).toBe('SIGKILL');
    const tune = direct('tune', config, '--json');
    expect(JSON.parse(tune.stdout)).toMatchObject({ best: { config: 'spam/best.json' } });
    const lines = readFileSync(join(app, 'spam/search/trials.jsonl'), 'utf8').split('\n');
    const numbers = lines.flatMap((line) => /"kind":"trial","number":(\d)/.exec(line)?.[1] ?? []);
    expect(numbers).toEqual([...'01234567']);
    expect(existsSync(join(app, 'spam/best.json'))).toBe(true);
  });
});

describe('a dependent that ran no install script', () => {
  it('trains two steps on the packed addon', () => {
    const { losses: values } = losses(process.execPath, app);
    expect(values).toHaveLength(2);
    for (const value of values) expect(Number.isFinite(value)).toBe(true);
    expect(values[1]).not.toBe(values[0]);
  });

  it.for([22, 24])(
    'gets the same losses from the same binary on Node %i',
    { timeout: 300_000 },
    (major, { skip }) => {
      const other = otherNode(major);
      if (other === undefined) return skip(`the package of Node ${major} could not be installed`);
      const there = losses(other, app);
      expect(there.node.split('.')[0]).toBe(String(major));
      expect(there.losses).toEqual(losses(process.execPath, app).losses);
    },
  );
});
