import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { createRequire } from 'node:module';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { describe, expect, it } from 'vitest';

import { DeviceUnavailableError } from '../../../src/errors.js';
import { type AddonSearch, addonPlaces, findAddon, loadAddon } from '../../../src/native/loadAddon.js';

function search(overrides: Partial<AddonSearch<string>> = {}): AddonSearch<string> {
  return {
    root: '/home/me/cudnn-lstm',
    env: {},
    platform: 'linux',
    arch: 'x64',
    exists: () => false,
    load: (path) => `addon of ${path}`,
    ...overrides,
  };
}

function failure(options: AddonSearch<string>): DeviceUnavailableError {
  try {
    findAddon(options);
  } catch (error) {
    if (error instanceof DeviceUnavailableError) return error;
    throw error;
  }
  throw new Error('findAddon was expected to throw');
}

describe('addonPlaces', () => {
  it('looks at the builds of a clone before the packed addon', () => {
    expect(addonPlaces(search())).toEqual([
      '/home/me/cudnn-lstm/build/Release/cudnn_lstm.node',
      '/home/me/cudnn-lstm/build/Debug/cudnn_lstm.node',
      '/home/me/cudnn-lstm/gyp/build/Release/cudnn_lstm.node',
      '/home/me/cudnn-lstm/prebuilds/linux-x64/cudnn_lstm.node',
    ]);
  });

  it('takes the packed addon of the platform and processor at hand', () => {
    expect(addonPlaces(search({ platform: 'darwin', arch: 'arm64' })).at(-1)).toBe(
      '/home/me/cudnn-lstm/prebuilds/darwin-arm64/cudnn_lstm.node',
    );
  });

  it('looks nowhere but at CUDNN_LSTM_ADDON when it is set', () => {
    expect(addonPlaces(search({ env: { CUDNN_LSTM_ADDON: '/opt/a.node' } }))).toEqual(['/opt/a.node']);
  });
});

describe('findAddon', () => {
  it('loads the first addon that is there', () => {
    const there = ['/home/me/cudnn-lstm/gyp/build/Release/cudnn_lstm.node'];
    expect(findAddon(search({ exists: (path) => there.includes(path) }))).toBe(`addon of ${there[0]}`);
  });

  it('goes on to the next place when a file is there but does not load', () => {
    const load = (path: string): string => {
      if (path.includes('build')) {
        if (!path.includes('prebuilds')) throw new Error('invalid ELF header');
      }
      return path;
    };
    expect(findAddon(search({ exists: () => true, load }))).toContain('prebuilds/linux-x64');
  });

  it('names every place, what was wrong there, and the command that builds it', () => {
    const load = (): string => {
      throw new Error('invalid ELF header');
    };
    const error = failure(search({ exists: (path) => path.includes('prebuilds'), load }));
    for (const path of addonPlaces(search())) expect(error.message).toContain(path);
    expect(error.message.match(/not there/g)).toHaveLength(3);
    expect(error.message).toContain(
      'prebuilds/linux-x64/cudnn_lstm.node: failed to load: invalid ELF header',
    );
    expect(error.message).toContain('run: npm run build:native');
    expect(error.code).toBe('ERR_DEVICE_UNAVAILABLE');
  });

  it('gives a dependent the command that works from its own folder', () => {
    const error = failure(search({ root: '/srv/app/node_modules/cudnn-lstm' }));
    expect(error.message).toContain('run: node node_modules/cudnn-lstm/scripts/buildNative.mjs');
  });

  it('does not fall back when the file that CUDNN_LSTM_ADDON names is not there', () => {
    const error = failure(
      search({ env: { CUDNN_LSTM_ADDON: '/opt/a.node' }, exists: (p) => p !== '/opt/a.node' }),
    );
    expect(error.message).toContain('CUDNN_LSTM_ADDON is set');
    expect(error.message).toContain('/opt/a.node: not there');
  });

  it('reports the system loader’s own text for a file that is no addon', () => {
    const folder = mkdtempSync(join(tmpdir(), 'cudnn-lstm-'));
    try {
      const file = join(folder, 'cudnn_lstm.node');
      writeFileSync(file, 'not an addon');
      const load = createRequire(import.meta.url) as (path: string) => string;
      const error = failure(search({ env: { CUDNN_LSTM_ADDON: file }, exists: () => true, load }));
      expect(error.message).toMatch(/failed to load: .*(too short|invalid|file)/);
    } finally {
      rmSync(folder, { recursive: true, force: true });
    }
  });
});

describe('loadAddon', () => {
  it('gives the same addon each time', () => {
    expect(loadAddon()).toBe(loadAddon());
  });
});
