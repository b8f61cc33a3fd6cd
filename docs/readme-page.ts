// `npm run picture:readme`: README as GitHub's front page of a repository shows it, as .cache/readme.png, and how many screens it takes.
import { mkdirSync, readFileSync, writeFileSync } from 'node:fs';
import { fileURLToPath, pathToFileURL } from 'node:url';
import { marked } from 'marked';
import { chromium } from 'playwright-core';
import { findProgram } from '../test/support/install.ts';

/** A window of 1440 x 1080, in which GitHub leaves so much room to the text. */
const COLUMN = 856;
const SCREEN = 1080;

/** The most screens that README may take. */
export const MOST_SCREENS = 5;

const ROOT = fileURLToPath(new URL('..', import.meta.url));

/** GitHub's measures, as far as they decide how tall the page is. */
const STYLE = `
body { width: ${COLUMN}px; margin: 0 auto; padding: 32px; font: 16px/1.5 -apple-system, "Segoe UI", "Noto Sans", Helvetica, Arial, sans-serif; color: #1f2328 }
h1, h2 { border-bottom: 1px solid #d1d9e0b3; padding-bottom: .3em; margin: 24px 0 16px; line-height: 1.25 } h1 { font-size: 2em } h2 { font-size: 1.5em }
p, ul, table, pre { margin: 0 0 16px } ul { padding-left: 2em } li + li { margin-top: .25em } a { color: #0969da } img { max-width: 100% }
code { font: 85% ui-monospace, SFMono-Regular, Menlo, Consolas, "DejaVu Sans Mono", monospace; background: #818b981f; border-radius: 6px; padding: .2em .4em }
pre { background: #f6f8fa; border-radius: 6px; padding: 16px; overflow: auto; line-height: 1.45 } pre code { background: none; padding: 0 }
table { border-collapse: collapse } th, td { border: 1px solid #d1d9e0; padding: 6px 13px } tr:nth-child(2n) { background: #f6f8fa }`;

/** How README looks. */
export interface Look {
  /** How many screens tall it is. */
  readonly screens: number;
  /** Pictures that didn't load. */
  readonly missing: readonly string[];
  /** What is wider than the column, and would be scrolled or cut. */
  readonly tooWide: readonly string[];
}

const MEASURE = `({
  height: document.documentElement.scrollHeight,
  missing: [...document.images].filter((image) => !image.complete || image.naturalWidth === 0).map((image) => image.getAttribute('src')),
  tooWide: [...document.querySelectorAll('pre, table, p, li')].filter((each) => each.scrollWidth > ${COLUMN}).map((each) => each.textContent.slice(0, 60)),
})`;

/** Renders README in Chromium, into a picture where one is asked for. */
export async function lookAtReadme(executablePath: string, picture?: string): Promise<Look> {
  const html = await marked.parse(readFileSync(`${ROOT}/README.md`, 'utf8'), { gfm: true });
  mkdirSync(`${ROOT}/.cache`, { recursive: true });
  const page = `${ROOT}/.cache/readme.html`;
  const base = pathToFileURL(`${ROOT}/`).href;
  writeFileSync(page, `<!doctype html><meta charset="utf-8"><base href="${base}"><style>${STYLE}</style>${html}`);
  const browser = await chromium.launch({ executablePath, args: ['--no-sandbox'] });
  try {
    const tab = await browser.newPage({ viewport: { width: 1440, height: SCREEN } });
    await tab.goto(pathToFileURL(page).href);
    const seen = await tab.evaluate<{ height: number; missing: string[]; tooWide: string[] }>(MEASURE);
    if (picture !== undefined) await tab.screenshot({ path: picture, fullPage: true });
    return { screens: seen.height / SCREEN, missing: seen.missing, tooWide: seen.tooWide };
  } finally {
    await browser.close();
  }
}

if (import.meta.main) {
  const executablePath = findProgram('chromium', 'chromium-browser', 'google-chrome');
  if (executablePath === undefined) throw new Error('Chromium is missing');
  const picture = `${ROOT}/.cache/readme.png`;
  const { screens, missing, tooWide } = await lookAtReadme(executablePath, picture);
  console.log(`${picture}: ${screens.toFixed(1)} screens of 1440 x ${SCREEN}, of at most ${MOST_SCREENS}`);
  for (const each of missing) console.log(`missing: ${each}`);
  for (const each of tooWide) console.log(`wider than the column: ${each}`);
}
