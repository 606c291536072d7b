import { targetsFor, type Targets } from '../data/targets.js';
import type { Sequences } from '../data/sequences.js';
import { channelsPerTarget, type Loss } from '../losses/loss.js';
import type { FactTable } from '../report/facts.js';
import type { ModelContext } from './context.js';
import { sequencesFor, type LabelledData } from './modelData.js';

/** A set of data with its name in a report. */
interface NamedData {
  readonly name: string;
  readonly data: LabelledData;
  /** Without it targets are not looked at. */
  readonly loss: Loss | undefined;
}

/** More classes than this are not listed. */
const mostClasses = 30;

/** What data there is: a column for each set. */
export function dataTable(
  context: ModelContext,
  sets: readonly NamedData[],
  labels: readonly string[],
): FactTable {
  const columns = sets.map((set) => facts(context, set, labels));
  const names = [...new Set(columns.flatMap((column) => [...column.keys()]))];
  return {
    head: ['', ...sets.map(({ name }) => name)],
    rows: names.map((name) => [name, ...columns.map((column) => column.get(name))]),
  };
}

function facts(
  context: ModelContext,
  { data, loss }: NamedData,
  labels: readonly string[],
): Map<string, string | number> {
  const sequences = sequencesFor(context, data.x, data.seqLengths);
  const lengths = [...sequences.lengths].sort((a, b) => a - b);
  const steps = lengths.reduce((a, b) => a + b, 0);
  const middle = lengths[Math.floor((lengths.length - 1) / 2)]!;
  return new Map<string, string | number>([
    ['sequences', sequences.count],
    ['time steps', steps],
    ['shortest, median and longest', `${lengths[0]} / ${middle} / ${lengths.at(-1)}`],
    ['input', sequences.kind === 'tokens' ? 'tokens' : countText(sequences.channels, 'channel')],
    ...(loss === undefined ? [] : targetFacts(targetsOf(context, data, loss, sequences), labels)),
  ]);
}

function countText(count: number, unit: string): string {
  return `${count} ${unit}${count === 1 ? '' : 's'}`;
}

/** Targets as a loss takes them. */
export function targetsOf(
  { chain }: ModelContext,
  data: LabelledData,
  loss: Loss,
  { lengths }: Sequences,
): Targets {
  const { size, kind } = chain.at(-1)!.output;
  return targetsFor(data.y, {
    loss: loss.kind,
    classes: size / channelsPerTarget(loss),
    ignoreIndex: loss.kind === 'crossEntropy' ? loss.ignoreIndex : undefined,
    perStep: kind === 'sequence',
    lengths,
  });
}

function targetFacts({ kind, data }: Targets, labels: readonly string[]): [string, string | number][] {
  if (kind === 'ids') return classFacts(data as Int32Array, labels);
  const values = data as Float32Array;
  const mean = values.reduce((a, b) => a + b, 0) / values.length;
  const variance = values.reduce((sum, value) => sum + (value - mean) ** 2, 0) / values.length;
  return [
    ['targets: smallest', values.reduce((a, b) => Math.min(a, b), Infinity)],
    ['targets: mean', mean],
    ['targets: largest', values.reduce((a, b) => Math.max(a, b), -Infinity)],
    ['targets: standard deviation', Math.sqrt(variance)],
  ];
}

function classFacts(ids: Int32Array, labels: readonly string[]): [string, string | number][] {
  const counts = new Map<number, number>();
  for (const id of ids) counts.set(id, (counts.get(id) ?? 0) + 1);
  if (counts.size > mostClasses) return [['classes that occur', counts.size]];
  const ordered = [...counts].sort(([a], [b]) => a - b);
  return ordered.map(([id, count]) => [`class ${labels[id] ?? id}`, count]);
}

/** The longest text that an example is shown with. */
const mostCharacters = 160;

/** A row in words: its tokens, where there is a vocabulary, or how much there is of it. */
export function exampleText({ vocabulary }: ModelContext, sequences: Sequences, row: number): string {
  const length = sequences.lengths[row]!;
  if (sequences.kind !== 'tokens' || vocabulary === undefined) return countText(length, 'step');
  const from = sequences.offsets[row]!;
  const text = vocabulary.decode(sequences.data.subarray(from, from + length));
  return text.length <= mostCharacters ? text : `${text.slice(0, mostCharacters - 1)}…`;
}
