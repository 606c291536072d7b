import { progressLine, recordLine } from './progressText.js';
import type { EpochRecord } from './history.js';

/** Shows training as it goes. */
export interface Display {
  epochBegin(epoch: EpochStart): void;
  batch(batch: BatchDone): void;
  epochEnd(record: EpochRecord): void;
  /** Also after an error. */
  end(): void;
}

export interface EpochStart {
  readonly epoch: number;
  readonly epochs: number;
  /** Absent: nobody knows yet. */
  readonly batches?: number | undefined;
  /** Of a run that is resumed. Default 0. */
  readonly batchesDone?: number | undefined;
  readonly unit: string;
}

export interface BatchDone {
  /** Counted from 1. */
  readonly batch: number;
  /** Mean over the epoch so far. */
  readonly loss: number;
  /** Sequences or tokens in this batch. */
  readonly units: number;
}

/**
 * How training is shown, on standard error: `progress` is a bar that is drawn over itself, `lines` one line an epoch,
 * `auto` the bar on a terminal and lines elsewhere.
 */
export type Verbosity = 'auto' | 'progress' | 'lines' | 'silent';

/** The part of a terminal that a display needs. */
export interface Terminal {
  readonly isTTY?: boolean;
  readonly columns?: number;
  write(text: string): unknown;
}

export function makeDisplay(verbosity: Verbosity, terminal: Terminal, nowMs: () => number): Display {
  const resolved = verbosity === 'auto' ? (terminal.isTTY === true ? 'progress' : 'lines') : verbosity;
  if (resolved === 'silent') return silentDisplay;
  return resolved === 'progress' ? new ProgressDisplay(terminal, nowMs) : linesDisplay(terminal);
}

const silentDisplay: Display = { epochBegin() {}, batch() {}, epochEnd() {}, end() {} };

function linesDisplay(terminal: Terminal): Display {
  let epochs = 0;
  return {
    ...silentDisplay,
    epochBegin: (start) => void (epochs = start.epochs),
    epochEnd: (record) => void terminal.write(`${recordLine(record, epochs)}\n`),
  };
}

/** Redrawing more often than the eye follows would only cost time. */
const redrawMs = 100;

class ProgressDisplay implements Display {
  readonly #terminal: Terminal;
  readonly #nowMs: () => number;
  #start: EpochStart = { epoch: 0, epochs: 0, unit: '' };
  #startMs = 0;
  #drawnMs = 0;
  #units = 0;
  #barShown = false;

  constructor(terminal: Terminal, nowMs: () => number) {
    this.#terminal = terminal;
    this.#nowMs = nowMs;
  }

  epochBegin(start: EpochStart): void {
    this.#start = start;
    this.#startMs = this.#nowMs();
    this.#drawnMs = -Infinity;
    this.#units = 0;
  }

  batch({ batch, loss, units }: BatchDone): void {
    this.#units += units;
    const nowMs = this.#nowMs();
    if (nowMs - this.#drawnMs < redrawMs) return;
    this.#drawnMs = nowMs;
    this.#barShown = true;
    const seconds = (nowMs - this.#startMs) / 1000;
    const line = progressLine({ ...this.#start, batch, loss, seconds, unitsDone: this.#units });
    this.#redraw(line.slice(0, Math.max((this.#terminal.columns ?? 80) - 1, 20)));
  }

  epochEnd(record: EpochRecord): void {
    this.#redraw(`${recordLine(record, this.#start.epochs)}\n`);
    this.#barShown = false;
  }

  end(): void {
    if (this.#barShown) this.#terminal.write('\n');
    this.#barShown = false;
  }

  // Carriage return, then erase to the end of the line.
  #redraw(text: string): void {
    this.#terminal.write(`\r\u001b[K${text}`);
  }
}
