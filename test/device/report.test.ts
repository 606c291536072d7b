import { mkdtemp, readdir, readFile, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import {
  adam,
  ConfigError,
  dense,
  embedding,
  gaussianNll,
  languageModelStream,
  lstm,
  quantile,
  sequential,
  wordVocabulary,
} from '../../src/index.js';
import { chromium, photograph, render } from '../support/chromium.js';
import { Draws } from '../support/draws.js';

const draws = new Draws('report');
const noise = (count: number) => Array.from(draws.uniform(count));

/** Sequences of three classes, told apart by their level. */
function classData(count: number) {
  const y = Array.from({ length: count }, (_, i) => i % 3);
  const x = y.map((k, i) => noise(4 + (i % 5)).map((u) => [k + u]));
  return { x, y };
}

let folder: string;
/** The report of a classifier, with names that are markup. */
let page: string;
let text: string;
const labels = ['up & away', '<script>alert(1)</script>', '"quoted"'];

beforeAll(async () => {
  folder = await mkdtemp(join(tmpdir(), 'report-'));
  await using model = await sequential(
    [lstm({ hiddenSize: 8, returnSequences: false }), dense({ units: 3, activation: 'softmax' })],
    { inputSize: 1, device: 'cpu', seed: 1 },
  );
  const training = classData(60);
  const data = classData(30);
  const fit = { loss: 'crossEntropy', metrics: ['accuracy'], epochs: 4, verbose: 'silent' } as const;
  const history = await model.fit(training, {
    ...fit,
    optimizer: adam({ learningRate: 0.02 }),
    validationData: data,
  });
  page = await model.report(join(folder, 'classes'), {
    history,
    data,
    trainingData: training,
    labels,
    examples: 4,
    title: 'levels <i>',
    config: { note: '</pre><script>document.title = "ran"</script>' },
  });
  text = await readFile(page, 'utf8');
});
afterAll(() => rm(folder, { recursive: true, force: true }));

describe('model.report', () => {
  it('writes one file that holds no script and loads nothing', async () => {
    expect(page).toBe(join(folder, 'classes', 'report.html'));
    expect(await readdir(join(folder, 'classes'))).toEqual(['report.html']);
    expect(text).not.toMatch(/<script|<link|<img|<iframe|@import|url\(|\son\w+=/i);
    const addresses = text.match(/https?:[^"<\s]*/g) ?? [];
    expect(new Set(addresses)).toEqual(new Set(['http://www.w3.org/2000/svg']));
  });

  it('draws forecasts with their interval, of one number a row and of several', async () => {
    const x = Array.from({ length: 20 }, () => noise(5).map((u) => [u]));
    const layers = (units: number) => [lstm({ hiddenSize: 4, returnSequences: false }), dense({ units })];
    const fit = { epochs: 1, verbose: 'silent' } as const;
    await using one = await sequential(layers(3), { inputSize: 1, device: 'cpu' });
    const scalar = { x, y: noise(20) };
    await one.fit(scalar, { ...fit, loss: quantile({ quantiles: [0.1, 0.5, 0.9] }) });
    const first = await readFile(await one.report(folder, { data: scalar, file: 'one.html' }), 'utf8');
    expect(first).toContain('The interval is meant to hold 80 % of the targets');
    expect(first.match(/<polygon class="band"/g)).toHaveLength(1);
    await using several = await sequential(layers(8), { inputSize: 1, device: 'cpu' });
    const vector = { x, y: Array.from({ length: 20 }, () => noise(4)) };
    await several.fit(vector, { ...fit, loss: gaussianNll() });
    const second = await readFile(
      await several.report(folder, { data: vector, file: 'several.html' }),
      'utf8',
    );
    expect(second.match(/<polygon class="band"/g)).toHaveLength(3);
    for (const name of ['the median', 'the best', 'the worst']) expect(second).toContain(name);
  });

  it('shows tokens in words, with the vocabulary', async () => {
    const vocabulary = wordVocabulary('the cat sat on a mat');
    const layers = [
      embedding({ vocabSize: vocabulary.size, size: 4 }),
      lstm({ hiddenSize: 4, returnSequences: false }),
      dense({ units: 1, activation: 'sigmoid' }),
    ];
    await using model = await sequential(layers, { vocabulary, device: 'cpu' });
    const data = { x: [vocabulary.encode('the cat sat'), vocabulary.encode('a mat')], y: [0, 1] };
    const path = await model.report(folder, { data, loss: 'binaryCrossEntropy', file: 'tokens.html' });
    const html = await readFile(path, 'utf8');
    expect(html).toContain('the cat sat');
    expect(html).toContain('Confusion matrix');
  });

  it('has scores of a language-model stream', async () => {
    const layers = [embedding({ vocabSize: 5, size: 3 }), lstm({ hiddenSize: 4 }), dense({ units: 5 })];
    await using model = await sequential(layers, { device: 'cpu' });
    const data = languageModelStream({
      tokens: [0, 1, 2, 3, 4, 3, 2, 1, 0, 1, 2, 3],
      batchSize: 2,
      timeSteps: 2,
    });
    const options = { data, loss: 'crossEntropy', metrics: ['perplexity'], file: 'stream.html' } as const;
    const html = await readFile(await model.report(folder, options), 'utf8');
    expect(html).toContain('<dt>perplexity</dt>');
    expect(html).not.toContain('Worst examples');
  });

  it('is written without data and history as well, and refuses options that cannot be', async () => {
    await using model = await sequential([lstm({ hiddenSize: 2 })], { inputSize: 1, device: 'cpu' });
    const html = await readFile(await model.report(folder, { title: 'bare', file: 'bare.html' }), 'utf8');
    expect(html).toContain('<h1>bare</h1>');
    expect(html).not.toContain('Confusion matrix');
    await expect(model.report(folder, { file: '../out.html' })).rejects.toThrow(
      'report.file: expected the name of a file, without folders',
    );
    await expect(model.report('')).rejects.toThrow(ConfigError);
    await expect(model.report(folder, { exampels: 3 } as object)).rejects.toThrow("did you mean 'examples'?");
    await expect(model.report(folder, { data: classData(3) })).rejects.toThrow(
      'evaluate.loss: expected a loss',
    );
  });
});

describe.skipIf(chromium === undefined)('the report in a browser (needs chromium)', () => {
  it('says what it should, without an error on the console', async () => {
    const { dom, console } = await render(page);
    expect(console).toEqual([]);
    expect(dom).toContain('<title>levels &lt;i&gt;</title>');
    for (const name of [
      'Training',
      'Confusion matrix',
      'Worst examples',
      'Model',
      'Data',
      'Configuration',
      'Versions',
    ]) {
      expect(dom).toContain(`<h2>${name}</h2>`);
    }
    for (const words of [
      'up &amp; away',
      '&lt;script&gt;alert(1)&lt;/script&gt;',
      process.version.slice(1),
    ]) {
      expect(dom).toContain(words);
    }
    // Loss, accuracy and the rate.
    expect(dom.match(/<svg /g)).toHaveLength(3);
    // The head and four examples.
    expect(dom.split('Worst examples')[1]!.split('</section>')[0]!.match(/<tr>/g)).toHaveLength(5);
  });

  it('runs no script even where one stands in it', async () => {
    const broken = join(folder, 'broken.html');
    await writeFile(broken, text.replace('</main>', '<script>document.title = "ran"</script></main>'));
    const { dom, console } = await render(broken);
    expect(dom).toContain('<title>levels &lt;i&gt;</title>');
    expect(console.join()).toContain('Content Security Policy');
  });

  it('is light or dark as the reader prefers', async () => {
    const light = await photograph(page, { colors: 'light' });
    const dark = await photograph(page, { colors: 'dark' });
    for (const picture of [light, dark]) expect([picture.width, picture.height]).toEqual([1000, 1400]);
    // Page, ink of the headings, and the lines of training and validation.
    const shares = (picture: typeof light, colors: readonly string[]) => {
      const counts = picture.colors();
      return colors.map((color) => (counts.get(color) ?? 0) > 20);
    };
    expect(light.at(3, 3)).toBe('#f4f6f8');
    expect(dark.at(3, 3)).toBe('#010409');
    const all = [true, true, true, true];
    expect(shares(light, ['#ffffff', '#1f2328', '#0b62c4', '#c2410c'])).toEqual(all);
    expect(shares(dark, ['#0d1117', '#e6edf3', '#6cb0ff', '#ffa657'])).toEqual(all);
  });

  it('fits a phone of 360 pixels, and the words in its pictures can be read', async () => {
    const frame = join(folder, 'phone.html');
    const inner = text.replaceAll('&', '&amp;').replaceAll('"', '&quot;');
    const measure = `
      const page = document.querySelector('iframe').contentDocument;
      const widths = [...page.querySelectorAll('svg')].map((svg) => svg.getBoundingClientRect().width / svg.viewBox.baseVal.width);
      document.title = JSON.stringify({ width: page.documentElement.scrollWidth, scale: Math.min(...widths) });`;
    const iframe = `<iframe width="360" height="3000" style="border:0" srcdoc="${inner}"></iframe>`;
    await writeFile(frame, `<!doctype html>${iframe}<script>onload = () => {${measure}}</script>`);
    const { dom } = await render(frame);
    const measured = JSON.parse(/<title>(.*?)<\/title>/.exec(dom.split('<iframe')[0]!)![1]!) as {
      width: number;
      scale: number;
    };
    expect(measured.width).toBe(360);
    // Text is 12 units high.
    expect(12 * measured.scale).toBeGreaterThan(8);
  });
});
