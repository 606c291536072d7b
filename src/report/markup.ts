import { escaped } from '../training/svg.js';

/** Text that is HTML already. */
export class Markup {
  readonly text: string;

  constructor(text: string) {
    this.text = text;
  }

  toString(): string {
    return this.text;
  }
}

/** What stands in a template: text and numbers are escaped, markup is not, lists are joined, undefined is nothing. */
export type Content = string | number | Markup | undefined | readonly Content[];

/** HTML with its values escaped; values stand in elements and in attributes within double quotes, never elsewhere. */
export function html(parts: TemplateStringsArray, ...values: readonly Content[]): Markup {
  return new Markup(parts.reduce((text, part, i) => text + markupOf(values[i - 1]) + part));
}

function markupOf(value: Content): string {
  if (value === undefined) return '';
  if (value instanceof Markup) return value.text;
  return typeof value === 'object' ? value.map(markupOf).join('') : escaped(String(value));
}

/** A number as it is read in a text. */
export function numberText(value: number): string {
  if (!Number.isFinite(value)) return String(value);
  if (Number.isInteger(value) && Math.abs(value) < 1e15) return value.toLocaleString('en-US');
  const size = Math.abs(value);
  const rounded = Number(value.toPrecision(4));
  return size < 1e-4 || size >= 1e7 ? rounded.toExponential().replace('e+', 'e') : String(rounded);
}

/** A share of 1 in per cent. */
export function percent(share: number): string {
  return `${Number((100 * share).toPrecision(share > 0.995 && share < 1 ? 4 : 3))} %`;
}
