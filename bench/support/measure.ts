import type { Contender, Inputs, Outcome, Trial } from './contender.js';
import { flop } from './shapes.js';
import { type Summary, summarize } from './statistics.js';

/** One line of the result. Ratios are a peer's median by ours, only on our own rows: above 1 we are faster. */
export interface Row extends Summary {
  readonly suite: string;
  readonly shape: string;
  readonly threads: number;
  readonly contender: string;
  readonly gflopPerS: number;
  readonly ratioToTorch?: number;
}

/** Runs one contender makes before the other's turn. */
const turns = 5;
/** How far two contenders' first results may lie apart, as a share of the largest: float32 sums in another order. */
const tolerance = 1e-4;

/** Times contenders in turns, after their results were found to agree. The first one is ours. */
export async function measure(
  contenders: readonly Contender[],
  trial: Trial,
  inputs: Inputs,
  secondsEach: number,
): Promise<Row[]> {
  const outcomes: Outcome[] = [];
  for (const contender of contenders) outcomes.push(await contender.setUp(trial, inputs));
  contenders.forEach(({ name }, index) => requireEqual(outcomes[0]!, outcomes[index]!, name, trial));

  const times = contenders.map((): number[] => []);
  const repetitions: number[] = [];
  for (const contender of contenders) {
    const warm = summarize(await contender.run(3)).medianMs;
    repetitions.push(Math.max(1, Math.round((secondsEach * 1e3) / turns / warm)));
  }
  for (let turn = 0; turn < turns; turn++) {
    for (const [index, contender] of contenders.entries()) {
      times[index]!.push(...(await contender.run(repetitions[index]!)));
    }
  }
  return rowsOf(contenders, trial, times.map(summarize));
}

function rowsOf(contenders: readonly Contender[], trial: Trial, summaries: readonly Summary[]): Row[] {
  const { suite, shape, threads } = trial;
  const ours = summaries[0]!.medianMs;
  const peers = contenders
    .slice(1)
    .map(({ name }, index) => [
      `ratioTo${name[0]!.toUpperCase()}${name.slice(1)}`,
      round(summaries[index + 1]!.medianMs / ours, 3),
    ]);
  return contenders.map(({ name }, index) => {
    const { minMs, medianMs, spreadMs } = summaries[index]!;
    return {
      suite,
      shape: shape.name,
      threads,
      contender: name,
      medianMs: round(medianMs, 4),
      minMs: round(minMs, 4),
      spreadMs: round(spreadMs, 4),
      gflopPerS: round(flop(shape, suite) / medianMs / 1e6, 2),
      ...(index === 0 && (Object.fromEntries(peers) as object)),
    };
  });
}

function requireEqual(ours: Outcome, theirs: Outcome, name: string, { suite, shape }: Trial): void {
  const scale = ours.reduce((a, b) => Math.max(a, Math.abs(b)), 0);
  const worst = ours.reduce(
    (a, value, index) => Math.max(a, Math.abs(value - (theirs[index] ?? Number.NaN))),
    0,
  );
  if (ours.length === theirs.length && worst <= tolerance * scale) return;
  throw new Error(
    `${suite} ${shape.name}: ${name} computes something else, ${worst} apart at a scale of ${scale}`,
  );
}

function round(value: number, digits: number): number {
  return Number(value.toFixed(digits));
}
