import { cpus } from 'node:os';

/** Where a result comes from: in every line of JSON, so that each stands for itself. */
export type Environment = Readonly<Record<string, string | number>>;

export function processorName(): string {
  const [first] = cpus();
  return `${first?.model.trim() ?? 'unknown processor'} x ${cpus().length}`;
}

export interface Column<Row> {
  readonly title: string;
  readonly width: number;
  readonly text: (row: Row) => string | number;
}

/** Prints rows as JSON lines, or as a table under a line of versions. Progress goes to standard error. */
export class Output<Row extends object> {
  readonly #json: boolean;
  readonly #columns: readonly Column<Row>[];
  readonly #environment: Environment;
  #isHeaded = false;

  constructor(json: boolean, columns: readonly Column<Row>[], environment: Environment) {
    this.#json = json;
    this.#columns = columns;
    this.#environment = environment;
  }

  row(row: Row, environment: Environment = {}): void {
    const all = { ...this.#environment, ...environment };
    if (this.#json) {
      console.log(JSON.stringify({ ...row, ...all }));
      return;
    }
    if (!this.#isHeaded) {
      console.log(
        Object.entries(all)
          .map(([name, text]) => `${name} ${text}`)
          .join(', '),
      );
      console.log(this.#line((column) => column.title));
    }
    this.#isHeaded = true;
    console.log(this.#line((column) => column.text(row)));
  }

  #line(text: (column: Column<Row>) => string | number): string {
    return this.#columns
      .map((column) => String(text(column)).padEnd(column.width))
      .join(' ')
      .trimEnd();
  }
}

/** What runs now: one line that is overwritten on a terminal; an empty text clears it. */
export function progress(text: string): void {
  if (process.stderr.isTTY) process.stderr.write(`\r\u001b[K${text}`);
  else if (text !== '') process.stderr.write(`${text}\n`);
}

/** A line to standard error that stays. */
export function note(text: string): void {
  process.stderr.write(`${text}\n`);
}

/** Blocks that a ratio of 1 is long. */
const barUnit = 8;
const barLimit = 40;

/** A bar of a ratio with `|` where 1 is. */
export function bar(ratio: number): string {
  const length = Math.min(barLimit, Math.max(1, Math.round(ratio * barUnit)));
  const blocks = '█'.repeat(length).padEnd(barUnit, ' ');
  return `${blocks.slice(0, barUnit)}|${blocks.slice(barUnit)}`;
}

export function round(value: number, digits: number): number {
  return Number(value.toFixed(digits));
}
