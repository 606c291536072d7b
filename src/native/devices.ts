import { availableParallelism } from 'node:os';
import type { NativeGpu, NativePlace } from './binding.js';
import { type CudaProbe, installSteps, isUsable, placesOf, probeCuda, whyNot } from './cuda.js';
import { processorName } from './device.js';
import { loadAddon } from './loadAddon.js';
import { withCallerStack } from './nativeErrors.js';

/** The processor: always there. */
export interface CpuListing {
  readonly device: 'cpu';
  readonly available: true;
  readonly name: string;
  /** How many a step takes by default. */
  readonly threads: number;
  readonly instructionSet: string;
  /** What this build and this processor both have, best first. */
  readonly instructionSets: readonly string[];
}

/** A GPU that can be asked for by its name. */
export interface GpuListing extends Omit<NativeGpu, 'index'> {
  readonly device: `cuda:${number}`;
  readonly available: true;
  /** It computes in host memory, for tests; `auto` never takes it. */
  readonly standIn: boolean;
  readonly places: readonly NativePlace[];
}

/** What cannot be used: `cuda` when no GPU was reached at all, else the one GPU. */
export interface UnavailableListing {
  readonly device: 'cuda' | `cuda:${number}`;
  readonly available: false;
  readonly reason: string;
  /** Every path that was tried. */
  readonly places: readonly NativePlace[];
  /** What to do about it, a sentence each. */
  readonly install: readonly string[];
}

/** One entry of {@link devices}. */
export type DeviceListing = CpuListing | GpuListing | UnavailableListing;

/**
 * What there is to compute on, and for what is not there why, every place that was looked at, and what to install.
 *
 * @throws DeviceUnavailableError when the addon cannot be loaded
 * @example
 * ```ts
 * for (const one of await devices()) {
 *   console.log(one.device, one.available ? one.name : one.reason);
 * }
 * ```
 */
export function devices(): Promise<readonly DeviceListing[]> {
  return withCallerStack(devices, async () => {
    const probe = await probeCuda();
    return Object.freeze([cpuListing(), ...cudaListings(probe)]);
  });
}

function cpuListing(): CpuListing {
  const instructionSets = loadAddon().instructionSets();
  return Object.freeze({
    device: 'cpu',
    available: true,
    name: processorName(),
    threads: Math.min(availableParallelism(), 256),
    instructionSet: instructionSets[0]!,
    instructionSets,
  });
}

function cudaListings(probe: CudaProbe): (GpuListing | UnavailableListing)[] {
  if (probe.failure !== undefined || probe.gpus.length === 0) return [unavailable(probe, 'cuda', 0)];
  const places = placesOf(probe);
  return probe.gpus.map((gpu) => {
    const device = `cuda:${gpu.index}` as const;
    if (!isUsable(gpu)) return unavailable(probe, device, gpu.index);
    const { index: _, ...rest } = gpu;
    return Object.freeze({ device, available: true as const, standIn: probe.standIn, ...rest, places });
  });
}

function unavailable(
  probe: CudaProbe,
  device: UnavailableListing['device'],
  index: number,
): UnavailableListing {
  const reason = whyNot(probe, index) ?? 'no GPU';
  return Object.freeze({
    device,
    available: false,
    reason,
    places: placesOf(probe),
    install: installSteps(probe),
  });
}
