import { execFile } from 'node:child_process';
import { promisify } from 'node:util';

import { findProgram } from './program.js';

export interface NativeLatency {
  readonly shape: 'one-sequence' | 'streaming';
  readonly weights: string;
  readonly medianMs: number;
}

/** Rows of bench/native/lstm_latency.cpp that have the suites' shapes: the LSTM alone, without Dense. */
const names = {
  'predict N1 T50 C64 H128 L1': 'one-sequence',
  'streaming N1 T1 C256 H256 L2': 'streaming',
} as const;

/** The same work in C++, one thread: a name, then microseconds a column of weights. */
export async function nativeLatency(): Promise<NativeLatency[]> {
  const { stdout } = await promisify(execFile)(findProgram('lstm_latency'));
  const [head = '', ...lines] = stdout.split('\n');
  const columns = head.trim().split(/\s+/);
  return lines.flatMap((line) => {
    const found = Object.entries(names).find(([name]) => line.startsWith(name));
    if (found === undefined) return [];
    const [name, shape] = found;
    const values = line.slice(name.length).trim().split(/\s+/).map(Number);
    return values.map((us, k) => ({ shape, weights: columns[k]!, medianMs: us / 1e3 }));
  });
}
