/** Lines over a common x axis as an SVG that can be read on white and on black alike. */

export interface Line {
  readonly name: string;
  /** [x, y]; a y that is not finite ends the line. */
  readonly points: readonly (readonly [number, number])[];
  /** Drawn with dashes: what it is compared with. */
  readonly dashed?: boolean;
}

export interface LineChart {
  readonly title: string;
  readonly xName: string;
  readonly yName: string;
  readonly lines: readonly Line[];
  readonly logX?: boolean;
  /** Values outside are cut off at the edge. By default the lines' own. */
  readonly yRange?: readonly [number, number];
}

const size = { width: 720, height: 330 };
const margin = { left: 62, right: 190, top: 40, bottom: 44 };
const inner = {
  width: size.width - margin.left - margin.right,
  height: size.height - margin.top - margin.bottom,
};
const colours = ['#4c8eda', '#d9822b', '#3a9d78', '#b5649b', '#8f8f3a', '#c4524e'];
const ink = '#7d8590';

/** The whole picture. */
export function lineChart({ title, xName, yName, lines, logX = false, yRange }: LineChart): string {
  const along = logX ? Math.log10 : (x: number) => x;
  const points = lines.flatMap((line) => line.points).filter(([, y]) => Number.isFinite(y));
  const x = axis(extentOf(points.map(([value]) => along(value))), inner.width);
  const y = axis(yRange ?? extentOf(points.map(([, value]) => value)), inner.height);
  const drawn = lines.map((line, i) =>
    lineSvg(line, colours[i % colours.length]!, (value) => x(along(value)), y),
  );
  return [
    `<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 ${size.width} ${size.height}" width="${size.width}" role="img"`,
    ` aria-label="${title}" font-family="system-ui, sans-serif" font-size="12" fill="${ink}">`,
    `<title>${title}</title><text x="${margin.left}" y="18" font-weight="600" font-size="14">${title}</text>`,
    `<g transform="translate(${margin.left} ${margin.top})">`,
    ...ticks(y.low, y.high).map((tick) => yTick(tick, inner.height - y(tick))),
    ...(logX ? powers(x.low, x.high) : ticks(x.low, x.high)).map((tick) => xTick(tick, x(tick), logX)),
    `<text x="${inner.width}" y="${inner.height + 36}" text-anchor="end">${xName}</text>`,
    `<text x="-8" y="-8" text-anchor="end">${yName}</text>`,
    ...drawn,
    ...lines.map((line, i) => legend(line, i)),
    '</g></svg>\n',
  ].join('\n');
}

interface Axis {
  (value: number): number;
  readonly low: number;
  readonly high: number;
}

function axis([low, high]: readonly [number, number], length: number): Axis {
  const place = (value: number) =>
    ((Math.min(high, Math.max(low, value)) - low) / (high - low || 1)) * length;
  return Object.assign(place, { low, high });
}

function extentOf(values: readonly number[]): [number, number] {
  const [low, high] = [Math.min(...values), Math.max(...values)];
  const step = stepOf(low, high);
  return [Math.floor(low / step) * step, Math.ceil(high / step) * step];
}

function ticks(low: number, high: number): number[] {
  const step = stepOf(low, high);
  const from = Math.ceil(low / step - 1e-9);
  return Array.from({ length: Math.floor(high / step + 1e-9) - from + 1 }, (_, i) => (from + i) * step);
}

function powers(low: number, high: number): number[] {
  const from = Math.ceil(low - 1e-9);
  return Array.from({ length: Math.floor(high + 1e-9) - from + 1 }, (_, i) => from + i);
}

function stepOf(low: number, high: number): number {
  const rough = (high - low || 1) / 6;
  const power = 10 ** Math.floor(Math.log10(rough));
  return power * ([1, 2, 5].find((factor) => factor * power >= rough) ?? 10);
}

function yTick(value: number, y: number): string {
  const line = `<line x1="0" x2="${inner.width}" y1="${px(y)}" y2="${px(y)}" stroke="${ink}" stroke-opacity="0.25"/>`;
  return `${line}<text x="-8" y="${px(y + 4)}" text-anchor="end">${Number(value.toPrecision(4))}</text>`;
}

function xTick(value: number, x: number, isLog: boolean): string {
  const text = Number((isLog ? 10 ** Math.round(value) : value).toPrecision(4));
  return `<text x="${px(x)}" y="${inner.height + 18}" text-anchor="middle">${text}</text>`;
}

function lineSvg({ points, dashed }: Line, colour: string, x: (value: number) => number, y: Axis): string {
  const end = points.findIndex(([, value]) => !Number.isFinite(value));
  const finite = end < 0 ? points : points.slice(0, end);
  const path = finite.map(([a, b]) => `${px(x(a))},${px(inner.height - y(b))}`).join(' ');
  const dash = dashed === true ? ' stroke-dasharray="5 4"' : '';
  return `<polyline points="${path}" fill="none" stroke="${colour}" stroke-width="2" stroke-linejoin="round"${dash}/>`;
}

function legend({ name, dashed }: Line, index: number): string {
  const y = 8 + index * 20;
  const dash = dashed === true ? ' stroke-dasharray="5 4"' : '';
  const line = `<line x1="${inner.width + 14}" x2="${inner.width + 36}" y1="${y}" y2="${y}" stroke="${colours[index % colours.length]}" stroke-width="2"${dash}/>`;
  return `${line}<text x="${inner.width + 42}" y="${y + 4}">${name}</text>`;
}

function px(value: number): string {
  return value.toFixed(1);
}
