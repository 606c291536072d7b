import { join } from 'node:path';
import { afterAll, afterEach, describe, expect, it, vi } from 'vitest';
import {
  dense,
  DeviceUnavailableError,
  devices,
  sequential,
  type DeviceListing,
  type DeviceOptions,
  type Model,
} from '../../src/index.js';
import { type Answers, gpu, hasCompiler, Libraries, sourceOf } from '../support/cudaDouble.js';

const libraries = new Libraries();
afterAll(() => libraries[Symbol.dispose]());
afterEach(() => vi.unstubAllEnvs());

function use(library: string): void {
  vi.stubEnv('CUDNN_LSTM_CUDA_LIBRARY', library);
}

function build(options: DeviceOptions): Promise<Model> {
  return sequential([dense({ units: 2 })], { inputSize: 1, ...options });
}

async function gpus(): Promise<readonly DeviceListing[]> {
  const all = await devices();
  expect(all[0]).toMatchObject({ device: 'cpu', available: true });
  return all.slice(1);
}

async function refusal(device: 'cuda' | 'cuda:1' = 'cuda'): Promise<DeviceUnavailableError> {
  const error: unknown = await build({ device }).catch((error: unknown) => error);
  expect(error).toBeInstanceOf(DeviceUnavailableError);
  return error as DeviceUnavailableError;
}

/** `auto` takes the CPU, says why, trains, and ignores what belongs to a GPU. */
async function expectAutoOnCpu(why: RegExp | string): Promise<void> {
  await using model = await build({ device: 'auto', threads: 1, precision: 'tf32', memoryLimit: 1 });
  expect(model.device).toMatchObject({ device: 'cpu', threads: 1 });
  expect(model.device.reason).toMatch(why);
  const { loss } = await model.trainStep({ x: [[[1]]], y: [[[0, 0]]] }, { loss: 'mse', optimizer: 'adam' });
  expect(loss).toBeGreaterThan(0);
}

describe('without the library of the CUDA device', () => {
  const path = join(libraries.folder, 'none.so');

  it('devices() says that it is not there and how it is built', async () => {
    use(path);
    const [cuda, ...others] = await gpus();
    expect(others).toEqual([]);
    expect(cuda).toMatchObject({
      device: 'cuda',
      available: false,
      reason: `CUDNN_LSTM_CUDA_LIBRARY names ${path}, which is not there`,
      places: [{ library: 'cudnn_lstm_cuda', path, outcome: 'not there' }],
    });
    expect(cuda).toHaveProperty('install.0', expect.stringContaining('CUDNN_LSTM_CUDA_LIBRARY'));
  });

  it("device 'cuda' is refused with the place and what to do; 'auto' takes the CPU", async () => {
    use(path);
    const error = await refusal();
    expect(error.message).toContain(path);
    expect(error.message).toContain("take device 'cpu' or 'auto'");
    expect(error.details).toMatchObject({ device: 'cuda:0', count: 0, places: [{ outcome: 'not there' }] });
    await expectAutoOnCpu(path);
  });
});

describe('with a file that is no library', () => {
  it("gives the loader's words everywhere", async () => {
    const path = libraries.text('broken.so', 'not an ELF file');
    use(path);
    const [cuda] = await gpus();
    expect(cuda).toMatchObject({ device: 'cuda', available: false });
    expect(cuda).toHaveProperty('reason', expect.stringMatching(/broken\.so.*(too short|ELF)/));
    expect((await refusal()).message).toMatch(/broken\.so.*(too short|ELF)/);
    await expectAutoOnCpu('broken.so');
  });
});

describe.skipIf(!hasCompiler)('with a library that was compiled for the test (skipped without g++)', () => {
  let count = 0;
  function useLibrary(answers: Answers): void {
    use(libraries.compile(`library${count++}`, sourceOf(answers)));
  }

  it('a library without the entry is refused', async () => {
    use(libraries.compile('empty', 'int nothing;'));
    const [cuda] = await gpus();
    expect(cuda).toHaveProperty('reason', expect.stringContaining('cudnn_lstm_cuda_runtime'));
    await expectAutoOnCpu('cudnn_lstm_cuda_runtime');
  });

  it('a library of another ABI is refused', async () => {
    useLibrary({ abi: 'LSTM_CUDA_ABI + 1' });
    const [cuda] = await gpus();
    expect(cuda).toHaveProperty('reason', expect.stringMatching(/expected ABI \d+, got \d+/));
    expect((await refusal()).message).toMatch(/expected ABI \d+, got \d+/);
    await expectAutoOnCpu('expected ABI');
  });

  it('without a driver it says so, and that it is to be installed', async () => {
    useLibrary({
      deviceCount: 'return say(kRuntimeUnavailable, error, "no driver here");',
      places: [
        ['driver', 'libcuda.so.1', 'no driver here'],
        ['cudnn', '/there/libcudnn_adv.so.9', 'loaded 9.24.0'],
      ],
    });
    const [cuda, ...others] = await gpus();
    expect(others).toEqual([]);
    expect(cuda).toMatchObject({
      device: 'cuda',
      available: false,
      reason: 'no driver here',
      install: [expect.stringContaining('NVIDIA driver')],
    });
    const { message } = await refusal();
    expect(message).toContain('driver, libcuda.so.1: no driver here');
    expect(message).toContain('cudnn, /there/libcudnn_adv.so.9: loaded 9.24.0');
    await expectAutoOnCpu('no GPU: no driver here');
  });

  it('without cuDNN the GPU is listed as one that cannot be used', async () => {
    useLibrary({
      deviceCount: '*count = 1; return kRuntimeOk;',
      deviceInfo: gpu('info->cudnnVersion = 0;'),
      places: [
        ['driver', 'libcuda.so.1', 'serves CUDA 13.0, 1 device'],
        ['cudnn', 'libcudnn_adv.so.9', 'no such file'],
      ],
    });
    expect(await gpus()).toMatchObject([
      { device: 'cuda:0', available: false, install: [expect.stringContaining('cuDNN 9')] },
    ]);
    expect((await refusal()).message).toContain('cuDNN');
    await expectAutoOnCpu('cuDNN');
  });

  it('half a cuDNN, without its cuBLAS, asks for that alone', async () => {
    useLibrary({
      deviceCount: '*count = 1; return kRuntimeOk;',
      deviceInfo: gpu('info->cudnnVersion = 0;'),
      places: [
        ['driver', 'libcuda.so.1', 'serves CUDA 13.0, 1 device'],
        ['cudnn', '/elsewhere/libcudnn_adv.so.9', 'no such file'],
        ['cublasLt', 'libcublasLt.so.13', 'no such file'],
      ],
    });
    expect(await gpus()).toMatchObject([{ install: [expect.stringContaining('cuBLAS')] }]);
  });

  it('a GPU that is too old is told from one that is not there', async () => {
    useLibrary({
      deviceCount: '*count = 2; return kRuntimeOk;',
      deviceInfo: gpu('if (index == 0) { info->computeMajor = 7; info->computeMinor = 0; }'),
      places: [['driver', 'libcuda.so.1', 'serves CUDA 13.0, 2 devices']],
    });
    expect(await gpus()).toMatchObject([
      { device: 'cuda:0', available: false, reason: 'its compute capability is 7.0: expected 7.5 or newer' },
      {
        device: 'cuda:1',
        available: true,
        name: 'a GPU',
        standIn: false,
        computeCapability: '9.0',
        driverVersion: '13.0',
        cudnnVersion: '9.24.0',
        cublasLtVersion: '13.1.1',
        totalBytes: 2 ** 30,
      },
    ]);
    expect((await refusal()).message).toContain('compute capability is 7.0');
  });

  it('an index beyond the last GPU is refused with how many there are', async () => {
    useLibrary({ deviceCount: '*count = 1; return kRuntimeOk;', deviceInfo: gpu() });
    const { message, details } = await refusal('cuda:1');
    expect(message).toBe("device 'cuda:1': there is 1 GPU, cuda:0");
    expect(details).toMatchObject({ count: 1 });
  });

  it('a GPU that refuses its context is an error by name, and the CPU by auto', async () => {
    useLibrary({ deviceCount: '*count = 1; return kRuntimeOk;', deviceInfo: gpu() });
    expect((await refusal()).message).toContain('the context was refused');
    await expectAutoOnCpu('cuda:0 could not be opened');
  });

  it.each(['tf32', 'bf16'] as const)('%s on a card without it is a ConfigError', async (precision) => {
    useLibrary({
      deviceCount: '*count = 1; return kRuntimeOk;',
      deviceInfo: gpu('info->computeMajor = 7; info->computeMinor = 5;'),
    });
    await expect(build({ device: 'cuda', precision })).rejects.toMatchObject({
      code: 'ERR_CONFIG',
      message: expect.stringContaining('compute capability is 7.5') as string,
    });
  });

  it('bf16 with a cuDNN before 9.13 is a ConfigError', async () => {
    useLibrary({
      deviceCount: '*count = 1; return kRuntimeOk;',
      deviceInfo: gpu('info->cudnnVersion = 90800;'),
    });
    await expect(build({ device: 'cuda', precision: 'bf16' })).rejects.toMatchObject({
      code: 'ERR_CONFIG',
      message: expect.stringContaining("with cuDNN 9.8.0 ('bf16' needs 9.13)") as string,
    });
  });
});
