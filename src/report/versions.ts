import { readFile } from 'node:fs/promises';
import type { DeviceInfo } from '../native/device.js';
import type { FactTable } from './facts.js';

/** What made the numbers: package, Node, system and device. */
export async function versionTable(device: DeviceInfo): Promise<FactTable> {
  const rows = [
    ['cudnn-lstm', await packageVersion()],
    ['Node.js', process.version.slice(1)],
    ['system', `${process.platform} ${process.arch}`],
    ['device', deviceText(device)],
    ['why this device', device.reason],
  ];
  return { head: ['what', 'version'], rows };
}

/** A device in a few words. */
export function deviceText(device: DeviceInfo): string {
  if (device.device === 'cpu') return `${device.name}, ${device.threads} threads, ${device.instructionSet}`;
  return `${device.name} (${device.device}), ${device.precision}${device.standIn ? ', a stand-in in host memory' : ''}`;
}

// src/report and dist/report alike lie two levels below the package's root.
async function packageVersion(): Promise<string> {
  const text = await readFile(new URL('../../package.json', import.meta.url), 'utf8');
  return (JSON.parse(text) as { version: string }).version;
}
