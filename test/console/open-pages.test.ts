// Pages that somebody has open: what is done on them, what they hold while the database is away, how wide, on paper, and in many tabs.

import { type Browser, type BrowserContextOptions, chromium, type Page } from 'playwright-core';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { createDatabase } from '../support/database.ts';
import { findProgram } from '../support/install.ts';
import { startPostgres } from '../support/postgres-server.ts';
import { createTemplate } from '../support/template-database.ts';
import { recordRun, serveConsole } from './support.ts';

const CHROMIUM = findProgram('chromium', 'chromium-browser', 'google-chrome');

describe.skipIf(CHROMIUM === undefined)('in Chromium', () => {
  let browser: Browser;
  beforeAll(async () => {
    // Tests in containers run as root, where Chromium has no sandbox to offer.
    browser = await chromium.launch({ executablePath: CHROMIUM ?? '', args: ['--no-sandbox'] });
  });
  afterAll(() => browser.close());

  async function open(url: string, options: BrowserContextOptions = {}): Promise<{ page: Page } & AsyncDisposable> {
    const context = await browser.newContext(options);
    const page = await context.newPage();
    await page.goto(url);
    return { page, [Symbol.asyncDispose]: () => context.close() };
  }

  const isLive = (page: Page) => page.getByRole('status').getByText('live', { exact: true }).waitFor();

  /** Does something, and waits until the page has been fetched anew for it. */
  async function renewed(page: Page, change: () => Promise<unknown>): Promise<void> {
    await page.evaluate('document.querySelector("h1").dataset.old = ""');
    await change();
    await page.locator('h1:not([data-old])').waitFor({ timeout: 10_000 });
  }

  test('while the database is away, a page keeps what it shows and says since when it is stale', async () => {
    await using postgres = await startPostgres();
    await createTemplate(postgres.url);
    await using database = await createDatabase({ serverUrl: postgres.url });
    const id = await recordRun(database, { name: 'kept', result: { answer: 42 } });
    await using served = await serveConsole({ database });
    await using run = await open(`${served.url}/runs/${id}`);
    await using job = await open(`${served.url}/jobs/kept`);
    const pages = [run.page, job.page];
    for (const page of pages) await isLive(page);
    await postgres.stop('immediate');
    for (const page of pages) await page.getByText('What you see is as it was at').waitFor({ timeout: 20_000 });
    expect(await run.page.locator('main').innerText()).toContain('"answer": 42');
    expect(await job.page.getByRole('heading', { level: 1 }).innerText()).toBe('kept');
    await postgres.start();
    for (const page of pages) {
      await page.getByText('What you see is as it was at').waitFor({ state: 'detached', timeout: 20_000 });
    }
    expect(await run.page.locator('main').innerText()).toContain('"answer": 42');
  }, 60_000);

  test('a database that isn’t migrated yet is told as that, and shown as soon as it is', async () => {
    await using database = await createDatabase();
    await database.query('ALTER SCHEMA run_job RENAME TO later');
    await using served = await serveConsole({ database });
    await using window = await open(served.url);
    const main = window.page.locator('main');
    expect(await main.innerText()).toMatch(
      /The database can’t be read\s+There is no schema run_job in this database: run `run-job migrate`\.\s/,
    );
    await isLive(window.page);
    await database.query('ALTER SCHEMA later RENAME TO run_job');
    await window.page.getByText('There are no runs and no schedules yet').waitFor({ timeout: 20_000 });
  });

  test('what somebody has typed, scrolled to and is at stays when a page is fetched anew', async () => {
    await using database = await createDatabase();
    const id = await recordRun(database, {
      name: 'busy',
      result: Array.from({ length: 200 }, (_, line) => ({ line })),
    });
    await using served = await serveConsole({ database, args: ['--actions'] });
    await using job = await open(`${served.url}/jobs/busy`);
    await isLive(job.page);
    await job.page.getByLabel('Why').fill('the orders are being moved');
    await job.page.getByLabel('Why').blur();
    await renewed(job.page, () => recordRun(database, { name: 'busy' }));
    expect(await job.page.getByLabel('Why').inputValue()).toBe('the orders are being moved');

    // A form that is refused leads back to its page.
    await job.page.getByLabel('For how long').fill('soon');
    await job.page.getByRole('button', { name: 'Pause busy' }).click();
    await job.page.getByText('must be a duration such as 2h').waitFor();
    await job.page.getByRole('link', { name: 'Back' }).click();
    expect(await job.page.getByRole('heading', { level: 1 }).innerText()).toBe('busy');

    await using run = await open(`${served.url}/runs/${id}`);
    await isLive(run.page);
    await run.page.locator('pre').first().focus();
    await run.page.evaluate('document.querySelector("pre").scrollTop = 300');
    await renewed(run.page, () => recordRun(database, { name: 'busy' }));
    expect(
      await run.page.evaluate('[document.activeElement.localName, document.querySelector("pre").scrollTop]'),
    ).toEqual(['pre', 300]);
  });

  test('what somebody has marked stays marked, and the page is fetched anew once it isn’t', async () => {
    await using database = await createDatabase();
    const id = await recordRun(database, {
      name: 'read',
      status: 'failed',
      error: { name: 'Error', message: 'no room' },
    });
    await using served = await serveConsole({ database });
    await using window = await open(`${served.url}/runs/${id}`);
    const { page } = window;
    await isLive(page);
    const marked = () => page.evaluate('String(getSelection())');
    await page.evaluate('getSelection().selectAllChildren(document.querySelector(".error p"))');
    await page.evaluate('document.querySelector("h1").dataset.old = ""');
    const told = page.waitForEvent('console', { predicate: (message) => message.text() === 'told' });
    await page.evaluate(`new EventSource('/events').addEventListener('change', () => console.log('told'))`);
    await recordRun(database, { name: 'read' });
    await told;
    // Longer than a page takes that isn't kept back.
    await page.waitForTimeout(1_000);
    expect(await marked()).toBe('Error: no room');
    await page.evaluate('getSelection().removeAllRanges()');
    await page.locator('h1:not([data-old])').waitFor({ timeout: 10_000 });
  });

  test('of many tabs of one browser only those that are seen listen, and one that is seen again catches up', async () => {
    await using database = await createDatabase();
    await recordRun(database, { name: 'first' });
    await using served = await serveConsole({ database });
    await using context = await browser.newContext();
    // A browser without a window tells each tab that it is seen; ours say what those in a window would.
    await context.addInitScript(`let hidden = false;
      Object.defineProperty(document, 'hidden', { get: () => hidden });
      window.see = (seen) => { hidden = !seen; document.dispatchEvent(new Event('visibilitychange')); };`);
    const tabs: Page[] = [];
    for (let tab = 0; tab < 8; tab++) {
      const page = await context.newPage();
      await page.goto(served.url, { timeout: 10_000 });
      await isLive(page);
      await page.evaluate('see(false)');
      tabs.push(page);
    }
    await recordRun(database, { name: 'second' });
    const [page] = tabs as [Page];
    expect(await page.locator('tr', { hasText: 'second' }).count()).toBe(0);
    await page.evaluate('see(true)');
    await page.locator('tr', { hasText: 'second' }).first().waitFor({ timeout: 5_000 });
  }, 60_000);

  test.for([360, 1440])('the longest texts that may be recorded make no page wider than %i pixels', async (width) => {
    await using database = await createDatabase();
    const name = 'n'.repeat(200);
    const owner = 'o'.repeat(1_024);
    const id = await recordRun(database, {
      name,
      status: 'failed',
      error: { name: 'Error', message: 'm'.repeat(2_000) },
    });
    await database.query(
      `INSERT INTO run_job.schedules (name, job, cron, time_zone, source, late_after_ms, valid_from, settled_to, owner, tags)
       VALUES ($1, 'noop', '0 4 * * *', 'Etc/UTC', 'test', 1000, now(), now(), $2, $3)`,
      [name, owner, ['t'.repeat(1_024)]],
    );
    await using served = await serveConsole({ database });
    await using window = await open(served.url, { viewport: { width, height: 740 } });
    // Nothing else makes room for it.
    const strip = await window.page.locator('svg.strip').first().boundingBox();
    expect(strip?.width).toBe(240);
    await window.page.getByRole('link', { name: owner }).click();
    expect(await window.page.locator('table.jobs tbody tr').count()).toBe(1);
    for (const path of ['/', `/?owner=${owner}`, `/jobs/${name}`, `/runs/${id}`, '/now', '/night']) {
      await window.page.goto(served.url + path);
      const wider = await window.page.evaluate(
        'document.documentElement.scrollWidth - document.documentElement.clientWidth',
      );
      expect([path, wider]).toEqual([path, 0]);
    }
  });

  test('on paper, what is recorded is whole and nothing is there to be pressed', async () => {
    await using database = await createDatabase();
    const id = await recordRun(database, { result: Array.from({ length: 300 }, (_, line) => ({ line })) });
    await using served = await serveConsole({ database });
    await using window = await open(`${served.url}/runs/${id}`);
    await window.page.emulateMedia({ media: 'print' });
    const cut = 'document.querySelector("pre").scrollHeight - document.querySelector("pre").clientHeight';
    expect(await window.page.evaluate(cut)).toBe(0);
    expect(await window.page.locator('button:visible, nav:visible').count()).toBe(0);
  });
});
