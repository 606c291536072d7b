import type { Batch } from './batch.js';

export type PoolMode = 'last' | 'mean' | 'max';

/** Pooling over each sequence's own live steps: [N,T,channels] -> [N,channels]. */
export function pool(mode: PoolMode, batch: Batch, channels: number, x: Float64Array) {
  const { batchSize: N, timeSteps: T, lengths } = batch;
  const y = new Float64Array(N * channels);
  forEachColumn((n, c) => {
    const column = live(n, c).map((i) => x[i]!);
    if (mode === 'last') y[n * channels + c] = column.at(-1)!;
    if (mode === 'mean') y[n * channels + c] = column.reduce((a, b) => a + b) / column.length;
    if (mode === 'max') y[n * channels + c] = Math.max(...column);
  });
  return { y, backward };

  function backward(dy: Float64Array): Float64Array {
    const dx = new Float64Array(x.length);
    forEachColumn((n, c) => {
      const places = live(n, c);
      const d = dy[n * channels + c]!;
      if (mode === 'last') dx[places.at(-1)!] = d;
      if (mode === 'mean') for (const i of places) dx[i] = d / places.length;
      if (mode === 'max') dx[places.find((i) => x[i] === y[n * channels + c])!] = d;
    });
    return dx;
  }

  /** Where the live steps of one channel of sequence n stand. */
  function live(n: number, c: number): number[] {
    return Array.from({ length: lengths[n]! }, (_, t) => (n * T + t) * channels + c);
  }

  function forEachColumn(visit: (n: number, c: number) => void): void {
    for (let n = 0; n < N; n++) for (let c = 0; c < channels; c++) visit(n, c);
  }
}
