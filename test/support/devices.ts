import { devices as listDevices, type DeviceOptions, type GpuListing } from '../../src/index.js';

/** A device that the parity and device tests run on. */
export interface TestDevice {
  readonly name: string;
  readonly options: DeviceOptions;
  /** It checks every access and multiplies by plain loops: long runs are left to the others. */
  readonly isSlow?: boolean;
}

// CUDNN_LSTM_INSTRUCTION_SET=baseline|avx2|avx512 forces an instruction set on the CPU device: one run for each.
const forced = process.env['CUDNN_LSTM_INSTRUCTION_SET'];
const suffix = forced === undefined ? '' : `, ${forced}`;

const cpuDevices: readonly TestDevice[] = [
  { name: `cpu, 1 thread${suffix}`, options: { device: 'cpu', threads: 1 } },
  { name: `cpu, 2 threads${suffix}`, options: { device: 'cpu', threads: 2 } },
];

const listed = await listDevices();
const firstGpu = listed.find((one): one is GpuListing => one.available && one.device === 'cuda:0');

/** The GPU that tests run on, or what stands in for it: strict float32, so that the CPU's tolerances hold. */
export const cuda: TestDevice | undefined = firstGpu && {
  name: firstGpu.standIn ? 'cuda (stand-in)' : 'cuda:0',
  options: { device: 'cuda:0', precision: 'fp32' },
  isSlow: firstGpu.standIn,
};

/** Why tests of the CUDA device are skipped; what stands in for a GPU counts as none where a real one is needed. */
export const noCuda = listed
  .flatMap((one) => (one.available ? [] : [`${one.device}: ${one.reason}`]))
  .join('; ');

/** cuda:0 is a GPU and not a stand-in. */
export const isRealGpu = firstGpu?.standIn === false;

// `npm run test:cuda` sets it: the GPU alone, and no stand-in may take its place.
const gpuOnly = process.env['CUDNN_LSTM_TEST_GPU'] === '1';
if (gpuOnly && !isRealGpu) throw new Error(`CUDNN_LSTM_TEST_GPU: no GPU was found (${noCuda || cuda?.name})`);

// Without the variable a GPU is left to `npm run test:cuda`: the tests then are those of a machine without one.
const standIn = cuda === undefined || isRealGpu ? [] : [cuda];

export const devices: readonly TestDevice[] = gpuOnly ? [cuda!] : [...cpuDevices, ...standIn];
