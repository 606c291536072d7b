import { type Contender, type Inputs, isUnable, type Outcome } from './contender.js';
import { type Summary, summarize } from './statistics.js';

/** How contenders are timed. */
export interface Method {
  /** Runs one contender makes, one after the other, before the next one's turn; the turns of each. */
  readonly turns: number;
  readonly secondsEach: number;
  /** Runs before any is timed. */
  readonly warmRuns: number;
  /** How far first results may lie from ours, as a share of the largest of ours. */
  readonly tolerance: number;
  /** As many of our first results a contender must have at least. Default 2: for losses, one after an update. */
  readonly leastResults?: number;
}

/** One contender's times; `ratio` is a peer's median by ours: above 1 we are faster. */
export interface Result extends Summary {
  readonly contender: string;
  readonly ratio?: number;
}

/**
 * Times contenders in turns, after their first results were found to agree with the first one's, which is ours. Those
 * that cannot do the trial are left out. `title` names the trial in errors.
 */
export async function compare<Trial>(
  contenders: readonly Contender<Trial>[],
  trial: Trial,
  inputs: Inputs,
  method: Method,
  title: string,
): Promise<Result[]> {
  const able: Contender<Trial>[] = [];
  let ours: Outcome | undefined;
  for (const contender of contenders) {
    const answer = await contender.setUp(trial, inputs);
    if (isUnable(answer)) continue;
    ours ??= answer;
    requireEqual(ours, answer, `${title}: ${contender.name}`, {
      ...method,
      tolerance: contender.tolerance ?? method.tolerance,
    });
    able.push(contender);
  }
  const times = await takeTurns(able, method);
  const summaries = times.map(summarize);
  return summaries.map((summary, index) => ({
    contender: able[index]!.name,
    ...summary,
    ...(index > 0 && { ratio: summary.medianMs / summaries[0]!.medianMs }),
  }));
}

async function takeTurns<Trial>(
  contenders: readonly Contender<Trial>[],
  { turns, secondsEach, warmRuns }: Method,
): Promise<number[][]> {
  const times = contenders.map((): number[] => []);
  const repetitions: number[] = [];
  const share = (secondsEach * 1e3) / turns;
  for (const contender of contenders) {
    let warm = summarize(await contender.run(1)).medianMs;
    // One that takes longer than its whole time has run in while its results were checked.
    if (warm < share) warm = summarize(await contender.run(warmRuns)).medianMs;
    repetitions.push(Math.round(share / warm));
  }
  for (let turn = 0; turn < turns; turn++) {
    for (const [index, contender] of contenders.entries()) {
      const count = repetitions[index]!;
      // A slow one runs once, in the first, the middle and the last turn.
      if (count >= 1) times[index]!.push(...(await contender.run(count)));
      else if (turn % Math.max(1, Math.floor(turns / 2)) === 0)
        times[index]!.push(...(await contender.run(1)));
    }
  }
  return times;
}

function requireEqual(
  ours: Outcome,
  theirs: Outcome,
  who: string,
  { tolerance, leastResults = 2 }: Method,
): void {
  const scale = ours.reduce((a, b) => Math.max(a, Math.abs(b)), 0);
  // A contender of seconds a step checks fewer of the steps.
  const compared = ours.slice(0, theirs.length);
  const worst = compared.reduce((a, value, k) => Math.max(a, Math.abs(value - theirs[k]!)), 0);
  if (
    theirs.length >= Math.min(leastResults, ours.length) &&
    theirs.length <= ours.length &&
    worst <= tolerance * scale
  )
    return;
  throw new Error(
    `${who} computes something else: ${worst} apart at a scale of ${scale}, ${theirs.length} of ${ours.length} values`,
  );
}
