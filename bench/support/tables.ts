/** One line of the benches' JSON; what else it has depends on the suite. */
export interface ResultRow {
  readonly suite: string;
  readonly threads: number;
  readonly ratio?: number;
  readonly [field: string]: unknown;
}

/** A table for the place of its name. */
export interface Block {
  readonly name: string;
  readonly text: string;
}

/** Every table that the results have rows for. */
export function blocks(rows: readonly ResultRow[]): Block[] {
  const of = (...suites: string[]) => rows.filter(({ suite }) => suites.includes(suite));
  const all: [string, readonly ResultRow[], (rows: readonly ResultRow[]) => string][] = [
    ['machine', rows.filter((row) => row['machine'] !== undefined), machine],
    ['train-step', of('train-step').filter((row) => row['gpu'] === undefined), speed],
    ['predict', of('predict'), speed],
    ['latency', of('latency', 'streaming'), latency],
    ['breakdown', of('breakdown'), breakdown],
    ['scaling', of('live-steps', 'growth', 'memory'), scaling],
    ['neighbours', of('neighbours'), neighbours],
    ['cuda-machine', rows.filter((row) => row['gpu'] !== undefined), cudaMachine],
    ['cuda-train-step', of('train-step').filter((row) => row['gpu'] !== undefined), cudaSpeed],
    ['cuda-update', of('update', 'copy'), cudaUpdate],
    ['cuda-fit', of('fit'), cudaFit],
  ];
  return all.filter(([, own]) => own.length > 0).map(([name, own, text]) => ({ name, text: text(own) }));
}

/** A Markdown table, its columns as wide as their longest cell. */
export function table(head: readonly string[], body: readonly (readonly string[])[]): string {
  const rows = [head, ...body];
  const widths = head.map((_, column) => Math.max(3, ...rows.map((row) => [...row[column]!].length)));
  const line = (row: readonly string[]) =>
    `| ${row.map((cell, column) => cell + ' '.repeat(widths[column]! - [...cell].length)).join(' | ')} |`;
  const rule = `| ${widths.map((width) => '-'.repeat(width)).join(' | ')} |`;
  return [line(head), rule, ...body.map(line)].join('\n');
}

function unique(rows: readonly ResultRow[], field: string): string[] {
  return [...new Set(rows.map((row) => String(row[field])))];
}

function number(row: ResultRow | undefined, field: string, digits: number): string {
  const value = row?.[field];
  return typeof value === 'number' ? value.toFixed(digits) : '';
}

/** Three figures. */
function ms(row: ResultRow | undefined, field = 'medianMs'): string {
  const value = row?.[field];
  if (typeof value !== 'number') return '';
  return value.toFixed(value >= 100 ? 0 : value >= 10 ? 1 : value >= 1 ? 2 : 3);
}

function times(row: ResultRow | undefined): string {
  return row?.ratio === undefined ? '' : `${row.ratio.toFixed(row.ratio >= 10 ? 0 : 2)}×`;
}

const measured = new Set([
  'suite',
  'shape',
  'threads',
  'contender',
  'medianMs',
  'minMs',
  'spreadMs',
  'ratio',
]);
const environment = ['date', 'machine', 'instructionSet', 'gpu', 'driver', 'cuda', 'cudnn', 'copyGbPerS'];

function versions(rows: readonly ResultRow[]): string {
  const all: Record<string, unknown> = {};
  for (const row of rows) {
    for (const [name, value] of Object.entries(row))
      if (typeof value === 'string' && /^v?\d+\.\d/.test(value) && !environment.includes(name))
        all[name] = value;
  }
  return Object.entries(all)
    .filter(([name]) => !measured.has(name))
    .map(([name, value]) => `${name} ${String(value)}`)
    .join(', ');
}

function machine(rows: readonly ResultRow[]): string {
  const cpu = rows.filter((row) => row['gpu'] === undefined);
  const [first] = cpu.length > 0 ? cpu : rows;
  return `${String(first!['date'])}: ${String(first!['machine'])}, ${String(first!['instructionSet'])}. ${versions(cpu)}.`;
}

/** Ours and each peer at each shape, one table for a number of threads. */
function speed(rows: readonly ResultRow[]): string {
  const parts = unique(rows, 'threads').map((threads) => {
    const own = rows.filter((row) => String(row.threads) === threads);
    const peers = unique(own, 'contender').filter((name) => name !== 'cudnn-lstm');
    const body = unique(own, 'shape').map((shape) => {
      const find = (contender: string) =>
        own.find((row) => row['shape'] === shape && row['contender'] === contender);
      const ours = find('cudnn-lstm');
      return [
        shape,
        ms(ours),
        number(ours, 'gflopPerS', 0),
        ...peers.flatMap((peer) => [ms(find(peer)), times(find(peer))]),
      ];
    });
    const head = ['shape', 'ours, ms', 'GFLOP/s', ...peers.flatMap((peer) => [`${peer}, ms`, 'ratio'])];
    return `${threads} thread${threads === '1' ? '' : 's'}:\n\n${table(head, body)}`;
  });
  return parts.join('\n\n');
}

function latency(rows: readonly ResultRow[]): string {
  const body = rows.map((row) => [
    String(row['shape']),
    String(row['contender']),
    number(row, 'medianMs', 4),
    number(row, 'minMs', 4),
    times(row),
  ]);
  for (const shape of unique(rows, 'shape')) {
    const find = (name: string) => rows.find((row) => row['shape'] === shape && row['contender'] === name);
    const [promise, sync] = [find('cudnn-lstm'), find('cudnn-lstm sync')];
    if (promise === undefined || sync === undefined) continue;
    const hop = Number(promise['medianMs']) - Number(sync['medianMs']);
    body.push([shape, 'the hop of a promise', hop.toFixed(4), '', '']);
  }
  return table(['what', 'contender', 'median ms', 'least ms', 'by ours'], body);
}

function breakdown(rows: readonly ResultRow[]): string {
  const parts = unique(rows, 'shape').map((shape) => {
    const own = rows.filter((row) => row['shape'] === shape);
    const threads = unique(own, 'threads');
    const body = unique(own, 'part').map((part) => [
      part,
      ...threads.flatMap((count) => {
        const row = own.find((one) => one['part'] === part && String(one.threads) === count);
        const share = row === undefined ? '' : `${(100 * Number(row['share'])).toFixed(1)} %`;
        const peak = Number(row?.['shareOfPeak']);
        const ofPeak = Number.isNaN(peak) ? '' : `${(100 * peak).toFixed(0)} %`;
        return [number(row, 'ms', 3), share, number(row, 'floorMs', 3), ofPeak];
      }),
    ]);
    const head = [
      'part',
      ...threads.flatMap((count) => [`ms, ${count} thr.`, 'share', 'floor ms', 'of peak']),
    ];
    const peaks = own.map((row) => Number(row['fmaPeakGflops']));
    return `${shape}, a core's peak ${Math.max(...peaks).toFixed(1)} GFLOP/s:\n\n${table(head, body)}`;
  });
  return parts.join('\n\n');
}

function scaling(rows: readonly ResultRow[]): string {
  const body = rows.map((row) => [
    row.suite,
    String(row['case']),
    String(row.threads),
    `${number(row, 'value', 2)} ${String(row['unit'])}`,
    number(row, 'ratio', 3),
  ]);
  return table(['what', 'case', 'threads', 'measured', 'ratio'], body);
}

function neighbours(rows: readonly ResultRow[]): string {
  const percent = (value: unknown) => `${(100 * Number(value)).toFixed(0)} %`;
  const body = rows.map((row) => [
    String(row['shape']),
    String(row.threads),
    String(row['neighbour']),
    percent(row['share']),
    percent(row['trainingShare']),
    number(row, 'loopDelayMs', 1),
  ]);
  return table(['shape', 'threads', 'neighbour', 'it keeps', 'training keeps', 'event loop late, ms'], body);
}

function cudaMachine(rows: readonly ResultRow[]): string {
  const [first] = rows;
  const { date, gpu, driver, cuda, cudnn } = first!;
  return `${String(date)}: ${String(gpu)}, driver ${String(driver)}, CUDA ${String(cuda)}, cuDNN ${String(cudnn)}. ${versions(rows)}.`;
}

function cudaSpeed(rows: readonly ResultRow[]): string {
  const contenders = unique(rows, 'contender');
  const [ours = '', ...others] = contenders;
  const body = unique(rows, 'shape').flatMap((shape) =>
    unique(rows, 'precision').flatMap((precision) => {
      const find = (contender: string) =>
        rows.find(
          (row) => row['shape'] === shape && row['precision'] === precision && row['contender'] === contender,
        );
      if (find(ours) === undefined) return [];
      const cells = others.flatMap((name) => [ms(find(name)), times(find(name))]);
      return [[shape, precision, ms(find(ours)), number(find(ours), 'tflopPerS', 1), ...cells]];
    }),
  );
  const head = [
    'shape',
    'precision',
    `${ours}, ms`,
    'TFLOP/s',
    ...others.flatMap((name) => [`${name}, ms`, 'ratio']),
  ];
  return table(head, body);
}

function cudaUpdate(rows: readonly ResultRow[]): string {
  const body = rows.map((row) => [
    String(row['shape']),
    String(row['contender']),
    ms(row),
    number(row, 'gbPerS', 0),
    row['shareOfCopy'] === undefined ? '' : `${(100 * Number(row['shareOfCopy'])).toFixed(0)} %`,
  ]);
  return table(['parameters', 'contender', 'ms', 'GB/s', 'of the copy rate'], body);
}

function cudaFit(rows: readonly ResultRow[]): string {
  const body = rows.map((row) => [
    String(row['precision']),
    String(row['contender']),
    number(row, 'wordsPerS', 0),
    number(row, 'seconds', 1),
    row['gpuUtilisation'] === undefined ? '' : `${(100 * Number(row['gpuUtilisation'])).toFixed(1)} %`,
  ]);
  return table(['precision', 'contender', 'words/s', 'seconds', 'GPU busy'], body);
}
