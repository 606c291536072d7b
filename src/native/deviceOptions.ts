import { z } from 'zod';
import { describe } from '../config/describe.js';
import { nearestName } from '../config/nearestName.js';
import { choice, flag, whole } from '../config/fields.js';
import { parseConfig } from '../config/parseConfig.js';
import { ConfigError } from '../errors.js';
import type { NativeDropoutImplementation, NativePrecision, NativeRnnAlgorithm } from './binding.js';

/** A device by name; `cuda` is `cuda:0`, the first GPU. */
export type DeviceName = 'auto' | 'cpu' | 'cuda' | `cuda:${number}`;

/** Where a model computes. What belongs to the GPU alone is ignored when `auto` takes the CPU, and the reverse. */
export interface DeviceOptions {
  /** Default `auto`: the first GPU when it can be used, else the CPU; `model.device.reason` says why. */
  readonly device?: DeviceName | undefined;
  /**
   * CPU: the most threads that share one step; by default as many as the machine runs at once. Fewer compute where there is
   * too little work for them, and for a while where other work takes their cores. Results do not depend on them.
   */
  readonly threads?: number | undefined;
  /**
   * GPU: what products read. Default `tf32` from compute capability 8.0 on, else `fp32`. With `fp16` (from 5.3 on) and
   * `bf16` (from 8.0 and cuDNN 9.13 on) it is half precision; parameters, gradients, moments, sums and losses stay
   * float32, and with `fp16` the loss is scaled dynamically: a step whose gradients overflow is skipped and halves the
   * scale.
   */
  readonly precision?: NativePrecision | undefined;
  /** GPU: bytes that all models of these device options may hold together. Default: what the card has. */
  readonly memoryLimit?: number | undefined;
  /** GPU: cuDNN's way through the recurrence. Default `auto`: the fastest legal one, found by timing. */
  readonly rnnAlgorithm?: NativeRnnAlgorithm | undefined;
  /**
   * GPU: who draws dropout between LSTM layers. Default `philox`: the CPU's masks, the layers called one by one. With
   * `cudnn` a stack is one call, whose masks no other device draws; they start anew from the seed with every model, also
   * with one that is loaded.
   */
  readonly dropoutImplementation?: NativeDropoutImplementation | undefined;
  /**
   * GPU: whether the training steps of a batch shape are recorded as one CUDA graph, and replayed from the third on:
   * one launch instead of dozens, with the same bits. Default `true`; what cannot be recorded runs call by call.
   */
  readonly graph?: boolean | undefined;
}

const cudaName = /^cuda:(0|[1-9]\d{0,3})$/;
const words = ['auto', 'cpu', 'cuda'];

const deviceName = z
  .custom<DeviceName>(
    (value) => typeof value === 'string' && (words.includes(value) || cudaName.test(value)),
    {
      error: ({ input }) => {
        const near = typeof input === 'string' ? nearestName(input, words) : undefined;
        return `'auto' | 'cpu' | 'cuda' | 'cuda:1'${near === undefined ? '' : ` (did you mean '${near}'?)`}`;
      },
    },
  )
  .meta({ anyOf: [{ enum: words }, { type: 'string', pattern: cudaName.source }] });

/** The settings of {@link DeviceOptions}, for schemas of calls that take them. */
export const deviceFields = {
  device: deviceName.default('auto'),
  threads: whole(1, 256).optional(),
  precision: choice('fp32', 'tf32', 'fp16', 'bf16').optional(),
  memoryLimit: whole(1).optional(),
  rnnAlgorithm: choice('auto', 'standard', 'persistStatic', 'persistDynamic', 'smallH').optional(),
  dropoutImplementation: choice('philox', 'cudnn').optional(),
  graph: flag.optional(),
};

/** What is asked of a GPU; absent: the default. */
export interface CudaSettings {
  readonly precision: NativePrecision | undefined;
  readonly memoryLimit: number | undefined;
  readonly rnnAlgorithm: NativeRnnAlgorithm;
  readonly dropoutImplementation: NativeDropoutImplementation;
  readonly graph: boolean;
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
    dropoutImplementation: cudaOptions.dropoutImplementation ?? 'philox',
    graph: cudaOptions.graph ?? true,
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
