import { expect, it } from 'vitest';
import { html, Markup, numberText, percent } from '../../../src/report/markup.js';

it('a template escapes texts, in elements and attributes, and leaves markup as it is', () => {
  const evil = `"><script>alert('&')</script>`;
  expect(html`<p title="${evil}">${evil}${new Markup('<br>')}${['<', 1]}${undefined}</p>`.text).toBe(
    '<p title="&quot;&gt;&lt;script&gt;alert(\'&amp;\')&lt;/script&gt;">' +
      "&quot;&gt;&lt;script&gt;alert('&amp;')&lt;/script&gt;<br>&lt;1</p>",
  );
});

it('numbers are as long as they need to be', () => {
  const numbers = [0, 12_345, 0.123456, 1e-7, 123456.789, 2.5e9, Number.NaN];
  expect(numbers.map(numberText)).toEqual([
    '0',
    '12,345',
    '0.1235',
    '1e-7',
    '123500',
    '2,500,000,000',
    'NaN',
  ]);
  expect([1, 0.8333, 0.99951, 0].map(percent)).toEqual(['100 %', '83.3 %', '99.95 %', '0 %']);
});
