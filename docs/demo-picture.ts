// `npm run picture`: runs the demo and draws parts of what it printed as docs/demo.svg. Nothing of them is changed: lines are wrapped where a
// terminal would wrap them.
import { execFileSync } from 'node:child_process';
import { writeFileSync } from 'node:fs';

const COLUMNS = 104;
const FONT_SIZE = 13;
const LINE_HEIGHT = 18;
const CHARACTER_WIDTH = 7.8;
const MARGIN = 16;

/** How the parts begin that are drawn, each up to the next sentence in bold. */
const PARTS = ['Now for real', 'Every run leaves', 'And this is how'];

/** ANSI's style codes that the demo and the log use, as SVG attributes; the others end a style. */
const STYLES: Readonly<Record<string, string>> = {
  1: 'font-weight="bold" fill="#ffffff"',
  31: 'fill="#ff7b72"',
  32: 'fill="#7ee787"',
  33: 'fill="#e3b341"',
  36: 'fill="#56d4dd"',
  90: 'fill="#8b949e"',
};

const output = execFileSync(process.execPath, ['deploy/start/demo.mjs'], {
  encoding: 'utf8',
  env: { ...process.env, FORCE_COLOR: '1', COLUMNS: String(COLUMNS) },
});
// Each begins with an empty line.
const parts = output
  .trim()
  .split('\n\n')
  .map((part) => part.split('\n'));
const drawn = parts.filter((part) => PARTS.some((beginning) => plain(part[0] ?? '').startsWith(beginning)));
if (drawn.length !== PARTS.length) throw new Error('The demo says other sentences than the picture looks for');
writeFileSync('docs/demo.svg', draw(drawn.flatMap((part, index) => (index > 0 ? ['', ...part] : part))));

/** Each line of the output is one text element, with a tspan for each part that is styled or wrapped. */
function draw(lines: readonly string[]): string {
  const width = Math.ceil(COLUMNS * CHARACTER_WIDTH + 2 * MARGIN);
  let row = 0;
  const texts = lines.map((line) => {
    const parts = partsOf(line).map(({ column, style, text }) => {
      const x = MARGIN + (column % COLUMNS) * CHARACTER_WIDTH;
      const y = MARGIN + (row + Math.floor(column / COLUMNS) + 1) * LINE_HEIGHT - 5;
      return `<tspan x="${Number(x.toFixed(1))}" y="${y}"${style && ` ${style}`}>${toXml(text)}</tspan>`;
    });
    row += Math.max(1, Math.ceil(plain(line).length / COLUMNS));
    return parts.length === 0 ? '' : `<text>${parts.join('')}</text>\n`;
  });
  const height = row * LINE_HEIGHT + 2 * MARGIN;
  return `<svg xmlns="http://www.w3.org/2000/svg" width="${width}" height="${height}" viewBox="0 0 ${width} ${height}" role="img" aria-label="The output of npm run demo">
<style>text { white-space: pre; font: ${FONT_SIZE}px ui-monospace, SFMono-Regular, Menlo, Consolas, 'DejaVu Sans Mono', monospace; fill: #c9d1d9 }</style>
<rect width="100%" height="100%" rx="8" fill="#16181d"/>
${texts.join('')}</svg>
`;
}

interface Part {
  /** Of the part's first character, in the line before it is wrapped. */
  readonly column: number;
  readonly style: string;
  readonly text: string;
}

/** A line in parts that have one style and stand on one row. */
function partsOf(line: string): Part[] {
  const parts: Part[] = [];
  let style = '';
  let column = 0;
  // biome-ignore lint/suspicious/noControlCharactersInRegex: that is what a terminal's colours are
  for (const piece of line.split(/(\u001b\[[0-9;]*m)/)) {
    // biome-ignore lint/suspicious/noControlCharactersInRegex: see above
    const code = /^\u001b\[([0-9;]*)m$/.exec(piece)?.[1];
    if (code !== undefined) {
      style = STYLES[code] ?? '';
      continue;
    }
    for (let rest = piece; rest !== ''; ) {
      const text = rest.slice(0, COLUMNS - (column % COLUMNS));
      parts.push({ column, style, text });
      column += text.length;
      rest = rest.slice(text.length);
    }
  }
  return parts;
}

function plain(line: string): string {
  // biome-ignore lint/suspicious/noControlCharactersInRegex: see above
  return line.replaceAll(/\u001b\[[0-9;]*m/g, '');
}

function toXml(text: string): string {
  return text.replaceAll('&', '&amp;').replaceAll('<', '&lt;').replaceAll('>', '&gt;');
}
