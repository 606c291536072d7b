import type { ClassJudgement } from './judge.js';
import { html, percent, type Markup } from './markup.js';

/** More classes than this are no table that can be read: the largest mistakes are listed instead. */
const mostClasses = 40;
const mostMistakes = 20;

/** Counts of actual against predicted classes, with the share of each class that was found and that was right. */
export function confusionTable({ confusion }: ClassJudgement, labels: readonly string[]): Markup {
  const names = confusion.map((_, k) => labels[k] ?? String(k));
  return confusion.length > mostClasses ? mistakes(confusion, names) : matrix(confusion, names);
}

function matrix(confusion: ClassJudgement['confusion'], names: readonly string[]): Markup {
  const isTall = names.length > 8 || names.some((name) => name.length > 12);
  const head = names.map(
    (name) => html`<th scope="col"><span class="${isTall ? 'tall' : 'flat'}">${name}</span></th>`,
  );
  const rows = confusion.map((counts, actual) => {
    const all = sum(counts);
    const cells = counts.map((count) => cell(count, all));
    return html`<tr>
      <th scope="row">${names[actual]}</th>
      ${cells}
      <td>${shareText(counts[actual]!, all)}</td>
    </tr>`;
  });
  const precision = names.map((_, k) => {
    const predicted = sum(confusion.map((counts) => counts[k]!));
    return html`<td>${shareText(confusion[k]![k]!, predicted)}</td>`;
  });
  return html`<p class="soft">
      A row for each actual class, a column for each predicted one; the shade is the share of the row.
    </p>
    <div class="scroll">
      <table class="confusion">
        <thead>
          <tr>
            <th scope="col">actual</th>
            ${head}
            <th scope="col">recall</th>
          </tr>
        </thead>
        <tbody>
          ${rows}
          <tr>
            <th scope="row">precision</th>
            ${precision}
            <td></td>
          </tr>
        </tbody>
      </table>
    </div>`;
}

function cell(count: number, all: number): Markup {
  const share = all === 0 ? 0 : count / all;
  const kind = count === 0 ? 'cell zero' : share > 0.5 ? 'cell deep' : 'cell';
  return html`<td class="${kind}" style="--share:${Math.round(share * 90) / 100}">${count}</td>`;
}

function mistakes(confusion: ClassJudgement['confusion'], names: readonly string[]): Markup {
  const pairs = confusion.flatMap((counts, actual) =>
    counts.flatMap((count, predicted) =>
      count > 0 && actual !== predicted ? [{ actual, predicted, count }] : [],
    ),
  );
  pairs.sort((a, b) => b.count - a.count);
  const rows = pairs.slice(0, mostMistakes).map(
    ({ actual, predicted, count }) =>
      html`<tr>
        <td>${names[actual]}</td>
        <td>${names[predicted]}</td>
        <td class="right">${count}</td>
      </tr>`,
  );
  return html`<p class="soft">${names.length} classes; the most frequent mistakes:</p>
    <div class="scroll">
      <table class="full">
        <thead>
          <tr>
            <th scope="col">actual</th>
            <th scope="col">predicted</th>
            <th scope="col" class="right">rows</th>
          </tr>
        </thead>
        <tbody>
          ${rows}
        </tbody>
      </table>
    </div>`;
}

function shareText(part: number, all: number): string {
  return all === 0 ? '–' : percent(part / all);
}

function sum(values: readonly number[]): number {
  return values.reduce((a, b) => a + b, 0);
}
