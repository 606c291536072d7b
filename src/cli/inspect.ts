import { parseArgs } from 'node:util';
import { openCheckpoint, type LoadedCheckpoint } from '../model/checkpointing.js';
import { parameterCount, summary } from '../model/summary.js';
import { exitCode } from './exitCode.js';
import { readSafetensorsHeader, type TensorEntry } from './safetensorsHeader.js';
import { oneArgument } from './options.js';
import { aligned, print } from './output.js';

export const help = `Usage: cudnn-lstm inspect MODEL [--json]

What a model file holds: layers, sizes, task, classes, vocabulary, training and every tensor. Of a safetensors file that
is none of this package's, its tensors and metadata. Nothing is computed, so no device is needed.`;

/** What is known of a file. */
interface Inspection {
  readonly file: string;
  readonly bytes: number;
  /** Absent: the file is none of this package's. */
  readonly model?: object;
  /** Why it is none. */
  readonly problem?: string;
  readonly metadata?: Readonly<Record<string, string>>;
  readonly tensors: readonly TensorEntry[];
}

export async function run(args: string[]): Promise<number> {
  const { values, positionals } = parseArgs({
    args,
    allowPositionals: true,
    options: { json: { type: 'boolean', default: false } },
  });
  const path = oneArgument(positionals, 'a model file');
  const { bytes, metadata, tensors } = await readSafetensorsHeader(path);
  if (!('cudnn-lstm.version' in metadata)) {
    const inspection = { file: path, bytes, metadata, tensors };
    await print(values.json ? JSON.stringify(inspection) : foreignText(inspection));
    return exitCode.ok;
  }
  const checkpoint = await openCheckpoint(path);
  const inspection = { file: path, bytes, model: modelFacts(checkpoint), tensors };
  await print(values.json ? JSON.stringify(inspection) : ownText(inspection, checkpoint));
  return exitCode.ok;
}

function modelFacts({
  config,
  chain,
  content,
  vocabulary,
  labels,
  series,
  metadata,
  compiled,
}: LoadedCheckpoint) {
  return {
    config,
    parameters: parameterCount(chain),
    step: content.counters.step,
    optimizer: content.optimizer !== undefined,
    ...(vocabulary && { vocabulary: { kind: vocabulary.kind, size: vocabulary.size } }),
    ...(labels && { labels }),
    ...(series && { series: series.options, seriesColumns: series.columns }),
    ...(compiled && { loss: compiled.loss, metrics: compiled.metrics }),
    ...(metadata && { metadata }),
  };
}

function ownText({ file, bytes, tensors }: Inspection, checkpoint: LoadedCheckpoint): string {
  const { content, vocabulary, labels, series, metadata, compiled } = checkpoint;
  const task = (metadata?.['experiment'] as { task?: string } | undefined)?.task;
  const facts = {
    file: `${file}, ${bytes} bytes, checksum right`,
    ...(task !== undefined && { task }),
    ...(labels && { classes: shortList(labels) }),
    ...(vocabulary && { vocabulary: `${vocabulary.size} ${vocabulary.kind} ids` }),
    ...(series && {
      series: `${series.options.lookBack} steps back, ${series.options.horizon} ahead, of ${shortList(series.options.targets)}`,
    }),
    ...(compiled && { loss: compiled.loss.kind }),
    training: `${content.counters.step} steps${content.optimizer === undefined ? ', without the optimizer' : ', optimizer included'}`,
  };
  return [aligned(facts), summary(checkpoint), tensorTable(tensors)].join('\n\n');
}

function foreignText({ file, bytes, metadata, tensors }: Inspection): string {
  const facts = { file: `${file}, ${bytes} bytes, not written by this package`, ...metadata };
  return [aligned(facts), tensorTable(tensors)].join('\n\n');
}

function tensorTable(tensors: readonly TensorEntry[]): string {
  const width = Math.max(0, ...tensors.map(({ name }) => name.length));
  return tensors
    .map(({ name, dtype, shape }) => `${name.padEnd(width)}   ${dtype}   [${shape.join(', ')}]`)
    .join('\n');
}

function shortList(names: readonly string[]): string {
  return names.length <= 12 ? names.join(', ') : `${names.length}: ${names.slice(0, 8).join(', ')}, ...`;
}
