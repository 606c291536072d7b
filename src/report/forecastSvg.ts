import { epochAxis, linearAxis, tickText } from '../training/axis.js';
import { baseColors, baseStyle, escaped, px, schemed, text, type Palette } from '../training/svg.js';
import type { ValueExample } from './judge.js';

/** One picture: numbers beside what they should be, with the interval where there is one. */
export interface ForecastPicture extends Pick<ValueExample, 'target' | 'prediction' | 'low' | 'high'> {
  readonly title: string;
  /** What the horizontal axis counts, and its first number. */
  readonly label: string;
  readonly from: number;
  readonly width: number;
  readonly height: number;
}

const margin = { left: 62, right: 14, top: 48, bottom: 34 } as const;

export function forecastSvg(picture: ForecastPicture): string {
  const { title, target, prediction, low, high, label, from, width, height } = picture;
  const inner = { width: width - margin.left - margin.right, height: height - margin.top - margin.bottom };
  const x = epochAxis(from, from + target.length - 1, inner.width, Math.round(inner.width / 80));
  const all = [...target, ...prediction, ...(low ?? []), ...(high ?? [])];
  const y = linearAxis(all, inner.height, Math.max(2, Math.round(inner.height / 45)));
  const point = (value: number, i: number) => `${px(x.place(from + i))},${px(inner.height - y.place(value))}`;
  const band = low && high && [...high.map(point), ...low.map(point).reverse()];
  return [
    `<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 ${width} ${height}" width="${width}" height="${height}" role="img">`,
    `<title>${escaped(title)}</title>`,
    `<style>${baseStyle}${schemed('auto', palette)}</style>`,
    `<rect class="ground" width="${width}" height="${height}"/>`,
    `<g transform="translate(${margin.left} ${margin.top})">`,
    text('name', 0, -28, 'start', title),
    legend(band !== undefined),
    ...y.ticks.map((tick) => rowSvg(tick, inner.height - y.place(tick), inner.width)),
    ...x.ticks.map((tick) => columnSvg(tick, x.place(tick), inner.height)),
    text('label', inner.width, inner.height + 30, 'end', label),
    ...(band === undefined ? [] : [`<polygon class="band" points="${band.join(' ')}"/>`]),
    lineSvg('validation', target, point),
    lineSvg('training', prediction, point),
    '</g>',
    '</svg>',
  ].join('\n');
}

function palette(colors: Palette): string {
  const lines = (['training', 'validation'] as const).map(
    (kind) => `.line.${kind}{stroke:${colors[kind]}}.dot.${kind}{fill:${colors[kind]}}`,
  );
  return `${baseColors(colors)}${lines.join('')}.band{fill:${colors.training};opacity:.2}`;
}

function legend(hasBand: boolean): string {
  const line = (kind: string, x: number, name: string) =>
    `<line class="line ${kind}" x1="${x}" x2="${x + 18}" y1="-13" y2="-13"/>${text('label', x + 24, -9, 'start', name)}`;
  const band = `<rect class="band" x="180" y="-19" width="18" height="11"/>${text('label', 204, -9, 'start', 'interval')}`;
  return line('validation', 0, 'target') + line('training', 80, 'prediction') + (hasBand ? band : '');
}

function rowSvg(value: number, y: number, width: number): string {
  const line = `<line class="grid" x1="0" x2="${width}" y1="${px(y)}" y2="${px(y)}"/>`;
  return line + text('label', -8, y + 4, 'end', tickText(value));
}

function columnSvg(value: number, x: number, height: number): string {
  const line = `<line class="axis" x1="${px(x)}" x2="${px(x)}" y1="${height}" y2="${height + 4}"/>`;
  return line + text('label', x, height + 17, 'middle', tickText(value));
}

function lineSvg(
  kind: string,
  values: readonly number[],
  point: (value: number, i: number) => string,
): string {
  if (values.length > 1) return `<polyline class="line ${kind}" points="${values.map(point).join(' ')}"/>`;
  const [cx, cy] = point(values[0]!, 0).split(',');
  return `<circle class="dot ${kind}" cx="${cx}" cy="${cy}" r="3.5"/>`;
}
