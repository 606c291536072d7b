import { cpus } from 'node:os';

import type { Row } from './measure.js';

const columns = [
  ['suite', 11],
  ['shape', 11],
  ['threads', 8],
  ['contender', 11],
  ['median ms', 10],
  ['min ms', 10],
  ['spread ms', 10],
  ['GFLOP/s', 9],
] as const;

/** Blocks that a ratio of 1 is long. */
const barUnit = 8;
const barLimit = 40;

export function machineLine(versions: Readonly<Record<string, string>>): string {
  const [first] = cpus();
  const software = Object.entries(versions).map(([name, version]) => `${name} ${version}`);
  return [`${first?.model.trim() ?? 'unknown processor'} x ${cpus().length}`, ...software].join(', ');
}

export function headLine(): string {
  return columns.map(([title, width]) => title.padEnd(width)).join('');
}

/** One row of the table; on ours a bar for each peer, `|` where the peer would be. */
export function tableLine(row: Row): string {
  const values = [
    row.suite,
    row.shape,
    row.threads,
    row.contender,
    row.medianMs.toFixed(3),
    row.minMs.toFixed(3),
    row.spreadMs.toFixed(3),
    row.gflopPerS.toFixed(1),
  ];
  const cells = values.map((value, index) => String(value).padEnd(columns[index]![1])).join('');
  return row.ratioToTorch === undefined
    ? cells
    : `${cells}${bar(row.ratioToTorch)} ${row.ratioToTorch.toFixed(2)} x torch`;
}

function bar(ratio: number): string {
  const length = Math.min(barLimit, Math.max(1, Math.round(ratio * barUnit)));
  const blocks = '█'.repeat(length).padEnd(barUnit, ' ');
  return `${blocks.slice(0, barUnit)}|${blocks.slice(barUnit)}`;
}
