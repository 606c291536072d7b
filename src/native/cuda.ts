import { existsSync } from 'node:fs';
import { dirname, join, resolve } from 'node:path';
import { DeviceUnavailableError } from '../errors.js';
import type { NativeCudaProbe, NativeGpu, NativePlace } from './binding.js';
import { addonPath, loadAddon } from './loadAddon.js';
import { typed } from './nativeErrors.js';

const libraryName = 'libcudnn_lstm_cuda.so';
const libraryVariable = 'CUDNN_LSTM_CUDA_LIBRARY';

/** What there is of CUDA, and the library that was asked. */
export interface CudaProbe extends NativeCudaProbe {
  readonly library: string;
}

/** The CUDA device's library: what `CUDNN_LSTM_CUDA_LIBRARY` names, else the one beside the addon. */
export function cudaLibrary(): string {
  const named = process.env[libraryVariable];
  return named ? resolve(named) : join(dirname(addonPath()), libraryName);
}

/**
 * Asks anew, also for every place where a library may lie: free memory is of this moment.
 *
 * @throws DeviceUnavailableError when the addon itself does not load.
 */
export function probeCuda(): Promise<CudaProbe> {
  return probe(true);
}

async function probe(withPlaces: boolean): Promise<CudaProbe> {
  const library = cudaLibrary();
  const found = await typed(() => loadAddon().cudaDevices(library, withPlaces));
  return { ...found, library };
}

const probes = new Map<string, Promise<CudaProbe>>();

/** The GPUs alone, asked for once in the life of this environment: they do not come and go. */
export function knownCuda(): Promise<CudaProbe> {
  const library = cudaLibrary();
  const known = probes.get(library) ?? probe(false);
  probes.set(library, known);
  return known;
}

/** A GPU that answered. */
export function isUsable(gpu: NativeCudaProbe['gpus'][number]): gpu is NativeGpu {
  return !('failure' in gpu);
}

/** Why there is no such GPU, in a sentence; undefined when it is there. */
export function whyNot(probe: CudaProbe, index: number): string | undefined {
  if (!probe.opened && !existsSync(probe.library)) return notBuilt(probe.library);
  if (probe.failure !== undefined) return probe.failure;
  const gpu = probe.gpus.find((one) => one.index === index);
  if (gpu === undefined) return count(probe.gpus.length);
  return isUsable(gpu) ? undefined : gpu.failure;
}

function notBuilt(library: string): string {
  return process.env[libraryVariable]
    ? `${libraryVariable} names ${library}, which is not there`
    : `${libraryName} is not part of this build`;
}

function count(gpus: number): string {
  return gpus === 1 ? 'there is 1 GPU, cuda:0' : `there are ${gpus} GPUs, cuda:0 to cuda:${gpus - 1}`;
}

/** Every place that was looked at; the library itself when nothing behind it was reached. */
export function placesOf(probe: CudaProbe): readonly NativePlace[] {
  const own = { library: 'cudnn_lstm_cuda', path: probe.library };
  if (probe.opened) return [{ ...own, outcome: 'loaded' }, ...probe.places];
  const outcome = existsSync(probe.library) ? (probe.failure ?? 'failed to load') : 'not there';
  return [{ ...own, outcome }, ...probe.places];
}

/** A place in one line. */
export function placeText({ library, path, outcome }: NativePlace): string {
  return `${library}${path === '' ? '' : `, ${path}`}: ${outcome}`;
}

const remedies = {
  driver: 'Install the NVIDIA driver: 580 or newer for a build with CUDA 13, 525 or newer for CUDA 12.',
  cudnn:
    "Install cuDNN 9, NVIDIA's package libcudnn9-cuda-13 or the Python package nvidia-cudnn-cu13, or set CUDNN_ROOT " +
    'to the folder that holds its lib.',
  cublasLt: "Install cuBLAS of cuDNN's CUDA: NVIDIA's package libcublas or the Python package nvidia-cublas.",
  gpu: 'Check that `nvidia-smi` lists a GPU of compute capability 7.5 or newer, and CUDA_VISIBLE_DEVICES.',
} as const;

/** What would make a GPU usable, a sentence each. */
export function installSteps(probe: CudaProbe): readonly string[] {
  if (!probe.opened) return [rebuild(probe.library)];
  const missing = missingLibraries(probe.places);
  return missing.length > 0 ? missing.map((library) => remedies[library]) : [remedies.gpu];
}

function missingLibraries(places: readonly NativePlace[]): ('driver' | 'cudnn' | 'cublasLt')[] {
  const tried = (library: string) => places.some((place) => place.library === library);
  const works = (library: string) =>
    places.some((place) => place.library === library && /^(loaded|serves)/.test(place.outcome));
  // cuBLASLt is looked for once cuDNN was found, and cuDNN counts as loaded with both.
  const isCublasMissing = tried('cublasLt') && !works('cublasLt');
  return [
    ...(tried('driver') && !works('driver') ? (['driver'] as const) : []),
    ...(tried('cudnn') && !works('cudnn') && !isCublasMissing ? (['cudnn'] as const) : []),
    ...(isCublasMissing ? (['cublasLt'] as const) : []),
  ];
}

function rebuild(library: string): string {
  if (process.env[libraryVariable]) {
    return `Let ${libraryVariable} name a library of this version, or unset it for the one beside the addon.`;
  }
  return (
    `Build ${library}: \`npm run build:native\` in a clone, with nvcc (CUDA 12 or 13) on the PATH and the headers ` +
    'of cuDNN 9 (CUDNN_ROOT names their parent folder).'
  );
}

/** The error for a GPU that cannot be had: what was looked for, where, and what to do. */
export async function cudaUnavailable(device: string, reason: string): Promise<DeviceUnavailableError> {
  const probe = await probeCuda();
  const places = placesOf(probe);
  const install = installSteps(probe);
  const gpus = probe.gpus.length;
  const details = { device, reason, places, install, count: gpus };
  if (gpus > 0 && probe.failure === undefined) {
    return new DeviceUnavailableError(`device '${device}': ${reason}`, details);
  }
  const looked = places.map((place) => `\n  ${placeText(place)}`).join('');
  const todo = install.map((step) => `\n  ${step}`).join('');
  return new DeviceUnavailableError(
    `device '${device}': ${reason}\nLooked for:${looked}\nTo use it:${todo}\nOr take device 'cpu' or 'auto'.`,
    details,
  );
}
