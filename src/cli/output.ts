import { once } from 'node:events';

/** Results, on standard output; waits where the reader is slower. */
export async function print(text: string): Promise<void> {
  if (!process.stdout.write(`${text}\n`)) await once(process.stdout, 'drain');
}

/** What is said to a person meanwhile, on standard error. */
export function say(text: string): void {
  process.stderr.write(`${text}\n`);
}

/** `head` and the like close a pipe when they have enough: that is no failure. */
export function endWithReader(): void {
  process.stdout.on('error', (error: NodeJS.ErrnoException) => {
    if (error.code !== 'EPIPE') throw error;
    process.exit(0);
  });
}

/** Names and values, one a line, aligned. */
export function aligned(values: object): string {
  const width = Math.max(...Object.keys(values).map(({ length }) => length));
  return Object.entries(values)
    .map(([name, value]) => `${name.padEnd(width)}   ${valueText(value)}`)
    .join('\n');
}

function valueText(value: unknown): string {
  if (typeof value === 'number' && !Number.isInteger(value)) return String(Number(value.toPrecision(6)));
  return typeof value === 'object' ? JSON.stringify(value) : String(value as string | number | boolean);
}
