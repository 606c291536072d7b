import { schemed, type Palette } from '../training/svg.js';

/** The page's own look: one column, cards, tables that scroll within themselves where the screen is narrow. */
export const pageStyle = `
:root{color-scheme:light dark}
${schemed('auto', variables)}
*{box-sizing:border-box}
body{margin:0;background:var(--page);color:var(--ink);font:16px/1.5 system-ui,-apple-system,"Segoe UI",sans-serif}
main{max-width:1000px;margin:0 auto;padding:24px 16px 64px}
h1{font-size:1.75rem;line-height:1.2;margin:0 0 4px;overflow-wrap:anywhere}
h2{font-size:1.15rem;margin:0 0 12px}
p{margin:0 0 12px}
.soft{color:var(--soft)}
section{background:var(--ground);border:1px solid var(--grid);border-radius:10px;padding:18px 18px 14px;margin:16px 0}
.scores{display:grid;grid-template-columns:repeat(auto-fit,minmax(140px,1fr));gap:12px;margin:20px 0;padding:0}
.scores div{background:var(--ground);border:1px solid var(--grid);border-radius:10px;padding:12px 16px}
.scores dt{color:var(--soft);font-size:.875rem}
.scores dd{margin:0;font-size:1.6rem;font-weight:600;font-variant-numeric:tabular-nums}
.pictures{display:grid;grid-template-columns:repeat(auto-fit,minmax(min(100%,380px),1fr));gap:8px}
.pictures svg,.wide svg{display:block;width:100%;height:auto}
.scroll{overflow-x:auto}
table{border-collapse:collapse;font-size:.9rem;font-variant-numeric:tabular-nums}
.full{width:100%}
th,td{padding:5px 10px;text-align:left;vertical-align:top;border-bottom:1px solid var(--grid)}
thead th{color:var(--soft);font-weight:600;white-space:nowrap}
tbody tr:last-child>*{border-bottom:0}
.scroll+p{margin-top:10px}
.wide{min-width:760px}
.right{text-align:right;white-space:nowrap}
.text{overflow-wrap:anywhere;min-width:8em}
.confusion td,.confusion th{border:1px solid var(--ground);text-align:right;padding:6px 9px;white-space:nowrap}
.confusion thead th{vertical-align:bottom}
.confusion .tall{display:inline-block;writing-mode:vertical-rl;transform:rotate(180deg);text-align:left;padding:9px 6px}
.confusion tbody th{font-weight:400;white-space:nowrap}
.confusion .cell{background:rgb(var(--heat)/var(--share));min-width:2.6em}
.confusion .deep{color:var(--on-heat)}
.confusion .zero{color:var(--faint)}
details{margin:0 0 8px}
summary{cursor:pointer;font-weight:600}
pre{overflow-x:auto;font:13px/1.45 ui-monospace,SFMono-Regular,Consolas,monospace;margin:8px 0;padding:12px;background:var(--page);border-radius:8px}
@media (max-width:520px){main{padding:16px 10px 40px}section{padding:14px 12px 10px}.scores dd{font-size:1.3rem}}
@media print{section,.scores div{break-inside:avoid}}
`;

function variables({ ground, ink, soft, grid }: Palette): string {
  const isLight = ground === '#ffffff';
  const heat = isLight ? '11 98 196' : '108 176 255';
  const rest = isLight
    ? '--page:#f4f6f8;--on-heat:#ffffff;--faint:#7a838c'
    : '--page:#010409;--on-heat:#0d1117;--faint:#7d8792';
  return `:root{--ground:${ground};--ink:${ink};--soft:${soft};--grid:${grid};--heat:${heat};${rest}}`;
}
