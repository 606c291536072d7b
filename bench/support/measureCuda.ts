import type { Inputs } from './contender.js';
import type { CudaContender } from './cudaContender.js';
import { type CudaShape, type Precision, stepFlop } from './cudaShapes.js';
import { type Summary, summarize } from './statistics.js';

/** One line of the result. Ratios are a peer's median by ours, only on our own rows: above 1 we are faster. */
export interface CudaRow extends Summary {
  readonly suite: 'train-step';
  readonly shape: string;
  readonly precision: Precision;
  readonly contender: string;
  readonly tflopPerS: number;
  readonly ratioToTorchEager?: number;
  readonly ratioToTorchGraph?: number;
}

/** Measurements of each contender, one a turn. */
const turns = 9;
/** How far two contenders' first losses may lie apart, as a share: sums in another order, factors of 10 bits. */
const tolerances: Readonly<Record<Precision, number>> = { fp32: 1e-4, tf32: 1e-2 };

/** Times contenders in turns, after their first losses were found to agree. The first one is ours. */
export async function measureCuda(
  contenders: readonly CudaContender[],
  shape: CudaShape,
  precision: Precision,
  inputs: Inputs,
  secondsEach: number,
): Promise<CudaRow[]> {
  const losses: (readonly number[])[] = [];
  for (const contender of contenders) losses.push(await contender.setUp(shape, precision, inputs));
  contenders.forEach(({ name }, index) => {
    const worst = Math.max(...losses[0]!.map((loss, k) => Math.abs(loss - losses[index]![k]!) / loss));
    if (!(worst <= tolerances[precision]))
      throw new Error(`${shape.name}, ${precision}: ${name} computes something else, ${worst} apart`);
  });

  const times = contenders.map((): number[] => []);
  const steps: number[] = [];
  for (const contender of contenders) {
    await contender.run(5);
    const warm = await contender.run(5);
    steps.push(Math.max(2, Math.round((secondsEach * 1e3) / turns / warm)));
  }
  for (let turn = 0; turn < turns; turn++) {
    for (const [index, contender] of contenders.entries())
      times[index]!.push(await contender.run(steps[index]!));
  }
  return rowsOf(contenders, shape, precision, times.map(summarize));
}

function rowsOf(
  contenders: readonly CudaContender[],
  shape: CudaShape,
  precision: Precision,
  summaries: readonly Summary[],
): CudaRow[] {
  const medianOf = (name: string) => summaries[contenders.findIndex((one) => one.name === name)]?.medianMs;
  return contenders.map(({ name }, index) => {
    const { minMs, medianMs, spreadMs } = summaries[index]!;
    const [eager, graph] = index === 0 ? [medianOf('torch-eager'), medianOf('torch-graph')] : [];
    return {
      suite: 'train-step',
      shape: shape.name,
      precision,
      contender: name,
      medianMs: round(medianMs, 4),
      minMs: round(minMs, 4),
      spreadMs: round(spreadMs, 4),
      tflopPerS: round(stepFlop(shape) / medianMs / 1e9, 2),
      ...(eager !== undefined && { ratioToTorchEager: round(eager / medianMs, 3) }),
      ...(graph !== undefined && { ratioToTorchGraph: round(graph / medianMs, 3) }),
    };
  });
}

function round(value: number, digits: number): number {
  return Number(value.toFixed(digits));
}
