import type { Summary } from './summary.js';
import { horizons, lstma } from './tasks.js';

const width = 640;
const height = 320;
const margin = { left: 60, right: 150, top: 20, bottom: 44 } as const;
const ink = '#7d8590';
const colours = ['#4c8eda', '#d9822b', '#3a9d78', '#b5649b', '#8f8f3a', '#a0a0a0'];
const ticks = [0.02, 0.05, 0.1, 0.2, 0.5, 1];

/** MSE on ETTh1 over horizons, both axes logarithmic; its colours can be read on white and on black alike. */
export function horizonChart(summaries: readonly Summary[]): string {
  const of = (horizon: number): Summary | undefined =>
    summaries.find(({ task }) => task.name === `etth1-${horizon}`);
  const baseline = (name: string) => (horizon: number) => of(horizon)?.baselines[name];
  const lines: readonly (readonly [string, (horizon: number) => number | undefined])[] = [
    ['ours', (horizon) => of(horizon)?.scores.ours?.mean],
    ['PyTorch', (horizon) => of(horizon)?.scores.torch?.mean],
    ['linear', baseline('linear')],
    ['last value', baseline('last value')],
    ['a day before', baseline('a day before')],
    ['LSTMa (published)', (horizon) => lstma[horizon]],
  ];
  return [
    `<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 ${width} ${height}" width="${width}" role="img"`,
    ` aria-label="MSE by horizon" font-family="system-ui, sans-serif" font-size="12" fill="${ink}">`,
    '<title>MSE on ETTh1 by horizon</title>',
    ...ticks.map((tick) =>
      grid(`M${margin.left} ${y(tick)}H${width - margin.right}`, margin.left - 6, y(tick), tick),
    ),
    ...horizons.map((horizon) =>
      grid(
        `M${x(horizon)} ${margin.top}V${height - margin.bottom}`,
        x(horizon) + 8,
        height - margin.bottom + 14,
        horizon,
      ),
    ),
    `<text x="${(margin.left + width - margin.right) / 2}" y="${height - 8}" text-anchor="middle">hours ahead</text>`,
    ...lines.map(([name, value], index) => line(name, value, index)),
    '</svg>\n',
  ].join('\n');
}

function line(name: string, value: (horizon: number) => number | undefined, index: number): string {
  const points = horizons.flatMap((horizon) => {
    const at = value(horizon);
    return at === undefined ? [] : [[x(horizon), y(at)] as const];
  });
  const colour = colours[index]!;
  const dash = name === 'PyTorch' ? ' stroke-dasharray="5 4"' : '';
  const path = `<polyline fill="none" stroke="${colour}" stroke-width="2"${dash} points="${points.map((p) => p.join(',')).join(' ')}"/>`;
  const dots = points.map(([px, py]) => `<circle cx="${px}" cy="${py}" r="3" fill="${colour}"/>`);
  const top = margin.top + 14 + index * 20;
  const left = width - margin.right + 16;
  const legend = `<rect x="${left}" y="${top - 9}" width="11" height="11" rx="2" fill="${colour}"/><text x="${left + 17}" y="${top}">${name}</text>`;
  return path + dots.join('') + legend;
}

function grid(path: string, left: number, top: number, value: number): string {
  return `<path d="${path}" stroke="${ink}" stroke-opacity="0.25"/><text x="${left}" y="${top + 4}" text-anchor="end">${value}</text>`;
}

function x(horizon: number): number {
  const [low, high] = [Math.log(horizons[0]), Math.log(horizons.at(-1)!)];
  const span = width - margin.left - margin.right;
  return Math.round(margin.left + (span * (Math.log(horizon) - low)) / (high - low));
}

function y(value: number): number {
  const [low, high] = [Math.log(ticks[0]!), Math.log(ticks.at(-1)!)];
  const span = height - margin.top - margin.bottom;
  return Math.round(height - margin.bottom - (span * (Math.log(value) - low)) / (high - low));
}
