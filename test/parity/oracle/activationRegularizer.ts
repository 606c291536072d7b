import type { Batch } from './batch.js';

/**
 * ar · mean(h_t²) + tar · mean((h_t - h_(t-1))²) over live steps of h [N,T,C], or of vectors [N,C] (Merity, McCann and
 * Socher 2017), and its gradient.
 */
export function activationRegularizer(
  { ar, tar }: { readonly ar: number; readonly tar: number },
  { batchSize: N, timeSteps, lengths }: Batch,
  { data: h, channels: C, overTime }: { data: Float64Array; channels: number; overTime: boolean },
): { penalty: number; gradient: Float64Array } {
  const T = overTime ? timeSteps : 1;
  const steps = overTime ? lengths : lengths.map(() => 1);
  const rows = steps.reduce((sum, length) => sum + length, 0);
  const gradient = new Float64Array(h.length);
  let penalty = 0;
  for (let n = 0; n < N; n++) {
    for (let t = 0; t < steps[n]!; t++) {
      for (let c = 0; c < C; c++) {
        const i = (n * T + t) * C + c;
        const share = Math.fround(ar) / (rows * C);
        penalty += share * h[i]! ** 2;
        gradient[i]! += 2 * share * h[i]!;
        if (t === 0) continue;
        const difference = h[i]! - h[i - C]!;
        const temporal = Math.fround(tar) / ((rows - N) * C);
        penalty += temporal * difference ** 2;
        gradient[i]! += 2 * temporal * difference;
        gradient[i - C]! -= 2 * temporal * difference;
      }
    }
  }
  return { penalty, gradient };
}
