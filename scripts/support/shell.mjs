import { spawnSync } from 'node:child_process';
import { readdirSync } from 'node:fs';
import { createRequire } from 'node:module';
import { dirname, join } from 'node:path';
import { fileURLToPath } from 'node:url';

/** The package's root folder, with no slash at its end. */
export const root = dirname(dirname(dirname(fileURLToPath(import.meta.url))));

const require = createRequire(join(root, 'package.json'));

/** Runs a command in the root with its output shown; returns its exit status (127 when it cannot be started). */
export function run(command, args, options = {}) {
  const { env, ...rest } = options;
  const result = spawnSync(command, args, {
    cwd: root,
    stdio: 'inherit',
    env: { ...process.env, ...env },
    ...rest,
  });
  if (result.error) {
    console.error(`${command}: ${result.error.message}`);
    return 127;
  }
  return result.status ?? 1;
}

/** What a command prints, trimmed; undefined when it fails or is not there. */
export function capture(command, args) {
  const result = spawnSync(command, args, { cwd: root, encoding: 'utf8', maxBuffer: 1 << 28 });
  return result.error || result.status !== 0 ? undefined : result.stdout.trim();
}

/** The path of a package's command (its `bin` entry), to be run by node; undefined when it is not installed. */
export function packageCommand(packageName, command = packageName) {
  try {
    const manifest = require.resolve(`${packageName}/package.json`);
    const { bin } = require(manifest);
    const file = typeof bin === 'string' ? bin : bin?.[command];
    return file === undefined ? undefined : join(dirname(manifest), file);
  } catch {
    return undefined;
  }
}

/** Runs an installed package's command; a package that is not installed is an exit status of 127. */
export function runPackage(packageName, args, { command = packageName, ...options } = {}) {
  const file = packageCommand(packageName, command);
  if (file === undefined) {
    console.error(`${packageName} is not installed: run npm ci`);
    return 127;
  }
  return run(process.execPath, [file, ...args], options);
}

/** Runs an installed package's command and gives {status, stdout, stderr} as text. */
export function capturePackage(packageName, args, command = packageName) {
  const file = packageCommand(packageName, command);
  if (file === undefined)
    return { status: 127, stdout: '', stderr: `${packageName} is not installed: run npm ci` };
  return spawnSync(process.execPath, [file, ...args], { cwd: root, encoding: 'utf8', maxBuffer: 1 << 28 });
}

/** Every file below the folders whose name ends so, sorted; folders that are not there hold none. */
export function filesBelow(folders, endings) {
  return folders.flatMap((folder) => walk(folder)).filter((file) => endings.some((e) => file.endsWith(e)));
}

function walk(folder) {
  let entries;
  try {
    entries = readdirSync(join(root, folder), { withFileTypes: true });
  } catch {
    return [];
  }
  return entries
    .filter((entry) => entry.name !== 'node_modules')
    .sort((a, b) => (a.name < b.name ? -1 : 1))
    .flatMap((entry) =>
      entry.isDirectory() ? walk(`${folder}/${entry.name}`) : [`${folder}/${entry.name}`],
    );
}
