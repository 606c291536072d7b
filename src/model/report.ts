import { mkdir } from 'node:fs/promises';
import { join } from 'node:path';
import { z } from 'zod';
import { field, settings, whole } from '../config/fields.js';
import { parseOptions } from '../config/parseConfig.js';
import type { Sequences } from '../data/sequences.js';
import { writeFileAtomically } from '../io/atomicFile.js';
import { lossSchema, type Loss, type LossInput } from '../losses/loss.js';
import { metricsSchema, type Metric } from '../metrics/metric.js';
import type { FactTable, ReportFacts } from '../report/facts.js';
import { judge, type Judgement } from '../report/judge.js';
import { reportHtml } from '../report/reportHtml.js';
import { deviceText, versionTable } from '../report/versions.js';
import type { History } from '../training/history.js';
import type { ModelContext } from './context.js';
import { dataTable, exampleText, targetsOf } from './dataFacts.js';
import { evaluate, type Evaluation } from './evaluate.js';
import { requireData, sequencesFor, type LabelledData, type TrainingData } from './modelData.js';
import { predict, type Prediction } from './predict.js';
import { summaryRows, totals } from './summary.js';

/** What {@link Model.report} takes. */
export interface ReportOptions {
  /** What `fit` gave, for the curves. */
  readonly history?: History | undefined;
  /**
   * Data the model is judged by, best such that it was not trained on: scores, and of labelled sequences the confusion matrix
   * or the forecast and the worst examples.
   */
  readonly data?: TrainingData | undefined;
  /** Data it was trained on, for the data's summary alone. */
  readonly trainingData?: TrainingData | undefined;
  /** By default the last `fit`'s. */
  readonly loss?: LossInput | undefined;
  /** By default the last `fit`'s. */
  readonly metrics?: readonly Metric[] | undefined;
  /** Names of the classes, by id. */
  readonly labels?: readonly string[] | undefined;
  /** A text for a row of `data`; by default its tokens in words, or its shape. */
  readonly describe?: ((row: number) => string) | undefined;
  /** How many of the worst examples are shown. Default 10. */
  readonly examples?: number | undefined;
  /** What the experiment was made from, shown beside the model's own config. JSON. */
  readonly config?: unknown;
  /** Default the model's name. */
  readonly title?: string | undefined;
  /** The file's name in the folder. Default `report.html`. */
  readonly file?: string | undefined;
  /** Sequences computed together. Default 32. */
  readonly batchSize?: number | undefined;
}

const textField = field<string>('a text', (value) => typeof value === 'string' && value !== '');
const dataField = field<TrainingData>('data', (value) => typeof value === 'object' && value !== null);
const schema = settings({
  history: field<Pick<History, 'epochs'>>(
    'a History, as fit gives it',
    (value) =>
      typeof value === 'object' && value !== null && 'epochs' in value && Array.isArray(value.epochs),
  ).optional(),
  data: dataField.optional(),
  trainingData: dataField.optional(),
  loss: lossSchema.optional(),
  metrics: metricsSchema.optional(),
  labels: z.array(z.string({ error: () => 'a text' }), { error: () => 'a list of names' }).optional(),
  describe: field<(row: number) => string>('a function', (value) => typeof value === 'function').optional(),
  examples: whole(0, 1000).default(10),
  config: z.unknown().optional(),
  title: textField.optional(),
  file: field<string>(
    'the name of a file, without folders',
    (value) => typeof value === 'string' && /^[^/\\]+$/.test(value) && !/^\.+$/.test(value),
  ).default('report.html'),
  batchSize: whole(1).default(32),
});

type Parsed = z.output<typeof schema>;

export async function report(context: ModelContext, dir: string, options: ReportOptions): Promise<string> {
  const parsed = parseOptions(schema, options, 'report');
  const folder = parseOptions(textField, dir, 'report.dir');
  const facts = await gather(context, parsed);
  await mkdir(folder, { recursive: true });
  const path = join(folder, parsed.file);
  await writeFileAtomically(path, Buffer.from(reportHtml(facts)));
  return path;
}

async function gather(context: ModelContext, parsed: Parsed): Promise<ReportFacts> {
  const { data, trainingData, labels = [], examples, title, config, history } = parsed;
  const { config: modelConfig, chain, input, device } = context;
  for (const one of [data, trainingData]) if (one !== undefined) requireData(one, 'data');
  const [head, ...layers] = summaryRows({ input, chain });
  const rows = rowsOf(data);
  const sequences = rows && sequencesFor(context, rows.x, rows.seqLengths);
  return {
    title: title ?? modelConfig.name,
    subtitle: `${new Date().toISOString().slice(0, 16).replace('T', ' ')} UTC, ${deviceText(device.info)}`,
    scores: data === undefined ? {} : numbersOf(await evaluation(context, data, parsed)),
    model: { head: head!, rows: layers },
    modelNote: totals(chain),
    data: dataTableOf(context, parsed),
    epochs: history?.epochs ?? [],
    judgement: rows && (await judgementOf(context, rows, sequences!, parsed)),
    labels,
    describe: parsed.describe ?? ((row) => sequences && exampleText(context, sequences, row)),
    examples,
    configs: { ...(config !== undefined && { experiment: config }), model: modelConfig },
    versions: await versionTable(device.info),
  };
}

// A stream has no rows that could be shown.
function rowsOf(data: TrainingData | undefined): LabelledData | undefined {
  return data === undefined || 'kind' in data ? undefined : data;
}

function evaluation(context: ModelContext, data: TrainingData, parsed: Parsed): Promise<Evaluation> {
  const { loss, metrics, batchSize } = parsed;
  return evaluate(context, data, { batchSize, ...(loss && { loss }), ...(metrics && { metrics }) });
}

function numbersOf(evaluated: Evaluation): Record<string, number> {
  const entries = Object.entries(evaluated).filter(([, value]) => typeof value === 'number');
  return Object.fromEntries(entries) as Record<string, number>;
}

// Several losses, each of an output of its own, are told by their scores alone.
function lossOf({ compiled }: ModelContext, { loss }: Parsed): Loss | undefined {
  const chosen: { readonly kind: string } | undefined = loss ?? compiled?.loss;
  return chosen?.kind === 'heads' ? undefined : (chosen as Loss | undefined);
}

function dataTableOf(context: ModelContext, parsed: Parsed): FactTable | undefined {
  const loss = lossOf(context, parsed);
  const sets = { training: rowsOf(parsed.trainingData), judged: rowsOf(parsed.data) };
  const given = Object.entries(sets).flatMap(([name, data]) =>
    data === undefined ? [] : [{ name, data, loss }],
  );
  return given.length === 0 ? undefined : dataTable(context, given, parsed.labels ?? []);
}

async function judgementOf(
  context: ModelContext,
  data: LabelledData,
  sequences: Sequences,
  parsed: Parsed,
): Promise<Judgement | undefined> {
  const loss = lossOf(context, parsed);
  if (loss === undefined) return undefined;
  const { layer, output } = context.chain.at(-1)!;
  const targets = targetsOf(context, data, loss, sequences);
  const { batchSize, examples } = parsed;
  const { y } = (await predict(context, data.x, { batchSize, seqLengths: data.seqLengths })) as Prediction;
  const activation = layer.kind === 'dense' ? layer.activation : 'linear';
  const { lengths, maxLength } = sequences;
  const outputs = { outputs: y.data, channels: output.size, perStep: output.kind === 'sequence' };
  const areProbabilities = activation === 'softmax' || activation === 'sigmoid';
  return judge({ ...outputs, maxLength, lengths, targets, loss, areProbabilities }, examples);
}
