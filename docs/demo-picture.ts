// `npm run picture`: runs the demo and draws what it printed as docs/demo.svg. Results are folded, long lines are cut; nothing else is changed.
import { execFileSync } from 'node:child_process';
import { writeFileSync } from 'node:fs';

const COLUMNS = 104;
const FONT_SIZE = 13;
const LINE_HEIGHT = 18;
const CHARACTER_WIDTH = 7.8;
const MARGIN = 16;

/** ANSI's style codes that the demo and the log use, as SVG attributes. */
const STYLES: Readonly<Record<string, string>> = {
  1: 'font-weight="bold" fill="#ffffff"',
  36: 'fill="#56d4dd"',
};

const output = execFileSync(process.execPath, ['deploy/demo/start.mjs'], {
  encoding: 'utf8',
  env: { ...process.env, FORCE_COLOR: '1', COLUMNS: String(COLUMNS) },
});
writeFileSync('docs/demo.svg', draw(fold(output.trim().split('\n'))));

/** A result of many lines becomes one, and empty lines around a warning go. */
function fold(lines: readonly string[]): string[] {
  const folded: string[] = [];
  let inResult = false;
  for (const [index, line] of lines.entries()) {
    if (line === '{') {
      inResult = true;
      folded.push('{ … }');
    }
    const aroundWarning = line === '' && [lines[index - 1], lines[index + 1]].some((near) => near?.startsWith(' WARN'));
    if (!inResult && !aroundWarning) folded.push(line);
    if (line === '}') inResult = false;
  }
  return folded;
}

function draw(lines: readonly string[]): string {
  const width = Math.ceil(COLUMNS * CHARACTER_WIDTH + 2 * MARGIN);
  const height = lines.length * LINE_HEIGHT + 2 * MARGIN;
  const texts = lines.map((line, index) => {
    const y = MARGIN + (index + 1) * LINE_HEIGHT - 5;
    return `<text x="${MARGIN}" y="${y}">${spans(line)}</text>`;
  });
  return `<svg xmlns="http://www.w3.org/2000/svg" width="${width}" height="${height}" viewBox="0 0 ${width} ${height}" role="img" aria-label="The output of npm run demo">
<rect width="100%" height="100%" rx="8" fill="#16181d"/>
<g font-family="ui-monospace, SFMono-Regular, Menlo, Consolas, 'DejaVu Sans Mono', monospace" font-size="${FONT_SIZE}" fill="#c9d1d9" xml:space="preserve">
${texts.join('\n')}
</g>
</svg>
`;
}

/** A line with its styles, cut to the picture's width. */
function spans(line: string): string {
  let room = COLUMNS;
  let style: string | undefined;
  let drawn = '';
  // biome-ignore lint/suspicious/noControlCharactersInRegex: that is what a terminal's colours are
  for (const part of line.split(/(\u001b\[[0-9;]*m)/)) {
    // biome-ignore lint/suspicious/noControlCharactersInRegex: see above
    const code = /^\u001b\[([0-9;]*)m$/.exec(part)?.[1];
    if (code !== undefined) {
      style = STYLES[code];
      continue;
    }
    if (part === '' || room <= 0) continue;
    const text = part.length > room ? `${part.slice(0, room - 1)}…` : part;
    room -= part.length;
    drawn += `<tspan${style ? ` ${style}` : tint(text)}>${toXml(text)}</tspan>`;
  }
  return drawn;
}

/** The log isn't coloured off a terminal; its signs are, as they would be on one. */
function tint(text: string): string {
  if (text.startsWith(' WARN')) return ' fill="#e3b341"';
  return text.startsWith('ℹ run succeeded') ? ' fill="#7ee787"' : '';
}

function toXml(text: string): string {
  return text.replaceAll('&', '&amp;').replaceAll('<', '&lt;').replaceAll('>', '&gt;');
}
