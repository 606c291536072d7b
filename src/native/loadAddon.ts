import { existsSync } from 'node:fs';
import { createRequire } from 'node:module';
import { basename, dirname, join } from 'node:path';
import { fileURLToPath } from 'node:url';

import { DeviceUnavailableError } from '../errors.js';
import type { NativeAddon } from './binding.js';

const fileName = 'cudnn_lstm.node';

// src/native and dist/native alike lie two levels below the package's root.
const packageRoot = dirname(dirname(dirname(fileURLToPath(import.meta.url))));

/** What the search needs to know of its surroundings; tests bring their own. */
export interface AddonSearch<T> {
  /** The package's root folder. */
  readonly root: string;
  readonly env: Readonly<Record<string, string | undefined>>;
  readonly platform: string;
  readonly arch: string;
  readonly exists: (path: string) => boolean;
  /** Loads the file or throws. */
  readonly load: (path: string) => T;
}

/**
 * Every place where the addon may lie, in the order of search: builds of a clone first, the packed one last.
 * `CUDNN_LSTM_ADDON` names the one file to take; then nothing else is looked at, so that a sanitized or an
 * experimental build is never replaced by another one in silence.
 */
export function addonPlaces(
  search: Pick<AddonSearch<unknown>, 'root' | 'env' | 'platform' | 'arch'>,
): string[] {
  const { root, env, platform, arch } = search;
  if (env.CUDNN_LSTM_ADDON) return [env.CUDNN_LSTM_ADDON];
  const folders = ['build/Release', 'build/Debug', 'gyp/build/Release', `prebuilds/${platform}-${arch}`];
  return folders.map((folder) => join(root, folder, fileName));
}

/**
 * Loads the first addon that is there and loads.
 *
 * @throws {DeviceUnavailableError} when none does: the message names every place with what was wrong there, and the
 * command that builds the addon.
 */
export function findAddon<T>(search: AddonSearch<T>): T {
  const looked: { path: string; reason: string }[] = [];
  for (const path of addonPlaces(search)) {
    if (!search.exists(path)) {
      looked.push({ path, reason: 'not there' });
      continue;
    }
    try {
      return search.load(path);
    } catch (error) {
      const text = error instanceof Error ? error.message : String(error);
      looked.push({ path, reason: `failed to load: ${text}` });
    }
  }
  const command = buildCommand(search.root);
  const list = looked.map(({ path, reason }) => `  ${path}: ${reason}`).join('\n');
  const pinned = search.env.CUDNN_LSTM_ADDON ? ' (CUDNN_LSTM_ADDON is set, so only there)' : '';
  throw new DeviceUnavailableError(
    `The native addon for ${search.platform}-${search.arch} could not be loaded. ` +
      `Looked at${pinned}:\n${list}\nTo build it, run: ${command}`,
    { platform: search.platform, arch: search.arch, looked, command },
  );
}

function buildCommand(root: string): string {
  const isDependency = basename(dirname(root)) === 'node_modules';
  return isDependency
    ? `node node_modules/${basename(root)}/scripts/buildNative.mjs`
    : 'npm run build:native';
}

interface Loaded {
  readonly path: string;
  readonly addon: NativeAddon;
}

/** Number of the contract in `binding.ts`, which an addon of another version does not keep. */
const expectedAbi = 4;

function checked(addon: NativeAddon): NativeAddon {
  if (addon.abi === expectedAbi) return addon;
  throw new Error(`expected ABI ${expectedAbi}, found ${addon.abi}: it was built from other sources`);
}

let loaded: Loaded | undefined;

function load(): Loaded {
  const require = createRequire(import.meta.url);
  loaded ??= findAddon<Loaded>({
    root: packageRoot,
    env: process.env,
    platform: process.platform,
    arch: process.arch,
    exists: existsSync,
    load: (path) => ({ path, addon: checked(require(path) as NativeAddon) }),
  });
  return loaded;
}

/**
 * The native addon, loaded once per thread.
 *
 * @throws {DeviceUnavailableError} when no addon is found; see {@link findAddon}.
 */
export function loadAddon(): NativeAddon {
  return load().addon;
}

/**
 * The file that {@link loadAddon} loaded.
 *
 * @throws {DeviceUnavailableError}
 */
export function addonPath(): string {
  return load().path;
}
