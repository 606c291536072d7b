import { describe, expect, it } from 'vitest';
import { ConfigError, type EpochRecord } from '../../../src/index.js';
import { epochAxis, linearAxis, logAxis, tickText } from '../../../src/training/axis.js';
import { History } from '../../../src/training/history.js';

const record = (epoch: number, values: Partial<EpochRecord> = {}): EpochRecord => ({
  epoch,
  loss: 1 / epoch,
  learningRate: 0.1,
  seconds: 2,
  ...values,
});
const historyOf = (epochs: readonly EpochRecord[]) =>
  new History({ epochs, steps: 3, skippedSteps: 0, stopped: 'finished' });
const textsOf = (svg: string) => [...svg.matchAll(/<text[^>]*>([^<]*)</g)].map(([, text]) => text);
/** The points of the line of one kind in pixels of its panel, which is 170 high and 644 wide. */
const pointsOf = (svg: string, kind: string) =>
  [...svg.matchAll(new RegExp(`<polyline class="line ${kind}" points="([^"]*)"`, 'g'))].map(([, points]) =>
    points!.split(' ').map((point) => point.split(',').map(Number)),
  );

describe('a history', () => {
  it('is frozen, and plain data to JSON and structuredClone', () => {
    const history = historyOf([record(1)]);
    expect(Object.isFrozen(history)).toBe(true);
    const plain = { epochs: [record(1)], steps: 3, skippedSteps: 0, stopped: 'finished' };
    expect(JSON.parse(JSON.stringify(history))).toEqual(plain);
    expect(structuredClone(history)).toEqual(plain);
  });

  it('is CSV with the names of the first epoch', () => {
    const history = historyOf([record(1, { valLoss: 2 }), record(2)]);
    expect(history.toCsv()).toBe('epoch,loss,learningRate,seconds,valLoss\n1,1,0.1,2,2\n2,0.5,0.1,2,\n');
    expect(historyOf([]).toCsv()).toBe('');
  });

  it('shows numbers alone, and keeps the rest in its epochs', () => {
    const counts = {
      confusionMatrix: [
        [1, 2],
        [3, 4],
      ],
      valConfusionMatrix: [
        [1, 0],
        [0, 1],
      ],
    };
    const history = historyOf([record(1, counts), record(2, { ...counts, f1: 0.5 })]);
    expect(history.toCsv()).toBe(historyOf([record(1), record(2)]).toCsv());
    expect(history.toSvg()).not.toContain('onfusion');
    expect(history.toSvg()).toContain('f1');
    expect(JSON.parse(JSON.stringify(history))).toMatchObject({ epochs: [counts, counts] });
  });
});

describe("a history's picture", () => {
  it('has a panel for each value, training and validation together, the rate last', () => {
    const svg = historyOf(
      [1, 2, 3].map((epoch) => record(epoch, { accuracy: 0.5, valLoss: 2, valAccuracy: 0.4 })),
    ).toSvg({ title: 'a < b & "c"' });
    const texts = textsOf(svg);
    expect(texts[0]).toBe('a &lt; b &amp; &quot;c&quot;');
    const names = [...svg.matchAll(/class="name"[^>]*>([^<]*)</g)].map(([, name]) => name);
    expect(names).toEqual(['loss', 'accuracy', 'learningRate']);
    expect(pointsOf(svg, 'training')).toHaveLength(2);
    expect(pointsOf(svg, 'validation')).toHaveLength(2);
    expect(pointsOf(svg, 'rate')).toHaveLength(1);
    expect(texts.filter((text) => text === 'validation')).toHaveLength(2);
  });

  it('puts values where the axes say', () => {
    const svg = historyOf([record(1, { loss: 0 }), record(2, { loss: 3 }), record(3, { loss: 4 })]).toSvg();
    // Ticks 0, 1, 2, 3, 4 over 170 pixels; epochs 1 to 3 over 644.
    expect(pointsOf(svg, 'training')).toEqual([
      [
        [0, 170],
        [322, 42.5],
        [644, 0],
      ],
    ]);
  });

  it('leaves gaps where a value is not finite, and shows a single one as a dot', () => {
    const values = [3, 2, Number.NaN, 1, Infinity, 0, 1];
    const svg = historyOf(values.map((loss, i) => record(i + 1, { loss }))).toSvg();
    expect(pointsOf(svg, 'training').map((points) => points.length)).toEqual([2, 2]);
    expect(svg.match(/<circle class="dot training"/g)).toHaveLength(1);
    expect(svg).not.toMatch(/NaN|Infinity/);
    expect(historyOf([record(1)]).toSvg()).toMatch(/<circle class="dot training" cx="322"/);
  });

  it('draws the rate on a logarithmic scale where it spans more than a power of ten', () => {
    const rates = [0.1, 0.01, 0.001];
    const svg = historyOf(rates.map((learningRate, i) => record(i + 1, { learningRate }))).toSvg();
    expect(textsOf(svg)).toContain('learningRate (log)');
    expect(pointsOf(svg, 'rate')[0]!.map(([, y]) => y)).toEqual([0, 85, 170]);
  });

  it('is light or dark as the viewer prefers, or as it is told', () => {
    const history = historyOf([record(1), record(2)]);
    expect(history.toSvg()).toContain('prefers-color-scheme:dark');
    expect(history.toSvg({ colors: 'dark' })).not.toContain('prefers-color-scheme');
    expect(history.toSvg({ colors: 'dark' })).toContain('.ground{fill:#0d1117}');
    expect(history.toSvg({ colors: 'light' })).toContain('.ground{fill:#ffffff}');
  });

  it('says so where there are no epochs', () => {
    expect(textsOf(historyOf([]).toSvg())).toEqual(['no epochs']);
  });

  it.each<[object, string]>([
    [{ width: 10 }, 'toSvg.width: expected a whole number from 240 to 10000, received 10'],
    [{ colors: 'red' }, "toSvg.colors: expected 'auto' | 'light' | 'dark', received 'red'"],
    [{ titel: 'x' }, "toSvg: no setting 'titel'; did you mean 'title'?"],
  ])('refuses %j', (options, message) => {
    const draw = () => historyOf([record(1)]).toSvg(options);
    expect(draw).toThrow(ConfigError);
    expect(draw).toThrow(message);
  });
});

describe('axes', () => {
  it('mark whole ticks of 1, 2 or 5 around the values', () => {
    expect(linearAxis([0.13, 0.87], 100, 4).ticks.map(tickText)).toEqual([
      '0',
      '0.2',
      '0.4',
      '0.6',
      '0.8',
      '1',
    ]);
    expect(linearAxis([-3, 12], 100, 4).ticks).toEqual([-5, 0, 5, 10, 15]);
    expect(linearAxis([2, 2], 100, 4).place(2)).toBe(50);
    expect(linearAxis([0, 0], 100, 4).place(0)).toBe(50);
  });

  it('mark powers of ten', () => {
    expect(logAxis([1e-5, 0.02], 100, 4).ticks.map(tickText)).toEqual([
      '1e-5',
      '1e-4',
      '0.001',
      '0.01',
      '0.1',
    ]);
  });

  it('mark whole epochs', () => {
    expect(epochAxis(1, 10, 90, 8).ticks).toEqual([2, 4, 6, 8, 10]);
    expect(epochAxis(1, 3, 90, 8).ticks).toEqual([1, 2, 3]);
    expect(epochAxis(4, 4, 90, 8).ticks).toEqual([4]);
    expect(epochAxis(1, 10, 90, 8).place(10)).toBe(90);
  });
});
