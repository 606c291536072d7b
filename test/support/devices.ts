/** The devices that every parity test runs on. */
export interface TestDevice {
  readonly name: string;
  readonly options: { readonly device: 'cpu'; readonly threads: number };
}

// CUDNN_LSTM_INSTRUCTION_SET=baseline|avx2|avx512 forces an instruction set on the CPU device: one run for each.
const forced = process.env['CUDNN_LSTM_INSTRUCTION_SET'];
const suffix = forced === undefined ? '' : `, ${forced}`;

export const devices: readonly TestDevice[] = [
  { name: `cpu, 1 thread${suffix}`, options: { device: 'cpu', threads: 1 } },
  { name: `cpu, 2 threads${suffix}`, options: { device: 'cpu', threads: 2 } },
];
