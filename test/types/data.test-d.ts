// Compiled, never run: what data sources, streams and splits accept and give.
import {
  batchOrder,
  collectExamples,
  csvRecords,
  csvSequences,
  type Example,
  type ExampleStream,
  exampleStream,
  type Fold,
  jsonLines,
  kFold,
  type LabelledData,
  mapRecords,
  padSequences,
  readCsv,
  selectRows,
  type Split,
  split,
  textDirectory,
} from '../../src/index.js';

type Equal<A, B> = (<T>() => T extends A ? 1 : 2) extends <T>() => T extends B ? 1 : 2 ? true : false;
function same<A, B>(_proof: Equal<A, B>): void {}

export async function accepted(data: LabelledData): Promise<void> {
  const types = { label: ['ham', 'spam'], text: 'text', at: 'date', size: 'number' } as const;
  for await (const record of csvRecords('a.csv', { columns: { label: ['ham', 'spam'], text: 'text' } })) {
    same<typeof record.label, number>(true);
    same<typeof record.text, string>(true);
  }
  for await (const record of csvRecords(process.stdin))
    same<typeof record, Readonly<Record<string, string>>>(true);
  const { columns } = await readCsv('a.csv', { columns: types });
  const numbers: Float64Array = columns.size;
  const texts: readonly string[] = columns.text;
  void [numbers, texts];
  for await (const value of jsonLines('a.jsonl', { read: Number })) same<typeof value, number>(true);
  for await (const value of jsonLines('a.jsonl')) same<typeof value, unknown>(true);
  const { classes } = await textDirectory('reviews', { shuffle: { seed: 1, epoch: 2 } });
  same<typeof classes, readonly string[]>(true);

  const sequences = csvSequences('a.csv', { id: 'seq', features: ['a'], target: 'label' });
  const stream = exampleStream(sequences, { batchSize: 8, shuffleBuffer: 100 });
  same<typeof stream, ExampleStream>(true);
  for await (const batch of stream.open(0, 3)) same<typeof batch, readonly Example[]>(true);
  exampleStream(
    [
      { x: [1, 2], y: 0 },
      { x: [[0.5, 1]], y: [1, 2], sampleWeight: 2 },
    ],
    { batchSize: 1 },
  );
  exampleStream((epoch) => [{ x: [epoch], y: 0 }], { batchSize: 1 });
  exampleStream(
    async () =>
      mapRecords(await textDirectory('a'), ({ text, classId }) => ({ x: [text.length], y: classId })),
    {
      batchSize: 1,
    },
  );
  const collected: LabelledData = await collectExamples(sequences);

  same<ReturnType<typeof split>, Split>(true);
  const { train } = split(data, { by: 'group', groups: ['a', 'b'], validation: 0.2 });
  same<ReturnType<typeof kFold>, readonly Fold[]>(true);
  const [fold] = kFold(collected, { kind: 'stratified', folds: 5 });
  const selected = selectRows(data, fold?.train ?? train);
  same<typeof selected, LabelledData>(true);
  const padded: LabelledData = { ...padSequences([[1, 2], [3]], { padding: 'start' }), y: [0, 1] };
  void padded;
  batchOrder([1, 2], [0, 1], { batchSize: 1, shuffle: true, seed: 0, epoch: 0, sampling: 'balanced' });
}

export function refused(data: LabelledData): void {
  // @ts-expect-error groups are needed
  split(data, { by: 'group', validation: 0.2 });
  // @ts-expect-error a gap is of time
  split(data, { by: 'random', validation: 0.2, gap: 3 });
  // @ts-expect-error a part to validate with is needed
  split(data, { by: 'tail' });
  // @ts-expect-error no such kind of folds
  kFold(data, { kind: 'leaveOneOut', folds: 3 });
  // @ts-expect-error folds in time are not shuffled
  kFold(data, { kind: 'forward', folds: 3, shuffle: true });
  // @ts-expect-error a batch size is needed
  exampleStream([], {});
  // @ts-expect-error an example has targets
  exampleStream([{ x: [1] }], { batchSize: 1 });
  // @ts-expect-error no such type of column
  csvRecords('a.csv', { columns: { a: 'float' } });
  // @ts-expect-error a target is needed
  csvSequences('a.csv', { id: 'seq', features: ['a'] });
  // @ts-expect-error padding is at the end, at the start or random
  padSequences([[1]], { padding: 'pre' });
}
