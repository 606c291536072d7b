import { describe, expect, it } from 'vitest';
import { ConfigError } from '../../../src/errors.js';
import { type DeviceOptions, resolveDevice } from '../../../src/native/deviceOptions.js';

const defaults = {
  precision: undefined,
  memoryLimit: undefined,
  rnnAlgorithm: 'auto',
  dropoutImplementation: 'philox',
  graph: true,
};

describe('device options', () => {
  it.each<[DeviceOptions, object]>([
    [{}, { device: 'auto', threads: undefined, cuda: defaults }],
    [
      { device: 'cpu', threads: 3 },
      { device: 'cpu', threads: 3 },
    ],
    [{ device: 'cuda' }, { device: 'cuda', index: 0, cuda: defaults }],
    [{ device: 'cuda:0' }, { device: 'cuda', index: 0, cuda: defaults }],
    [{ device: 'cuda:12' }, { device: 'cuda', index: 12, cuda: defaults }],
    [
      { device: 'cuda', precision: 'tf32', memoryLimit: 2 ** 33, rnnAlgorithm: 'standard', graph: false },
      {
        device: 'cuda',
        index: 0,
        cuda: {
          ...defaults,
          precision: 'tf32',
          memoryLimit: 2 ** 33,
          rnnAlgorithm: 'standard',
          graph: false,
        },
      },
    ],
  ])('%o is %o', (options, resolved) => {
    expect(resolveDevice(options)).toEqual(resolved);
  });

  it.each<[object, string]>([
    [{ device: 'npu9' }, "options.device: expected 'auto' | 'cpu' | 'cuda' | 'cuda:1', received 'npu9'"],
    [{ device: 'cude' }, "(did you mean 'cuda'?), received 'cude'"],
    [{ device: 'cuda:' }, "received 'cuda:'"],
    [{ device: 'cuda:-1' }, "received 'cuda:-1'"],
    [{ device: 'cuda:01' }, "received 'cuda:01'"],
    [{ device: 'cuda:1.5' }, "received 'cuda:1.5'"],
    [{ device: 1 }, 'received 1'],
    [{ precision: 'int8' }, "options.precision: expected 'fp32' | 'tf32' | 'fp16' | 'bf16', received 'int8'"],
    [{ dropoutImplementation: 'cuddn' }, "(did you mean 'cudnn'?)"],
    [
      { device: 'cpu', dropoutImplementation: 'cudnn' },
      "options.dropoutImplementation: expected none for device 'cpu', received 'cudnn'",
    ],
    [{ memoryLimit: 0 }, 'options.memoryLimit: expected a whole number from 1, received 0'],
    [{ memoryLimit: 1.5 }, 'received 1.5'],
    [{ rnnAlgorithm: 'standart' }, "(did you mean 'standard'?)"],
    [
      { device: 'cpu', precision: 'fp32' },
      "options.precision: expected none for device 'cpu', received 'fp32'",
    ],
    [{ device: 'cpu', memoryLimit: 5 }, "options.memoryLimit: expected none for device 'cpu', received 5"],
    [{ device: 'cuda:1', threads: 2 }, "options.threads: expected none for device 'cuda:1', received 2"],
  ])('%o is refused: %s', (options, message) => {
    const resolve = () => resolveDevice(options as DeviceOptions);
    expect(resolve).toThrow(ConfigError);
    expect(resolve).toThrow(message);
  });
});
