// The picture of the demo in README, as a browser shows it: as much a grid of characters as the terminal that it was taken from.
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { chromium } from 'playwright-core';
import { expect, test } from 'vitest';
import { findProgram } from '../support/install.ts';
import { ROOT } from './snippets.ts';

const PICTURE = join(ROOT, 'docs/demo.svg');
/** A part of a line that stands in one row and style, as it is drawn. */
interface Part {
  readonly text: string;
  /** How many characters are there to be seen: whitespace that is collapsed isn't. */
  readonly count: number;
  readonly from: number;
  readonly lastAt: number;
}

/** Runs in the page. */
const MEASURE = `[...document.querySelectorAll('tspan')].map((part) => {
  const count = part.getNumberOfChars();
  const lastAt = count > 0 ? part.getStartPositionOfChar(count - 1).x : NaN;
  return { text: part.textContent, count, from: Number(part.getAttribute('x')), lastAt };
})`;

const browserPath = findProgram('chromium', 'chromium-browser', 'google-chrome');

test.skipIf(browserPath === undefined)('each character of docs/demo.svg stands in its column', async () => {
  const browser = await chromium.launch({ executablePath: browserPath as string, args: ['--no-sandbox'] });
  try {
    const page = await browser.newPage();
    await page.goto(`file://${PICTURE}`);
    const parts = await page.evaluate<Part[]>(MEASURE);
    expect(parts.length).toBeGreaterThan(40);
    for (const { text, count, from, lastAt } of parts) {
      expect(count, text).toBe(text.length);
      const width = (lastAt - from) / Math.max(1, count - 1);
      if (count > 1) expect(width, text).toBeCloseTo(7.8, 0);
    }
    const inColumns = parts.map(({ text }) => text).filter((text) => /\S {2,}\S/.test(text));
    expect(inColumns.length, 'the tables of history and status').toBeGreaterThan(6);
  } finally {
    await browser.close();
  }
});

test('the picture has links to nothing, and no script', () => {
  expect(readFileSync(PICTURE, 'utf8')).not.toMatch(/href|<script|url\(/);
});
