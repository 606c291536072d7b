import { rowSource, streamSource, type BatchSource } from '../training/batchSource.js';
import type { ModelLoss } from '../losses/modelLoss.js';
import { streamedSource } from '../training/streamedSource.js';
import { Session } from '../native/session.js';
import type { ModelContext } from './context.js';
import { lowerNetwork } from './lowering.js';
import { exampleGatherer } from './exampleGatherer.js';
import { checkStream, isExamples, isStream, prepareLabelled, type AnyTrainingData } from './modelData.js';

/** Runs work on a second session of the same network on the model's device, and frees it: the model itself is not touched. */
export async function withProbe<T>(
  { device, chain, input, config }: ModelContext,
  work: (probe: Session) => Promise<T>,
): Promise<T> {
  const probe = await Session.create(device, lowerNetwork(chain, input, config.seed));
  try {
    return await work(probe);
  } finally {
    await probe.dispose();
  }
}

/** The batches of all the data, rows in a new order each epoch. */
export function wholeSource(
  context: ModelContext,
  data: AnyTrainingData,
  loss: ModelLoss,
  batchSize: number,
): BatchSource {
  if (isStream(data)) {
    checkStream(context, data, loss);
    return streamSource(data);
  }
  if (isExamples(data)) return streamedSource(data, exampleGatherer(context, loss));
  const prepared = prepareLabelled(context, data, loss);
  const rows = Uint32Array.from({ length: prepared.count }, (_, row) => row);
  const { seed } = context.config;
  return rowSource(prepared, rows, { batchSize, shuffle: true, seed, dropLast: false });
}
