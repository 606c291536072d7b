import type { EpochRecord } from './history.js';

/** What a progress bar says. */
export interface ProgressState {
  readonly epoch: number;
  readonly epochs: number;
  readonly batch: number;
  /** Absent: nobody knows yet. */
  readonly batches?: number | undefined;
  /** Batches before `seconds` began. Default 0. */
  readonly batchesDone?: number | undefined;
  readonly loss: number;
  readonly seconds: number;
  readonly unit: string;
  readonly unitsDone: number;
}

const barWidth = 20;

/** One line: epoch, bar, batches, loss so far, speed and the time this epoch still takes, as far as that is known. */
export function progressLine(state: ProgressState): string {
  const { epoch, epochs, batch, batches, batchesDone = 0, loss, seconds, unit, unitsDone } = state;
  const speed = Math.round(unitsDone / Math.max(seconds, 1e-3)).toLocaleString('en-US');
  const pace = `loss ${lossText(loss)}  ${speed} ${unit}/s`;
  if (batches === undefined) {
    return `${epochText(epoch, epochs)} batch ${batch}  ${pace}  ${durationText(seconds)}`;
  }
  const filled = Math.round((batch / batches) * barWidth);
  const bar = '━'.repeat(filled) + '─'.repeat(barWidth - filled);
  const leftSeconds = (seconds / (batch - batchesDone)) * (batches - batch);
  const left = durationText(leftSeconds);
  return `${epochText(epoch, epochs)} ${bar} ${batch}/${batches}  ${pace}  ${left} left`;
}

/** One line on an epoch that is over. */
export function recordLine({ epoch, seconds, ...values }: EpochRecord, epochs: number): string {
  const parts = Object.entries(values)
    .filter((entry): entry is [string, number] => typeof entry[1] === 'number')
    .map(([name, value]) => `${name} ${lossText(value)}`);
  return [epochText(epoch, epochs), ...parts, durationText(seconds)].join('  ');
}

/** Seconds as `4.2 s`, `1:05` or `2:03:20`. */
export function durationText(seconds: number): string {
  if (seconds < 59.95) return `${seconds.toFixed(1)} s`;
  const whole = Math.round(seconds);
  const two = (value: number) => String(value).padStart(2, '0');
  const hours = Math.floor(whole / 3600);
  const minutes = Math.floor((whole % 3600) / 60);
  return hours === 0 ? `${minutes}:${two(whole % 60)}` : `${hours}:${two(minutes)}:${two(whole % 60)}`;
}

function epochText(epoch: number, epochs: number): string {
  return `epoch ${String(epoch).padStart(String(epochs).length)}/${epochs}`;
}

function lossText(value: number): string {
  const size = Math.abs(value);
  return size !== 0 && (size < 1e-3 || size >= 1e5) ? value.toExponential(3) : value.toFixed(4);
}
