/**
 * Writes the tables of docs/performance.md, between their marks, and docs/performance.svg from the benches' JSON lines.
 *
 *   npx tsx bench/report.ts results.jsonl [more.jsonl]
 *
 * A table whose results are not in the files stays as it is.
 */
import { readFileSync, writeFileSync } from 'node:fs';

import { chart, type Panel } from './chart.js';
import { type Block, blocks, type ResultRow } from './support/tables.js';

const documentUrl = new URL('../docs/performance.md', import.meta.url);
const chartUrl = new URL('../docs/performance.svg', import.meta.url);

const peerNames: Readonly<Record<string, string>> = {
  torch: 'PyTorch',
  onnxruntime: 'ONNX Runtime',
  'tfjs-wasm': 'TensorFlow.js (wasm)',
};
const suiteNames: Readonly<Record<string, string>> = {
  'train-step': 'Train step',
  predict: 'Predict',
  latency: 'One sequence',
  streaming: 'Streaming, one step',
};

/** Puts a table between `<!-- NAME -->` and `<!-- /NAME -->`. */
function withBlock(document: string, { name, text }: Block): string {
  const [open, close] = [`<!-- ${name} -->`, `<!-- /${name} -->`];
  const start = document.indexOf(open);
  const end = document.indexOf(close);
  if (start < 0 || end < start) throw new Error(`docs/performance.md: expected ${open} and then ${close}`);
  return `${document.slice(0, start + open.length)}\n\n${text}\n\n${document.slice(end)}`;
}

function panelsOf(rows: readonly ResultRow[]): Panel[] {
  const compared = rows.filter(
    (row) => row.suite in suiteNames && row.ratio !== undefined && row['gpu'] === undefined,
  );
  const titles = [...new Set(compared.map(titleOf))];
  return titles.map((title) => ({
    title,
    bars: compared
      .filter((row) => titleOf(row) === title && String(row['contender']) in peerNames)
      .map((row) => ({
        label: String(row['shape']),
        series: peerNames[String(row['contender'])]!,
        ratio: Number(row['ratio']),
      })),
  }));
}

function titleOf({ suite, threads }: ResultRow): string {
  return `${suiteNames[suite]}, ${threads} thread${threads === 1 ? '' : 's'}`;
}

function main(paths: readonly string[]): void {
  if (paths.length === 0)
    throw new Error('expected files of JSON lines, as npm run bench -- --json prints them');
  const lines = paths.flatMap((path) => readFileSync(path, 'utf8').split('\n'));
  const rows = lines.filter((line) => line.startsWith('{')).map((line) => JSON.parse(line) as ResultRow);
  let document = readFileSync(documentUrl, 'utf8');
  const written = blocks(rows);
  for (const block of written) document = withBlock(document, block);
  writeFileSync(documentUrl, document);
  const panels = panelsOf(rows);
  if (panels.length > 0)
    writeFileSync(chartUrl, chart("Peers' times by ours, the same network and threads", panels));
  console.log(`docs/performance.md: ${written.map(({ name }) => name).join(', ') || 'nothing'}`);
}

try {
  main(process.argv.slice(2));
} catch (error) {
  console.error(`report: ${error instanceof Error ? error.message : String(error)}`);
  process.exitCode = 1;
}
