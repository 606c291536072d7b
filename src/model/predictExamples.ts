import { BatchGatherer } from '../data/batches.js';
import type { Example, ExampleStream } from '../data/examples.js';
import type { Tensor } from '../data/tensor.js';
import { noMore, pipelined } from '../training/pipeline.js';
import { streamedSource, type GatherExamples } from '../training/streamedSource.js';
import { orAborted, throwIfAborted } from './aborting.js';
import type { ModelContext } from './context.js';
import { sequencesFor, type SequenceInput } from './modelData.js';
import { emptyOutputs, namedOutputs, type AnyPrediction } from './outputs.js';
import { placeRows } from './placeRows.js';
import type { WeightForm } from './weightForm.js';

/** Outputs of one batch, of each head: [rows, K] or [rows, timeSteps, K]. */
interface Part {
  readonly y: readonly Float32Array[];
  readonly rows: number;
  readonly timeSteps: number;
}

/**
 * The model's outputs for the examples of a stream's first epoch, in their order: [N, K], or [N, T, K] with T the longest
 * of all and zeros beyond each sequence's length. Their `y` is not looked at.
 */
export async function predictExamples(
  context: ModelContext,
  stream: ExampleStream,
  { weights, signal }: { readonly weights: WeightForm; readonly signal?: AbortSignal | undefined },
): Promise<AnyPrediction> {
  const source = streamedSource(stream, inputGatherer(context));
  const batches = source.epoch(0);
  const parts: Part[] = [];
  const submit = async (): Promise<Part | typeof noMore> => {
    throwIfAborted(signal, 'predict');
    const next = batches.next();
    const gathering = next instanceof Promise ? await orAborted(signal, 'predict', next) : next;
    if (gathering === undefined) return noMore;
    const { batch, rows } = gathering();
    throwIfAborted(signal, 'predict');
    const { y } = await context.session.predict({ ...batch, weights }, false);
    return { y, rows, timeSteps: batch.timeSteps };
  };
  try {
    await pipelined(source.batchesPerEpoch ?? Infinity, submit, (part) => void parts.push(part));
  } finally {
    const closing = batches.close?.();
    if (signal?.aborted !== true) await closing;
  }
  return { y: namedOutputs(context, joined(context, parts)) };
}

function inputGatherer(context: ModelContext): GatherExamples {
  return (examples: readonly Example[]) => {
    const sequences = sequencesFor(context, examples.map(({ x }) => x) as SequenceInput);
    return new BatchGatherer(sequences).gather(Uint32Array.from(examples.keys()));
  };
}

function joined(context: ModelContext, parts: readonly Part[]): readonly Tensor<Float32Array>[] {
  const count = parts.reduce((sum, { rows }) => sum + rows, 0);
  const longest = parts.reduce((most, { timeSteps }) => Math.max(most, timeSteps), 0);
  const wholes = emptyOutputs(context, count, longest);
  let at = 0;
  for (const { y, rows, timeSteps } of parts) {
    wholes.forEach((whole, i) => placeRows(whole, y[i]!, at, rows, timeSteps));
    at += rows;
  }
  return wholes;
}
