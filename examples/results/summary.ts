import { sides, type RunRecord, type Side } from './records.js';
import { spreadOf, type Spread } from './statistics.js';
import { tasks, type Task } from './tasks.js';

/** What the runs of a task came to. */
export interface Summary {
  readonly task: Task;
  readonly scores: Readonly<Partial<Record<Side, Spread>>>;
  /** Ours less PyTorch's of the same seed, above 0 where ours is better, averaged; and its standard error, NaN for one seed. */
  readonly advantage?: { readonly value: number; readonly error: number };
  /** Means over seeds. */
  readonly baselines: Readonly<Record<string, number>>;
  /** Training of the fastest run whose time counts. */
  readonly seconds: Readonly<Partial<Record<Side, number>>>;
  readonly parameters: number;
}

/** The tasks that have been run on our side, in their order. A run that was repeated counts once, by its last score. */
export function summarise(records: readonly RunRecord[]): Summary[] {
  return tasks.flatMap((task) => {
    const own = records.filter((record) => record.task === task.name);
    const ours = own.filter(({ side }) => side === 'ours');
    if (ours.length === 0) return [];
    requireSameModel(own);
    const scores = perSide((side) => scoresOf(own, side, task));
    const seconds = perSide((side) => fastest(own, side));
    const advantage = advantageOf(own, task);
    const baselines = meanBaselines(ours);
    const summary = { task, scores, seconds, baselines, parameters: ours[0]!.parameters };
    return [advantage ? { ...summary, advantage } : summary];
  });
}

function perSide<T>(of: (side: Side) => T | undefined): Partial<Record<Side, T>> {
  return Object.fromEntries(sides.map((side) => [side, of(side)]));
}

function advantageOf(own: readonly RunRecord[], task: Task): Summary['advantage'] {
  const [ours, torch] = [bySeed(own, 'ours', task), bySeed(own, 'torch', task)];
  const sign = task.score.better === 'higher' ? 1 : -1;
  const seeds = [...ours.keys()].filter((seed) => torch.has(seed));
  const differences = spreadOf(seeds.map((seed) => sign * (ours.get(seed)! - torch.get(seed)!)));
  return differences && { value: differences.mean, error: differences.deviation / Math.sqrt(seeds.length) };
}

function scoresOf(own: readonly RunRecord[], side: Side, task: Task): Spread | undefined {
  return spreadOf([...bySeed(own, side, task).values()]);
}

/** The scores by seed, of a run that was repeated the last. */
function bySeed(own: readonly RunRecord[], side: Side, { score }: Task): ReadonlyMap<number, number> {
  return new Map(own.filter((one) => one.side === side).map((one) => [one.seed, one.scores[score.name]!]));
}

function fastest(own: readonly RunRecord[], side: Side): number | undefined {
  const times = own.filter((one) => one.side === side && one.timed).map((one) => one.trainSeconds);
  return times.length === 0 ? undefined : Math.min(...times);
}

function meanBaselines(ours: readonly RunRecord[]): Record<string, number> {
  const names = Object.keys(ours[0]!.baselines ?? {});
  const mean = (name: string): number =>
    ours.reduce((sum, one) => sum + one.baselines![name]!, 0) / ours.length;
  return Object.fromEntries(names.map((name) => [name, mean(name)]));
}

/** @throws Error where runs of one seed differ in parameters or steps: then it was not the same model or not the same training. */
function requireSameModel(own: readonly RunRecord[]): void {
  const firsts = new Map<number, RunRecord>();
  for (const one of own) {
    const first = firsts.get(one.seed) ?? one;
    firsts.set(one.seed, first);
    if (first.parameters === one.parameters && first.steps === one.steps) continue;
    const text = ({ side, parameters, steps }: RunRecord): string => `${side}: ${parameters}, ${steps} steps`;
    throw new Error(
      `${one.task}, seed ${one.seed}: expected one model, received ${text(first)}, ${text(one)}`,
    );
  }
}
