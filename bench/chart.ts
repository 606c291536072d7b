/** An SVG of ratios, bars from 1 on a logarithmic axis; its colours can be read on white and on black alike. */

export interface Bar {
  readonly label: string;
  readonly series: string;
  /** Above 1: we are faster. */
  readonly ratio: number;
}

export interface Panel {
  readonly title: string;
  readonly bars: readonly Bar[];
}

const width = 760;
const labelWidth = 130;
const valueWidth = 64;
const barHeight = 13;
const rowGap = 7;
const panelHead = 38;
const legendHeight = 30;
const ticks = [0.25, 0.5, 1, 2, 5, 10, 20, 50, 100, 200];
const colours = ['#4c8eda', '#d9822b', '#3a9d78', '#b5649b', '#8f8f3a'];
const ink = '#7d8590';

interface Scale {
  readonly low: number;
  readonly high: number;
  x(ratio: number): number;
}

/** The whole picture; `title` is also what a screen reader says. */
export function chart(title: string, panels: readonly Panel[]): string {
  const all = panels.flatMap(({ bars }) => bars);
  const series = [...new Set(all.map((bar) => bar.series))];
  const scale = scaleOf(all.map(({ ratio }) => ratio));
  const parts: string[] = [legend(series)];
  let top = legendHeight;
  for (const panel of panels) {
    const { svg, height } = panelSvg(panel, series, scale, top);
    parts.push(svg);
    top += height;
  }
  return [
    `<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 ${width} ${top + 6}" width="${width}" role="img"`,
    ` aria-label="${escaped(title)}" font-family="system-ui, sans-serif" font-size="12" fill="${ink}">`,
    `<title>${escaped(title)}</title>\n${parts.join('\n')}\n</svg>\n`,
  ].join('');
}

function scaleOf(ratios: readonly number[]): Scale {
  const low = ticks.findLast((tick) => tick <= Math.min(0.5, ...ratios)) ?? ticks[0]!;
  const high = ticks.find((tick) => tick >= Math.max(2, ...ratios)) ?? ticks.at(-1)!;
  const span = width - labelWidth - valueWidth;
  const x = (ratio: number) => {
    const within = Math.min(high, Math.max(low, ratio));
    return labelWidth + (span * Math.log(within / low)) / Math.log(high / low);
  };
  return { low, high, x };
}

function legend(series: readonly string[]): string {
  return series
    .map((name, index) => {
      const x = labelWidth + index * 155;
      return `<rect x="${x}" y="6" width="11" height="11" rx="2" fill="${colourOf(index)}"/><text x="${x + 16}" y="16">${escaped(name)}</text>`;
    })
    .join('');
}

function panelSvg(panel: Panel, series: readonly string[], scale: Scale, top: number) {
  const labels = [...new Set(panel.bars.map((bar) => bar.label))];
  const rows: string[] = [];
  let y = top + panelHead;
  for (const label of labels) {
    const bars = panel.bars.filter((bar) => bar.label === label);
    const middle = y + (bars.length * barHeight) / 2 + 4;
    rows.push(`<text x="${labelWidth - 10}" y="${middle}" text-anchor="end">${escaped(label)}</text>`);
    for (const bar of bars) {
      rows.push(barSvg(bar, colourOf(series.indexOf(bar.series)), scale, y));
      y += barHeight;
    }
    y += rowGap;
  }
  const grid = ticks
    .filter((tick) => tick >= scale.low && tick <= scale.high)
    .map((tick) => tickSvg(tick, scale.x(tick), top + panelHead - 4, y - rowGap + 2));
  const head = `<text x="0" y="${top + 14}" font-weight="600">${escaped(panel.title)}</text>`;
  return { svg: [head, ...grid, ...rows].join('\n'), height: y - top + 8 };
}

function barSvg({ ratio, series }: Bar, colour: string, scale: Scale, y: number): string {
  const [from, to] = [scale.x(1), scale.x(ratio)].sort((a, b) => a - b) as [number, number];
  const text = `${ratio >= 10 ? ratio.toFixed(0) : ratio.toFixed(2)}×`;
  const box = `x="${px(from)}" y="${y}" width="${px(Math.max(1.5, to - from))}" height="${barHeight - 2}"`;
  const name = `<title>${escaped(series)}: ${text}</title>`;
  return `<rect ${box} fill="${colour}">${name}</rect><text x="${px(to + 5)}" y="${y + 10}" font-size="10.5">${text}</text>`;
}

function tickSvg(tick: number, x: number, top: number, bottom: number): string {
  const isOne = tick === 1;
  const line = `<line x1="${px(x)}" x2="${px(x)}" y1="${top}" y2="${bottom}" stroke="${ink}" stroke-opacity="${isOne ? 0.9 : 0.25}"/>`;
  return `${line}<text x="${px(x)}" y="${top - 4}" text-anchor="middle" font-size="10">${tick}×</text>`;
}

function colourOf(index: number): string {
  return colours[index % colours.length]!;
}

function px(value: number): string {
  return value.toFixed(1);
}

function escaped(text: string): string {
  return text.replaceAll('&', '&amp;').replaceAll('<', '&lt;').replaceAll('"', '&quot;');
}
