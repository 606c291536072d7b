import type { Callback } from 'cudnn-lstm';

/** Measures training without validation: whole epochs, and the time from one step's end to the next. */
export class StepClock implements Callback {
  readonly #stepMs: number[] = [];
  #epochStart = 0;
  #last = 0;
  #doneMs = 0;

  onEpochBegin(): void {
    this.#doneMs += this.#last - this.#epochStart;
    this.#epochStart = performance.now();
    this.#last = this.#epochStart;
  }

  onBatchEnd(): void {
    const now = performance.now();
    this.#stepMs.push(now - this.#last);
    this.#last = now;
  }

  get steps(): number {
    return this.#stepMs.length;
  }

  get seconds(): number {
    return (this.#doneMs + this.#last - this.#epochStart) / 1e3;
  }

  get medianMs(): number {
    return [...this.#stepMs].sort((a, b) => a - b)[this.#stepMs.length >> 1] ?? 0;
  }
}
