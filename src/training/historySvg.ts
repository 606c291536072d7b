import { choice, field, settings, whole } from '../config/fields.js';
import { parseOptions } from '../config/parseConfig.js';
import { validationName } from '../metrics/metric.js';
import { epochAxis, linearAxis, logAxis, tickText, type Axis } from './axis.js';
import type { EpochRecord } from './history.js';
import { baseColors, baseStyle, escaped, px, schemed, text, type ColorScheme, type Palette } from './svg.js';

/** What {@link History.toSvg} takes. */
export interface HistorySvgOptions {
  /** A line above the panels. Default none. */
  readonly title?: string | undefined;
  /** In pixels, from 240. Default 720. */
  readonly width?: number | undefined;
  /** The height of one panel in pixels, from 80. Default 170. */
  readonly panelHeight?: number | undefined;
  /** Default `auto`: as the viewer prefers. */
  readonly colors?: ColorScheme | undefined;
}

const schema = settings({
  title: field<string>('a text', (value) => typeof value === 'string').optional(),
  width: whole(240, 10_000).default(720),
  panelHeight: whole(80, 10_000).default(170),
  colors: choice('auto', 'light', 'dark').default('auto'),
});

/** Lines of one panel: a value in training, beside it in validation. */
interface Panel {
  readonly name: string;
  readonly lines: readonly Line[];
}

interface Line {
  readonly kind: 'training' | 'validation' | 'rate';
  /** One value an epoch; NaN where there is none. */
  readonly values: readonly number[];
}

const margin = { left: 62, right: 14, top: 30, bottom: 34 } as const;
const titleHeight = 26;

/** The epochs as an SVG: a panel for each value, loss first and the rate last. */
export function historySvg(epochs: readonly EpochRecord[], options: HistorySvgOptions): string {
  const { title, width, panelHeight, colors } = parseOptions(schema, options, 'toSvg');
  const top = title === undefined ? 0 : titleHeight;
  const panels = panelsOf(epochs);
  const step = margin.top + panelHeight + margin.bottom;
  const height = top + Math.max(panels.length, 1) * step;
  const drawn = panels.map((panel, i) => panelSvg(panel, epochs, top + i * step, width, panelHeight));
  return [
    `<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 ${width} ${height}" width="${width}" height="${height}" role="img">`,
    `<title>${escaped(title ?? 'Training history')}</title>`,
    `<style>${style(colors)}</style>`,
    `<rect class="ground" width="${width}" height="${height}"/>`,
    ...(title === undefined ? [] : [text('title', margin.left, 20, 'start', title)]),
    ...(panels.length > 0 ? drawn : [text('label', width / 2, top + step / 2, 'middle', 'no epochs')]),
    '</svg>\n',
  ].join('\n');
}

function panelsOf(epochs: readonly EpochRecord[]): Panel[] {
  const names = [...new Set(epochs.flatMap((record) => Object.keys(record)))];
  const hidden = new Set(['epoch', 'seconds', 'learningRate', ...names.map(validationName)]);
  const values = names.filter((name) => !hidden.has(name));
  const panels = values.map((name) => ({
    name,
    lines: [lineOf('training', epochs, name), lineOf('validation', epochs, validationName(name))],
  }));
  const rate = { name: 'learningRate', lines: [lineOf('rate', epochs, 'learningRate')] };
  return [...panels, rate]
    .map(({ name, lines }) => ({ name, lines: lines.filter((line) => line.values.some(Number.isFinite)) }))
    .filter(({ lines }) => lines.length > 0);
}

function lineOf(kind: Line['kind'], epochs: readonly EpochRecord[], name: string): Line {
  const values = epochs.map((record) => (record as unknown as Readonly<Record<string, unknown>>)[name]);
  return { kind, values: values.map((value) => (typeof value === 'number' ? value : Number.NaN)) };
}

function panelSvg(
  { name, lines }: Panel,
  epochs: readonly EpochRecord[],
  top: number,
  width: number,
  height: number,
): string {
  const inner = width - margin.left - margin.right;
  const x = epochAxis(epochs[0]!.epoch, epochs.at(-1)!.epoch, inner, 8);
  const finite = lines.flatMap(({ values }) => values.filter(Number.isFinite));
  const isWide =
    name === 'learningRate' && Math.min(...finite) > 0 && Math.max(...finite) > 10 * Math.min(...finite);
  const y = (isWide ? logAxis : linearAxis)(finite, height, Math.max(2, Math.round(height / 45)));
  const draw = (line: Line) => lineSvg(line, epochs, x, y, height);
  return [
    `<g transform="translate(${margin.left} ${top + margin.top})">`,
    text('name', 0, -10, 'start', isWide ? `${name} (log)` : name),
    legend(lines, inner),
    ...y.ticks.map((tick) => tickY(tick, height - y.place(tick), inner)),
    ...x.ticks.map((tick) => tickX(tick, x.place(tick), height)),
    text('label', inner, height + 30, 'end', 'epoch'),
    ...lines.map(draw),
    '</g>',
  ].join('\n');
}

function tickY(value: number, y: number, width: number): string {
  const line = `<line class="grid" x1="0" x2="${width}" y1="${px(y)}" y2="${px(y)}"/>`;
  return line + text('label', -8, y + 4, 'end', tickText(value));
}

function tickX(value: number, x: number, height: number): string {
  const line = `<line class="axis" x1="${px(x)}" x2="${px(x)}" y1="${height}" y2="${height + 4}"/>`;
  return line + text('label', x, height + 17, 'middle', tickText(value));
}

function legend(lines: readonly Line[], width: number): string {
  if (lines.length < 2) return '';
  const entries = lines.map(({ kind }, i) => {
    const x = width - (lines.length - i) * 92;
    const line = `<line class="line ${kind}" x1="${x}" x2="${x + 18}" y1="-14" y2="-14"/>`;
    return line + text('label', x + 24, -10, 'start', kind);
  });
  return entries.join('');
}

// Values that are not finite leave a gap; a value between two gaps is a dot.
function lineSvg(line: Line, epochs: readonly EpochRecord[], x: Axis, y: Axis, height: number): string {
  const parts: string[][] = [[]];
  line.values.forEach((value, i) => {
    if (!Number.isFinite(value)) parts.push([]);
    else parts.at(-1)!.push(`${px(x.place(epochs[i]!.epoch))},${px(height - y.place(value))}`);
  });
  const drawn = parts.filter((points) => points.length > 0);
  return drawn
    .map((points) => {
      if (points.length > 1) return `<polyline class="line ${line.kind}" points="${points.join(' ')}"/>`;
      const [cx, cy] = points[0]!.split(',');
      return `<circle class="dot ${line.kind}" cx="${cx}" cy="${cy}" r="3"/>`;
    })
    .join('');
}

function style(colors: ColorScheme): string {
  return baseStyle + schemed(colors, palette);
}

function palette(colors: Palette): string {
  const kinds = (['training', 'validation', 'rate'] as const).map(
    (kind) => `.line.${kind}{stroke:${colors[kind]}}.dot.${kind}{fill:${colors[kind]}}`,
  );
  return baseColors(colors) + kinds.join('');
}
