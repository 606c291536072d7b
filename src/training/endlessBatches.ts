import type { BatchSource, EpochBatches, Gathering } from './batchSource.js';

/** A batch of an epoch that follows on the one before. */
export interface EndlessBatch {
  readonly gather: Gathering;
  /** The first of its epoch. */
  readonly isFirst: boolean;
}

/** The batches of a source, epoch after epoch. */
export class EndlessBatches {
  readonly #source: BatchSource;
  #batches: EpochBatches;
  #epoch = 0;
  #given = 0;
  #last: Promise<unknown> = Promise.resolve();

  constructor(source: BatchSource) {
    this.#source = source;
    this.#batches = source.epoch(0);
  }

  /** At once where the source has its batches at hand. */
  next(): EndlessBatch | Promise<EndlessBatch> {
    const { batchesPerEpoch } = this.#source;
    if (this.#given === batchesPerEpoch) this.#begin();
    const next = batchesPerEpoch === undefined ? undefined : this.#batches.next();
    if (next !== undefined && !(next instanceof Promise)) return this.#give(next);
    const reading = this.#last.then(async () =>
      this.#give((await (next ?? this.#batches.next())) ?? (await this.#again())),
    );
    this.#last = reading.catch(() => {});
    return reading;
  }

  close(): Promise<void> | undefined {
    return this.#batches.close?.();
  }

  #give(gather: Gathering): EndlessBatch {
    return { gather, isFirst: this.#given++ === 0 };
  }

  #begin(): void {
    this.#batches = this.#source.epoch(++this.#epoch);
    this.#given = 0;
  }

  async #again(): Promise<Gathering> {
    this.#begin();
    // An epoch without a batch is the source's error.
    return (await this.#batches.next())!;
  }
}
