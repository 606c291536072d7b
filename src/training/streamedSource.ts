import type { GatheredBatch } from '../data/batches.js';
import type { Example, ExampleStream } from '../data/examples.js';
import { DataError, LstmError, ShapeError } from '../errors.js';
import type { BatchSource, EpochBatches, Gathering } from './batchSource.js';

/** Makes a batch of examples, checked as `{ x, y }` are. */
export type GatherExamples = (examples: readonly Example[]) => GatheredBatch;

/**
 * The batches of an example stream. While one is trained on, the next `prefetch` are read.
 *
 * @param prefetch At least 1.
 */
export function streamedSource(
  stream: ExampleStream,
  gather: GatherExamples,
  { prefetch = 1 }: { readonly prefetch?: number | undefined } = {},
): BatchSource {
  const { batchSize, batchesPerEpoch } = stream;
  return {
    batchesPerEpoch,
    carriesStates: false,
    unit: 'sequences',
    identity: { batchSize, batchesPerEpoch },
    epoch: (epoch, from = 0) => new StreamedBatches(stream, gather, { prefetch, epoch, from }),
  };
}

interface Reading {
  readonly prefetch: number;
  readonly epoch: number;
  readonly from: number;
}

/** Reads one batch after the other: a source is never asked for two at a time. */
class StreamedBatches implements EpochBatches {
  readonly #iterator: AsyncIterator<readonly Example[]>;
  readonly #gather: GatherExamples;
  readonly #prefetch: number;
  readonly #epoch: number;
  readonly #waiting: Promise<readonly Example[] | undefined>[] = [];
  #last: Promise<unknown> = Promise.resolve();
  #given: number;
  #ended = false;

  constructor(stream: ExampleStream, gather: GatherExamples, { prefetch, epoch, from }: Reading) {
    this.#iterator = stream.open(epoch, from)[Symbol.asyncIterator]();
    this.#gather = gather;
    this.#prefetch = prefetch;
    this.#epoch = epoch;
    this.#given = from;
  }

  async next(): Promise<Gathering | undefined> {
    while (this.#waiting.length <= this.#prefetch) this.#waiting.push(this.#read());
    const batch = this.#given;
    this.#given++;
    try {
      const examples = await this.#waiting.shift()!;
      if (examples !== undefined) {
        const gathered = this.#gather(examples);
        return () => gathered;
      }
    } catch (error) {
      throw placed(error, { epoch: this.#epoch + 1, batch: batch + 1 });
    }
    if (batch === 0) throw noBatches(this.#epoch + 1);
    return undefined;
  }

  async close(): Promise<void> {
    await this.#last;
    if (this.#ended) return;
    this.#ended = true;
    // The epoch is over: how the source ends concerns nobody any more.
    await this.#iterator.return?.().then(undefined, () => {});
  }

  #read(): Promise<readonly Example[] | undefined> {
    const reading = this.#last.then(async () => {
      if (this.#ended) return undefined;
      try {
        const { done, value } = await this.#iterator.next();
        if (done !== true) return value;
      } catch (error) {
        this.#ended = true;
        throw error;
      }
      this.#ended = true;
      return undefined;
    });
    this.#last = reading.catch(() => {});
    return reading;
  }
}

function noBatches(epoch: number): DataError {
  const expected = 'at least one batch';
  return new DataError(`data: expected ${expected} in epoch ${epoch}, received none`, {
    name: 'data',
    expected,
    received: 0,
    epoch,
  });
}

// The place in training, with what the source threw or why its examples cannot be used as the cause.
function placed(error: unknown, place: { readonly epoch: number; readonly batch: number }): unknown {
  const isOfData = error instanceof DataError || error instanceof ShapeError;
  if (error instanceof LstmError && !isOfData) return error;
  const text = error instanceof Error ? error.message : String(error);
  const details = { name: 'data', ...(isOfData && error.details), ...place };
  const message = `data: batch ${place.batch} of epoch ${place.epoch}: ${text}`;
  return error instanceof ShapeError
    ? new ShapeError(message, details, { cause: error })
    : new DataError(message, details, { cause: error });
}
