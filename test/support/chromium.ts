import { execFile } from 'node:child_process';
import { accessSync, constants } from 'node:fs';
import { mkdtemp, readFile, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { delimiter, join } from 'node:path';
import { pathToFileURL } from 'node:url';
import { promisify } from 'node:util';
import { readPng, type Picture } from './png.js';

/** The browser's program, where there is one: Debian's package is `chromium`. */
export const chromium = (process.env['PATH'] ?? '')
  .split(delimiter)
  .flatMap((folder) => ['chromium', 'chromium-browser', 'google-chrome'].map((name) => join(folder, name)))
  .find((path) => {
    try {
      accessSync(path, constants.X_OK);
      return true;
    } catch {
      return false;
    }
  });

interface View {
  readonly width?: number;
  readonly height?: number;
  readonly colors?: 'light' | 'dark';
}

/** What a page says after it was rendered. */
export interface Rendered {
  readonly dom: string;
  /** Everything that went to the console, errors of the page included. */
  readonly console: readonly string[];
}

/** The page's document after it was rendered. */
export async function render(file: string, view: View = {}): Promise<Rendered> {
  const { stdout, stderr } = await run(file, view, ['--dump-dom', '--virtual-time-budget=2000']);
  return { dom: stdout, console: stderr.split('\n').filter((line) => line.includes('CONSOLE')) };
}

/** The page as a picture of the window's size. */
export async function photograph(file: string, view: View = {}): Promise<Picture> {
  const folder = await mkdtemp(join(tmpdir(), 'chromium-'));
  try {
    const path = join(folder, 'page.png');
    await run(file, view, [`--screenshot=${path}`]);
    return readPng(await readFile(path));
  } finally {
    await rm(folder, { recursive: true, force: true });
  }
}

async function run(
  file: string,
  { width = 1000, height = 1400, colors = 'light' }: View,
  args: readonly string[],
) {
  const profile = await mkdtemp(join(tmpdir(), 'chromium-'));
  const common = [
    '--headless',
    '--disable-gpu',
    '--hide-scrollbars',
    '--enable-logging=stderr',
    '--force-device-scale-factor=1',
  ];
  // Blink's numbers: 0 is dark, 1 is light.
  const scheme = `--blink-settings=preferredColorScheme=${colors === 'dark' ? 0 : 1}`;
  // The sandbox refuses to start for root.
  const root = process.getuid?.() === 0 ? ['--no-sandbox'] : [];
  const window = [`--window-size=${width},${height}`, `--user-data-dir=${profile}`];
  try {
    const url = pathToFileURL(file).href;
    return await promisify(execFile)(chromium!, [...common, scheme, ...root, ...window, ...args, url], {
      maxBuffer: 2 ** 26,
      timeout: 50_000,
    });
  } finally {
    await rm(profile, { recursive: true, force: true, maxRetries: 5 });
  }
}
