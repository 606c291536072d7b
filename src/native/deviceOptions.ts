import { z } from 'zod';
import { describe } from '../config/describe.js';
import { nearestName } from '../config/nearestName.js';
import { choice, whole } from '../config/fields.js';
import { parseConfig } from '../config/parseConfig.js';
import { ConfigError } from '../errors.js';
import type { NativePrecision, NativeRnnAlgorithm } from './binding.js';

/** A device by name; `cuda` is `cuda:0`, the first GPU. */
export type DeviceName = 'auto' | 'cpu' | 'cuda' | `cuda:${number}`;

/** Where a model computes. What belongs to the GPU alone is ignored when `auto` takes the CPU, and the reverse. */
export interface DeviceOptions {
  /** Default `auto`: the first GPU when it can be used, else the CPU; `model.device.reason` says why. */
  readonly device?: DeviceName | undefined;
  /** CPU: threads that share one step; by default as many as the machine runs at once. */
  readonly threads?: number | undefined;
  /** GPU: how float32 products are computed. Default `tf32` from compute capability 8.0 on, else `fp32`. */
  readonly precision?: NativePrecision | undefined;
  /** GPU: bytes that all models of these device options may hold together. Default: what the card has. */
  readonly memoryLimit?: number | undefined;
  /** GPU: cuDNN's way through the recurrence. Default `auto`: the fastest legal one, found by timing. */
  readonly rnnAlgorithm?: NativeRnnAlgorithm | undefined;
}

const cudaName = /^cuda:(0|[1-9]\d{0,3})$/;
const words = ['auto', 'cpu', 'cuda'];
const precisions = ['fp32', 'tf32'];

const deviceName = z.custom<DeviceName>(
  (value) => typeof value === 'string' && (words.includes(value) || cudaName.test(value)),
  {
    error: ({ input }) => {
      const near = typeof input === 'string' ? nearestName(input, words) : undefined;
      return `'auto' | 'cpu' | 'cuda' | 'cuda:1'${near === undefined ? '' : ` (did you mean '${near}'?)`}`;
    },
  },
);

const precision = z.custom<NativePrecision>((value) => precisions.includes(value as string), {
  error: ({ input }) =>
    input === 'fp16' || input === 'bf16'
      ? `'fp32' | 'tf32' ('${input}' is not built yet)`
      : "'fp32' | 'tf32'",
});

/** The settings of {@link DeviceOptions}, for schemas of calls that take them. */
export const deviceFields = {
  device: deviceName.default('auto'),
  threads: whole(1, 256).optional(),
  precision: precision.optional(),
  memoryLimit: whole(1).optional(),
  rnnAlgorithm: choice('auto', 'standard', 'persistStatic', 'persistDynamic', 'smallH').optional(),
};

/** What is asked of a GPU; absent: the default. */
export interface CudaSettings {
  readonly precision: NativePrecision | undefined;
  readonly memoryLimit: number | undefined;
  readonly rnnAlgorithm: NativeRnnAlgorithm;
}

/** Device options, checked, with the device's name taken apart. */
export type DeviceRequest =
  | { readonly device: 'auto'; readonly threads: number | undefined; readonly cuda: CudaSettings }
  | { readonly device: 'cpu'; readonly threads: number | undefined }
  | { readonly device: 'cuda'; readonly index: number; readonly cuda: CudaSettings };

const schema = z.object(deviceFields);

/** @throws ConfigError, also for a setting of another device than the one that is named. */
export function resolveDevice(options: DeviceOptions): DeviceRequest {
  const { device, threads, ...cudaOptions } = parseConfig(schema, options, 'options');
  const cuda = {
    precision: cudaOptions.precision,
    memoryLimit: cudaOptions.memoryLimit,
    rnnAlgorithm: cudaOptions.rnnAlgorithm ?? 'auto',
  };
  if (device === 'auto') return { device, threads, cuda };
  if (device === 'cpu') {
    refuse(cudaOptions, 'cpu');
    return { device, threads };
  }
  refuse({ threads }, device);
  return { device: 'cuda', index: Number(cudaName.exec(device)?.[1] ?? 0), cuda };
}

function refuse(settings: Readonly<Record<string, unknown>>, device: string): void {
  for (const [name, received] of Object.entries(settings)) {
    if (received === undefined) continue;
    const path = `options.${name}`;
    const expected = `none for device '${device}'`;
    throw new ConfigError(`${path}: expected ${expected}, received ${describe(received)}`, {
      path,
      expected,
      received,
    });
  }
}
