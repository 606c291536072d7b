import { availableParallelism } from 'node:os';
import { z } from 'zod';
import { choice, whole } from '../config/fields.js';
import { parseConfig } from '../config/parseConfig.js';
import { ConfigError, DeviceUnavailableError } from '../errors.js';
import type { NativeAddon, NativeDevice, NativeDeviceInfo } from './binding.js';
import { loadAddon } from './loadAddon.js';
import { typedError } from './nativeErrors.js';

/** Where a model computes. */
export interface DeviceOptions {
  /** `auto`: the best one there is. */
  readonly device?: 'auto' | 'cpu' | 'cuda' | undefined;
  /** Threads that share one step; by default as many as the machine runs at once. */
  readonly threads?: number | undefined;
}

/** The settings of {@link DeviceOptions}, for schemas of calls that take them. */
export const deviceFields = {
  device: choice('auto', 'cpu', 'cuda').default('auto'),
  threads: whole(1, 256).optional(),
};

/** A device in use, shared by every model of this thread that asks for the same one. */
export interface Device {
  readonly addon: NativeAddon;
  readonly handle: NativeDevice;
  readonly info: NativeDeviceInfo;
}

const instructionSets = ['baseline', 'avx2', 'avx512'] as const;
const instructionSetSchema = choice(...instructionSets).optional();
const resolvedSchema = z.object(deviceFields);

// A module is loaded once per JS environment, so each worker thread has its own.
const devices = new Map<string, Device>();

/**
 * The device for these options: made at the first request, then shared. It lives as long as the environment and
 * does not keep the process alive. `CUDNN_LSTM_INSTRUCTION_SET` forces an instruction set.
 *
 * @throws DeviceUnavailableError, ConfigError
 */
export function acquireDevice(options: DeviceOptions): Device {
  const { device, threads } = parseConfig(resolvedSchema, options, 'options');
  if (device === 'cuda') {
    throw new DeviceUnavailableError("device 'cuda': this build has no CUDA device; use 'auto' or 'cpu'", {
      device,
    });
  }
  const instructionSet = forcedInstructionSet();
  const count = threads ?? Math.min(availableParallelism(), 256);
  const key = `cpu/${count}/${instructionSet ?? 'best'}`;
  const existing = devices.get(key);
  if (existing !== undefined) return existing;
  const made = makeDevice(count, instructionSet);
  devices.set(key, made);
  return made;
}

function makeDevice(threads: number, instructionSet: (typeof instructionSets)[number] | undefined): Device {
  const addon = loadAddon();
  if (instructionSet !== undefined && !addon.instructionSets().includes(instructionSet)) {
    const available = addon.instructionSets().join(', ');
    throw new DeviceUnavailableError(
      `CUDNN_LSTM_INSTRUCTION_SET: expected one of ${available} on this machine, received '${instructionSet}'`,
      { expected: addon.instructionSets(), received: instructionSet },
    );
  }
  try {
    const forced = instructionSet === undefined ? {} : { instructionSet };
    const handle = addon.createDevice({ kind: 'cpu', threads, ...forced });
    return Object.freeze({ addon, handle, info: Object.freeze(addon.deviceInfo(handle)) });
  } catch (error) {
    throw typedError(error);
  }
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
