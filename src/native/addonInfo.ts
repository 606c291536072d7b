import { addonPath, loadAddon } from './loadAddon.js';

/** The addon in use. */
export interface AddonInfo {
  readonly path: string;
  readonly version: string;
  /** Number of the contract in `binding.ts`. */
  readonly abi: number;
}

/** @throws DeviceUnavailableError when none is found */
export function addonInfo(): AddonInfo {
  const { version, abi } = loadAddon();
  return { path: addonPath(), version, abi };
}
