import type { ReportFacts } from './facts.js';
import { html, Markup, type Content } from './markup.js';
import { configSection, curves, factTable, judgementSection, scoreCards, worstSection } from './sections.js';
import { pageStyle } from './style.js';

/** Nothing may run and nothing may be loaded, whatever stands in the page. */
const policy = "default-src 'none'; style-src 'unsafe-inline'";

/** A report as one HTML page that needs nothing else: no scripts, no network. */
export function reportHtml(facts: ReportFacts): string {
  const { title, subtitle, scores, judgement, model, modelNote, data, epochs, configs, versions } = facts;
  const page = html`<!doctype html>
    <html lang="en">
      <head>
        <meta charset="utf-8" />
        <meta name="viewport" content="width=device-width, initial-scale=1" />
        <meta http-equiv="Content-Security-Policy" content="${policy}" />
        <title>${title}</title>
        <style>
          ${new Markup(pageStyle)}
        </style>
      </head>
      <body>
        <main>
          <header>
            <h1>${title}</h1>
            <p class="soft">${subtitle}</p>
          </header>
          ${scoreCards(scores)} ${section('Training', curves(epochs))}
          ${section(judgement?.kind === 'values' ? 'Forecast' : 'Confusion matrix', judgementSection(facts))}
          ${section('Worst examples', worstSection(facts))}
          ${section(
            'Model',
            html`${factTable(model)}
              <p class="soft">${modelNote}</p>`,
          )}
          ${section('Data', data && factTable(data))} ${section('Configuration', configSection(configs))}
          ${section('Versions', factTable(versions))}
        </main>
      </body>
    </html> `;
  return page.text;
}

function section(name: string, content: Content): Content {
  return content === undefined
    ? undefined
    : html`<section>
        <h2>${name}</h2>
        ${content}
      </section>`;
}
