import { historySvg } from '../training/historySvg.js';
import type { EpochRecord } from '../training/history.js';
import { confusionTable } from './confusionTable.js';
import type { FactTable, ReportFacts } from './facts.js';
import { forecastSvg } from './forecastSvg.js';
import type { ClassExample, ValueExample, ValueJudgement } from './judge.js';
import { html, Markup, numberText, percent, type Content } from './markup.js';

/** A table of texts. */
export function factTable({ head, rows }: FactTable): Markup {
  const isNumber = head.map((_, column) => rows.some((row) => isNumeral(row[column])));
  const columns = head.map(
    (name, i) => html`<th scope="col" class="${isNumber[i] ? 'right' : 'text'}">${name}</th>`,
  );
  const lines = rows.map((row) => {
    const cells = row.map(
      (value, i) => html`<td class="${isNumber[i] ? 'right' : 'text'}">${cellText(value)}</td>`,
    );
    return html`<tr>
      ${cells}
    </tr>`;
  });
  return html`<div class="scroll">
    <table class="full">
      <thead>
        <tr>
          ${columns}
        </tr>
      </thead>
      <tbody>
        ${lines}
      </tbody>
    </table>
  </div>`;
}

function isNumeral(value: string | number | undefined): boolean {
  return typeof value === 'number' || (value !== undefined && /^[\d,]+$/.test(value));
}

function cellText(value: string | number | undefined): string {
  return typeof value === 'number' ? numberText(value) : (value ?? '–');
}

/** Loss and metrics as large numbers. */
export function scoreCards(scores: ReportFacts['scores']): Markup | undefined {
  const cards = Object.entries(scores).map(
    ([name, value]) =>
      html`<div>
        <dt>${name}</dt>
        <dd>${numberText(value)}</dd>
      </div>`,
  );
  return cards.length === 0 ? undefined : html`<dl class="scores">${cards}</dl>`;
}

/** A picture for each value of the epochs. */
export function curves(epochs: readonly EpochRecord[]): Markup | undefined {
  if (epochs.length === 0) return undefined;
  const names = [...new Set(epochs.flatMap((record) => Object.keys(record)))];
  const isValidation = (name: string) =>
    names.some((other) => name === `val${other[0]!.toUpperCase()}${other.slice(1)}`);
  const left = new Set(['epoch', 'seconds']);
  const shown = names.filter((name) => !left.has(name) && !isValidation(name) && isNumeric(epochs, name));
  // The rate comes last.
  shown.sort((a, b) => Number(a === 'learningRate') - Number(b === 'learningRate'));
  const pictures = shown.map((name) => {
    const other = `val${name[0]!.toUpperCase()}${name.slice(1)}`;
    const own = epochs.map((record) => pick(record, ['epoch', name, other]));
    return new Markup(historySvg(own as unknown as EpochRecord[], { width: 440, panelHeight: 150 }));
  });
  return html`<div class="pictures">${pictures}</div>`;
}

function isNumeric(epochs: readonly EpochRecord[], name: string): boolean {
  return epochs.some((record) => Number.isFinite((record as unknown as Record<string, unknown>)[name]));
}

function pick(record: EpochRecord, names: readonly string[]): object {
  return Object.fromEntries(Object.entries(record).filter(([name]) => names.includes(name)));
}

/** Right and wrong of classes, or numbers beside what they should be. */
export function judgementSection({ judgement, labels }: ReportFacts): Markup | undefined {
  if (judgement === undefined) return undefined;
  return judgement.kind === 'classes' ? confusionTable(judgement, labels) : forecasts(judgement);
}

/** More numbers than this beside each other are no line that can be followed. */
const mostPoints = 240;

function forecasts(judgement: ValueJudgement): Markup {
  const { interval } = judgement;
  const note =
    interval &&
    html`<p class="soft">
      The interval is meant to hold ${percent(interval.level)} of the targets and holds
      ${percent(interval.covered)}.
    </p>`;
  return html`${note}${judgement.isScalar ? rowsPicture(judgement.rows) : examplePictures(judgement)}`;
}

function rowsPicture(rows: readonly ValueExample[]): Markup {
  const last = rows.slice(-mostPoints);
  const joined = (name: 'target' | 'prediction' | 'low' | 'high') =>
    last.map((row) => row[name]?.[0] ?? Number.NaN);
  const hasInterval = last[0]?.low !== undefined;
  const title = last.length < rows.length ? `the last ${last.length} of ${rows.length} rows` : 'all rows';
  const svg = forecastSvg({
    title,
    label: 'row',
    from: last[0]!.row,
    width: 940,
    height: 320,
    target: joined('target'),
    prediction: joined('prediction'),
    ...(hasInterval && { low: joined('low'), high: joined('high') }),
  });
  return html`<div class="scroll"><div class="wide">${new Markup(svg)}</div></div>`;
}

function examplePictures({ rows, perStep }: ValueJudgement): Markup {
  const ranked = rows.toSorted((a, b) => a.loss - b.loss);
  const middle = ranked[Math.floor((ranked.length - 1) / 2)]!;
  const chosen = new Map([
    ['median', middle],
    ['best', ranked[0]!],
    ['worst', ranked.at(-1)!],
  ]);
  const pictures = [...chosen].map(([name, row]) => {
    const cut = <T>(values: readonly T[] | undefined) => values?.slice(0, mostPoints);
    const title = `row ${row.row}, the ${name}: error ${numberText(row.loss)}`;
    const svg = forecastSvg({
      title,
      label: perStep ? 'step' : 'output',
      from: 0,
      width: 440,
      height: 240,
      target: cut(row.target)!,
      prediction: cut(row.prediction)!,
      low: cut(row.low),
      high: cut(row.high),
    });
    return new Markup(svg);
  });
  return html`<div class="pictures">${pictures}</div>`;
}

/** The rows that the model is worst at. */
export function worstSection(facts: ReportFacts): Markup | undefined {
  const { judgement, examples } = facts;
  if (judgement === undefined || examples === 0) return undefined;
  if (judgement.kind === 'classes') return classExamples(facts, judgement.examples.slice(0, examples));
  const worst = judgement.rows.toSorted((a, b) => b.loss - a.loss).slice(0, examples);
  return valueExamples(facts, worst, judgement);
}

function classExamples({ labels, describe }: ReportFacts, examples: readonly ClassExample[]): Markup {
  const name = (id: number) => labels[id] ?? String(id);
  const hasSteps = examples[0]?.steps !== undefined;
  return factTable({
    head: [
      'row',
      'example',
      'actual',
      'predicted',
      'probability',
      ...(hasSteps ? ['wrong steps'] : []),
      'loss',
    ],
    rows: examples.map(({ row, actual, predicted, probability, wrong, steps, loss }) => [
      row,
      describe(row),
      name(actual),
      name(predicted),
      probability,
      ...(hasSteps ? [`${wrong} of ${steps}`] : []),
      loss,
    ]),
  });
}

function valueExamples(
  { describe }: ReportFacts,
  examples: readonly ValueExample[],
  { perStep, isScalar }: ValueJudgement,
): Markup {
  const few = (values: readonly number[]) =>
    values.slice(0, 4).map(numberText).join(', ') + (values.length > 4 ? ', …' : '');
  const unit = perStep ? ' (first steps)' : isScalar ? '' : 's';
  return factTable({
    head: ['row', 'example', `target${unit}`, `prediction${unit}`, 'mean |error|'],
    rows: examples.map(({ row, target, prediction, loss }) => [
      row,
      describe(row),
      isScalar ? target[0] : few(target),
      isScalar ? prediction[0] : few(prediction),
      loss,
    ]),
  });
}

/** JSON that can be unfolded. */
export function configSection(configs: ReportFacts['configs']): Content {
  return Object.entries(configs).map(
    ([name, value]) =>
      html`<details>
        <summary>${name}</summary>
        <pre>${JSON.stringify(value, null, 2) ?? ''}</pre>
      </details>`,
  );
}
