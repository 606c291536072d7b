import { availableParallelism, cpus } from 'node:os';
import { choice } from '../config/fields.js';
import {
  ConfigError,
  CudaError,
  DeviceUnavailableError,
  type LstmError,
  OutOfMemoryError,
} from '../errors.js';
import type {
  NativeAddon,
  NativeCpuInfo,
  NativeCudaInfo,
  NativeDevice,
  NativeDeviceInfo,
  NativeDeviceOptions,
  NativeDropoutImplementation,
  NativeGpu,
  NativePrecision,
  NativeRnnAlgorithm,
} from './binding.js';
import { cudaUnavailable, type CudaProbe, isUsable, knownCuda, whyNot } from './cuda.js';
import { type CudaSettings, type DeviceOptions, resolveDevice } from './deviceOptions.js';
import { loadAddon } from './loadAddon.js';
import { typed } from './nativeErrors.js';

interface InUse {
  /** Why this device, in words. */
  readonly reason: string;
}

/** The processor, as a model uses it. */
export interface CpuDeviceInfo extends NativeCpuInfo, InUse {
  readonly device: 'cpu';
  readonly name: string;
}

/** A GPU, as a model uses it; its free memory is that of the time when it was opened. */
export interface CudaDeviceInfo extends NativeCudaInfo, InUse {
  readonly device: `cuda:${number}`;
  readonly precision: NativePrecision;
  readonly rnnAlgorithm: NativeRnnAlgorithm;
  readonly dropoutImplementation: NativeDropoutImplementation;
  readonly graph: boolean;
  readonly memoryLimit?: number;
}

/** The device that a model computes on. */
export type DeviceInfo = CpuDeviceInfo | CudaDeviceInfo;

/** A device in use, shared by every model of this thread that asks for the same one. */
export interface Device {
  readonly addon: NativeAddon;
  readonly handle: NativeDevice;
  readonly info: DeviceInfo;
}

interface Opened {
  readonly addon: NativeAddon;
  readonly handle: NativeDevice;
  readonly info: NativeDeviceInfo;
}

const instructionSets = ['baseline', 'avx2', 'avx512'] as const;
const instructionSetSchema = choice(...instructionSets).optional();

// A module is loaded once per JS environment, so each worker thread has its own.
const devices = new Map<string, Promise<Opened>>();

/**
 * The device for these options: made at the first request, then shared. It lives as long as the environment and
 * does not keep the process alive. `CUDNN_LSTM_INSTRUCTION_SET` forces an instruction set.
 *
 * @throws ConfigError, DeviceUnavailableError; OutOfMemoryError and CudaError from a GPU
 */
export async function acquireDevice(options: DeviceOptions): Promise<Device> {
  const request = resolveDevice(options);
  switch (request.device) {
    case 'cpu':
      return openCpu(request.threads, "asked for by device: 'cpu'");
    case 'cuda':
      return openCuda(
        await knownCuda(),
        request.index,
        request.cuda,
        `asked for by device: '${options.device}'`,
      );
    case 'auto':
      return openBest(request.threads, request.cuda);
  }
}

async function openBest(threads: number | undefined, settings: CudaSettings): Promise<Device> {
  const probe = await knownCuda();
  const obstacle = probe.standIn ? "cuda:0 is a stand-in, which 'auto' never takes" : whyNot(probe, 0);
  if (obstacle !== undefined) return openCpu(threads, `no GPU: ${obstacle}`);
  try {
    return await openCuda(probe, 0, settings, 'the first GPU');
  } catch (error) {
    if (!isRefusal(error)) throw error;
    return openCpu(threads, `cuda:0 could not be opened: ${error.message}`);
  }
}

function isRefusal(error: unknown): error is LstmError {
  return (
    error instanceof DeviceUnavailableError || error instanceof CudaError || error instanceof OutOfMemoryError
  );
}

async function openCpu(threads: number | undefined, reason: string): Promise<Device> {
  const instructionSet = forcedInstructionSet();
  const count = threads ?? Math.min(availableParallelism(), 256);
  const addon = loadAddon();
  if (instructionSet !== undefined) requireInstructionSet(addon, instructionSet);
  const forced = instructionSet === undefined ? {} : { instructionSet };
  const { info, ...opened } = await shared(addon, { kind: 'cpu', threads: count, ...forced });
  const details = { ...(info as NativeCpuInfo), device: 'cpu' as const, name: processorName(), reason };
  return Object.freeze({ ...opened, info: Object.freeze(details) });
}

/** The processor in its own words. */
export function processorName(): string {
  return cpus()[0]?.model.trim() ?? 'unknown processor';
}

async function openCuda(
  probe: CudaProbe,
  index: number,
  settings: CudaSettings,
  reason: string,
): Promise<Device> {
  const device = `cuda:${index}` as const;
  const obstacle = whyNot(probe, index);
  if (obstacle !== undefined) throw await cudaUnavailable(device, obstacle);
  const { rnnAlgorithm, dropoutImplementation, graph, memoryLimit } = settings;
  const precision = resolvePrecision(
    probe.gpus.filter(isUsable).find((gpu) => gpu.index === index)!,
    settings,
  );
  const limit = memoryLimit === undefined ? {} : { memoryLimitBytes: memoryLimit };
  const kind = { kind: 'cuda', library: probe.library, index } as const;
  try {
    const ways = { precision, rnnAlgorithm, dropoutImplementation, graph };
    const { info, ...opened } = await shared(loadAddon(), { ...kind, ...ways, ...limit });
    const chosen = { ...ways, ...(memoryLimit !== undefined && { memoryLimit }), reason };
    return Object.freeze({
      ...opened,
      info: Object.freeze({ ...(info as NativeCudaInfo), device, ...chosen }),
    });
  } catch (error) {
    if (error instanceof DeviceUnavailableError) throw await cudaUnavailable(device, error.message);
    throw error;
  }
}

// TF32 and bf16 came with compute capability 8.0; fp16's 5.3 every GPU has that this library runs on.
function resolvePrecision(
  { index, computeCapability, cudnnVersion }: NativeGpu,
  { precision }: CudaSettings,
) {
  const isAmpere = Number.parseInt(computeCapability, 10) >= 8;
  if (precision === undefined) return isAmpere ? 'tf32' : 'fp32';
  const on = `on cuda:${index}, whose compute capability is ${computeCapability}`;
  if (!isAmpere && precision === 'tf32') refusePrecision(precision, `'fp32' | 'fp16' ${on}`);
  if (!isAmpere && precision === 'bf16') refusePrecision(precision, `'fp32' | 'fp16' ${on}`);
  const [major = 9, minor = 13] = cudnnVersion?.split('.').map(Number) ?? [];
  if (precision === 'bf16' && major === 9 && minor < 13) {
    refusePrecision(precision, `'fp32' | 'tf32' | 'fp16' with cuDNN ${cudnnVersion} ('bf16' needs 9.13)`);
  }
  return precision;
}

function refusePrecision(precision: NativePrecision, expected: string): never {
  const path = 'options.precision';
  throw new ConfigError(`${path}: expected ${expected}, received '${precision}'`, {
    path,
    expected,
    received: precision,
  });
}

/** The device of these options, made once; a failure is not kept. */
async function shared(addon: NativeAddon, options: NativeDeviceOptions): Promise<Opened> {
  const key = JSON.stringify(options);
  const existing = devices.get(key);
  if (existing !== undefined) return existing;
  const made = typed(async () => {
    const handle = await addon.createDevice(options);
    return Object.freeze({ addon, handle, info: Object.freeze(addon.deviceInfo(handle)) });
  });
  devices.set(key, made);
  try {
    return await made;
  } catch (error) {
    devices.delete(key);
    throw error;
  }
}

function requireInstructionSet(addon: NativeAddon, wanted: (typeof instructionSets)[number]): void {
  const expected = addon.instructionSets();
  if (expected.includes(wanted)) return;
  throw new DeviceUnavailableError(
    `CUDNN_LSTM_INSTRUCTION_SET: expected one of ${expected.join(', ')} on this machine, received '${wanted}'`,
    { expected, received: wanted },
  );
}

function forcedInstructionSet() {
  const wanted = process.env['CUDNN_LSTM_INSTRUCTION_SET'];
  const parsed = instructionSetSchema.safeParse(wanted === '' ? undefined : wanted);
  if (parsed.success) return parsed.data;
  const expected = instructionSets.join(', ');
  throw new ConfigError(`CUDNN_LSTM_INSTRUCTION_SET: expected one of ${expected}, received '${wanted}'`, {
    path: 'CUDNN_LSTM_INSTRUCTION_SET',
    expected,
    received: wanted,
  });
}
