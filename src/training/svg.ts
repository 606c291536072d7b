/** Whether a picture is light, dark, or as the viewer prefers. */
export type ColorScheme = 'auto' | 'light' | 'dark';

/** Colours by what they are for; contrast with the ground is at least 4.5 for text, 3 for lines. */
export const light = {
  ground: '#ffffff',
  ink: '#1f2328',
  soft: '#59636e',
  grid: '#d9dee3',
  training: '#0b62c4',
  validation: '#c2410c',
  rate: '#5b6b2f',
};
export const dark: Palette = {
  ground: '#0d1117',
  ink: '#e6edf3',
  soft: '#9aa4af',
  grid: '#2b323a',
  training: '#6cb0ff',
  validation: '#ffa657',
  rate: '#b5c76b',
};
export type Palette = typeof light;

/** The rules of a palette for a scheme; with `auto` the dark ones where the viewer prefers them. */
export function schemed(colors: ColorScheme, rules: (palette: Palette) => string): string {
  const chosen = rules(colors === 'dark' ? dark : light);
  return chosen + (colors === 'auto' ? `@media (prefers-color-scheme:dark){${rules(dark)}}` : '');
}

/** Rules for text, grid and axes that all pictures share. */
export const baseStyle =
  'text{font:12px system-ui,sans-serif}.title{font-size:15px;font-weight:600}.name{font-weight:600}' +
  '.line{fill:none;stroke-width:2;stroke-linejoin:round}.grid,.axis{stroke-width:1}';

/** Their colours. */
export function baseColors(colors: Palette): string {
  return (
    `.ground{fill:${colors.ground}}.title,.name{fill:${colors.ink}}.label{fill:${colors.soft}}` +
    `.grid{stroke:${colors.grid}}.axis{stroke:${colors.soft}}`
  );
}

/** Text at a place. */
export function text(name: string, x: number, y: number, anchor: string, content: string): string {
  return `<text class="${name}" x="${px(x)}" y="${px(y)}" text-anchor="${anchor}">${escaped(content)}</text>`;
}

/** A length in hundredths of a pixel. */
export function px(value: number): string {
  return String(Math.round(value * 100) / 100);
}

/** Text for XML and HTML, in elements and in attributes; what XML 1.0 has no place for is left out. */
export function escaped(content: string): string {
  const entities: Record<string, string> = { '&': '&amp;', '<': '&lt;', '>': '&gt;', '"': '&quot;' };
  // oxlint-disable-next-line no-control-regex
  const legal = content.replaceAll(/[\u0000-\u0008\u000b\u000c\u000e-\u001f\ufffe\uffff]/g, '');
  return legal.replaceAll(/[&<>"]/g, (character) => entities[character]!);
}
