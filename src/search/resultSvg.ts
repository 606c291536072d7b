import { choice, field, settings, whole } from '../config/fields.js';
import { parseOptions } from '../config/parseConfig.js';
import { linearAxis, logAxis, tickText, type Axis } from '../training/axis.js';
import { baseColors, baseStyle, escaped, px, schemed, text, type ColorScheme } from '../training/svg.js';
import { cellOf } from './resultTable.js';
import type { SearchFacts } from './searchResult.js';
import { valueAt, type Leaf } from './space.js';
import type { TrialResult } from './trial.js';

/** What {@link SearchResult.toSvg} takes. */
export interface SearchSvgOptions {
  /** A line above the panels. Default none. */
  readonly title?: string | undefined;
  /** In pixels, from 320. Default 720. */
  readonly width?: number | undefined;
  /** The height of one panel in pixels, from 80. Default 150. */
  readonly panelHeight?: number | undefined;
  /** Default `auto`: as the viewer prefers. */
  readonly colors?: ColorScheme | undefined;
}

const schema = settings({
  title: field<string>('a text', (value) => typeof value === 'string').optional(),
  width: whole(320, 10_000).default(720),
  panelHeight: whole(80, 10_000).default(150),
  colors: choice('auto', 'light', 'dark').default('auto'),
});

interface Point {
  readonly x: number;
  readonly y: number;
  readonly kind: 'finished' | 'pruned' | 'best';
  readonly hint: string;
}

/** A horizontal axis with the words at its ticks. */
interface Labelled extends Axis {
  readonly label: (tick: number) => string;
}

interface Size {
  readonly width: number;
  readonly height: number;
}

const margin = { left: 62, right: 16, top: 30, bottom: 34 } as const;
const titleHeight = 26;

export function resultSvg(
  trials: readonly TrialResult[],
  { mode, leaves }: SearchFacts,
  options: SearchSvgOptions,
): string {
  const { title, width, panelHeight, colors } = parseOptions(schema, options, 'toSvg');
  const size = { width: width - margin.left - margin.right, height: panelHeight };
  const scored = trials.filter(({ value }) => value !== undefined);
  const panels =
    scored.length === 0
      ? []
      : [orderPanel(scored, mode, size), ...leaves.map((leaf) => leafPanel(scored, leaf, mode, size))];
  const top = title === undefined ? 0 : titleHeight;
  const step = margin.top + panelHeight + margin.bottom;
  const height = top + Math.max(panels.length, 1) * step;
  const placed = panels.map(
    (panel, i) => `<g transform="translate(${margin.left} ${top + i * step + margin.top})">\n${panel}\n</g>`,
  );
  return [
    `<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 ${width} ${height}" width="${width}" height="${height}" role="img">`,
    `<title>${escaped(title ?? 'Search')}</title>`,
    `<style>${baseStyle}${schemed(colors, palette)}</style>`,
    `<rect class="ground" width="${width}" height="${height}"/>`,
    ...(title === undefined ? [] : [text('title', margin.left, 20, 'start', title)]),
    ...(placed.length > 0
      ? placed
      : [text('label', width / 2, top + step / 2, 'middle', 'no trial has a value')]),
    '</svg>\n',
  ].join('\n');
}

function palette(colors: Parameters<typeof baseColors>[0]): string {
  return (
    `${baseColors(colors)}.finished{fill:${colors.training}}.pruned{fill:none;stroke:${colors.soft};stroke-width:1.5}` +
    `.best{fill:${colors.validation}}.line.sofar{stroke:${colors.validation}}`
  );
}

/** Values in the order of the trials, and the best so far as a stair. */
function orderPanel(trials: readonly TrialResult[], mode: 'min' | 'max', size: Size): string {
  const x = labelled(
    linearAxis(
      trials.map(({ number }) => number),
      size.width,
      8,
    ),
    tickText,
  );
  const y = valueAxis(trials, size);
  const whole = furthest(trials);
  const steps: string[] = [];
  let best: number | undefined;
  for (const { number, value } of whole) {
    const better = best === undefined || (mode === 'min' ? value! < best : value! > best);
    if (!better) continue;
    const at = px(x.place(number));
    if (best !== undefined) steps.push(`${at},${px(size.height - y.place(best))}`);
    steps.push(`${at},${px(size.height - y.place(value!))}`);
    best = value;
  }
  steps.push(`${px(size.width)},${px(size.height - y.place(best!))}`);
  const points = pointsOf(trials, mode, ({ number }) => x.place(number));
  const line = `<polyline class="line sofar" points="${steps.join(' ')}"/>`;
  return [
    text('name', 0, -10, 'start', 'value'),
    frame(x, y, size, 'trial'),
    line,
    dots(points, y, size),
  ].join('\n');
}

function leafPanel(
  trials: readonly TrialResult[],
  { path, from }: Leaf,
  mode: 'min' | 'max',
  size: Size,
): string {
  const name = path.join('.');
  const cells = trials.map(({ config }) => cellOf(valueAt(config, path)) ?? '');
  const isNumeric = cells.every((cell) => typeof cell === 'number');
  const isLog = !Array.isArray(from) && 'kind' in from && from.kind === 'logUniform';
  const x = isNumeric
    ? numberAxis(cells as number[], isLog || isWide(cells as number[]), size)
    : wordAxis(cells, size);
  const places = new Map(
    trials.map((trial, i) => [
      trial,
      isNumeric ? x.place(cells[i] as number) : x.place(words(cells).indexOf(String(cells[i]))),
    ]),
  );
  const y = valueAxis(trials, size);
  const points = pointsOf(trials, mode, (trial) => places.get(trial)!);
  return [text('name', 0, -10, 'start', name), frame(x, y, size, ''), dots(points, y, size)].join('\n');
}

function numberAxis(values: readonly number[], isLog: boolean, { width }: Size): Labelled {
  if (!isLog || Math.min(...values) <= 0) return labelled(linearAxis(values, width, 8), tickText);
  const axis = logAxis(values, width, 4);
  return labelled(
    { ...axis, ticks: axis.ticks.length > 1 ? axis.ticks : [...new Set(values)].slice(0, 6) },
    tickText,
  );
}

// Values of several orders of magnitude, such as the rates of a grid.
function isWide(values: readonly number[]): boolean {
  return Math.min(...values) > 0 && Math.max(...values) / Math.min(...values) >= 50;
}

function wordAxis(cells: readonly (string | number)[], { width }: Size): Labelled {
  const list = words(cells);
  const room = Math.max(4, Math.floor(width / list.length / 7));
  return {
    ticks: list.map((_, i) => i),
    place: (i) => ((i + 0.5) / list.length) * width,
    label: (i) => (list[i]!.length <= room ? list[i]! : `${list[i]!.slice(0, room - 1)}…`),
  };
}

function words(cells: readonly (string | number)[]): string[] {
  return [...new Set(cells.map(String))];
}

function labelled(axis: Axis, label: (tick: number) => string): Labelled {
  return { ...axis, label };
}

function valueAxis(trials: readonly TrialResult[], { height }: Size): Axis {
  return linearAxis(
    trials.map(({ value }) => value!),
    height,
    Math.max(2, Math.round(height / 45)),
  );
}

/** Trials of the largest resource, the only ones that can be held against each other. */
function furthest(trials: readonly TrialResult[]): TrialResult[] {
  const most = Math.max(...trials.map(({ resource }) => resource ?? 0));
  return trials.filter(({ resource }) => (resource ?? 0) === most);
}

function pointsOf(
  trials: readonly TrialResult[],
  mode: 'min' | 'max',
  place: (trial: TrialResult) => number,
): Point[] {
  const sign = mode === 'min' ? 1 : -1;
  const best = furthest(trials).reduce((a, b) => (sign * (b.value! - a.value!) < 0 ? b : a));
  return trials.map((trial) => ({
    x: place(trial),
    y: trial.value!,
    kind: trial === best ? 'best' : trial.state === 'pruned' ? 'pruned' : 'finished',
    hint: `trial ${trial.number}: ${tickText(trial.value!)}`,
  }));
}

// The best is drawn last, above the others.
function dots(points: readonly Point[], y: Axis, { height }: Size): string {
  const order = [...points].sort((a, b) => Number(a.kind === 'best') - Number(b.kind === 'best'));
  return order
    .map(({ x, y: value, kind, hint }) => {
      const place = `cx="${px(x)}" cy="${px(height - y.place(value))}"`;
      return `<circle class="${kind}" ${place} r="${kind === 'best' ? 5 : 3.5}"><title>${escaped(hint)}</title></circle>`;
    })
    .join('');
}

function frame(x: Labelled, y: Axis, { width, height }: Size, label: string): string {
  const rows = y.ticks.map((tick) => {
    const at = px(height - y.place(tick));
    const line = `<line class="grid" x1="0" x2="${width}" y1="${at}" y2="${at}"/>`;
    return line + text('label', -8, height - y.place(tick) + 4, 'end', tickText(tick));
  });
  const columns = x.ticks.map((tick) => {
    const at = px(x.place(tick));
    const line = `<line class="axis" x1="${at}" x2="${at}" y1="${height}" y2="${height + 4}"/>`;
    return line + text('label', x.place(tick), height + 17, 'middle', x.label(tick));
  });
  return [...rows, ...columns, text('label', width, height + 30, 'end', label)].join('');
}
