import { readFile } from 'node:fs/promises';
import { DeviceUnavailableError, LstmError } from '../errors.js';
import { dense, type DeviceListing, devices, lstm, sequential } from '../index.js';
import { type AddonInfo, addonInfo } from '../native/addonInfo.js';

/** A device, and whether a training step on it came to a result. */
export type CheckedDevice = DeviceListing & {
  readonly works: boolean;
  /** Why the step failed. */
  readonly failure?: string;
};

/** What `doctor` finds. */
export interface Diagnosis {
  readonly package: string;
  readonly node: string;
  readonly platform: string;
  readonly addon: AddonInfo | { readonly failure: string; readonly details: LstmError['details'] };
  readonly devices: readonly CheckedDevice[];
  /** Some device works. */
  readonly works: boolean;
}

/** Looks for the addon and every device, and takes one training step on each device that is there. */
export async function diagnose(): Promise<Diagnosis> {
  const addon = findAddon();
  const checked: CheckedDevice[] = [];
  for (const device of 'failure' in addon ? [] : await devices()) checked.push(await check(device));
  return {
    package: await packageVersion(),
    node: process.version,
    platform: `${process.platform}-${process.arch}`,
    addon,
    devices: checked,
    works: checked.some(({ works }) => works),
  };
}

function findAddon(): Diagnosis['addon'] {
  try {
    return addonInfo();
  } catch (error) {
    if (!(error instanceof DeviceUnavailableError)) throw error;
    return { failure: error.message, details: error.details };
  }
}

async function check(device: DeviceListing): Promise<CheckedDevice> {
  if (!device.available) return { ...device, works: false };
  try {
    await takeStep(device.device);
    return { ...device, works: true };
  } catch (error) {
    if (!(error instanceof LstmError)) throw error;
    return { ...device, works: false, failure: error.message };
  }
}

async function takeStep(device: 'cpu' | `cuda:${number}`): Promise<void> {
  const layers = [lstm({ hiddenSize: 4, returnSequences: false }), dense({ units: 2 })];
  await using model = await sequential(layers, { inputSize: 3, device });
  const x = { data: new Float32Array(2 * 5 * 3).fill(0.5), shape: [2, 5, 3] };
  await model.trainStep({ x, y: [0, 1] }, { loss: 'crossEntropy', optimizer: 'adam' });
}

// src/cli and dist/cli alike lie two levels below the package's root.
async function packageVersion(): Promise<string> {
  const text = await readFile(new URL('../../package.json', import.meta.url), 'utf8');
  return (JSON.parse(text) as { version: string }).version;
}
