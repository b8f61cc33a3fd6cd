// The console in a real Chromium: every page with scripts and without, live, on phones, in both colour schemes, and with hostile records.

import { readFileSync } from 'node:fs';
import { createRequire } from 'node:module';
import { type Browser, type BrowserContextOptions, chromium, type Page } from 'playwright-core';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { makeHistory } from '../../deploy/demo/history.ts';
import { jobLease, runOf, slotOf } from '../contracts/runs.ts';
import { type Adapter, adapterOf } from '../postgres/support.ts';
import { createDatabase } from '../support/database.ts';
import { findProgram } from '../support/install.ts';
import { runJob, runToEnd } from '../support/run-job.ts';
import { recordRun, type ServedConsole, serveConsole } from './support.ts';

const CHROMIUM = findProgram('chromium', 'chromium-browser', 'google-chrome');
const AXE = readFileSync(createRequire(import.meta.url).resolve('axe-core/axe.min.js'), 'utf8');

const TOKEN = 'Vt8-kk2_Qw91xxZp44';

/** A run that is under way, holds its lock and says how far it is, and one that waits for it. */
async function goOn({ locks, history }: Adapter): Promise<void> {
  const run = runOf(slotOf('database_cleanup', undefined, new Date()), { begunAt: new Date() });
  const lease = jobLease(
    await locks.acquire({ runId: run.id, name: 'database_cleanup', shard: run.slot.shard, limit: 10 }),
  );
  await history.start(run, undefined, lease);
  const now = new Date();
  const failed = { startedAt: now, endedAt: now, error: { name: 'Error', message: 'not yet' }, retryInMs: 20 };
  await history.tell(run, { attempts: [failed, { startedAt: now }], progress: { done: 450, total: 1_000 } });
  const until = new Date(now.getTime() + 600_000);
  await history.tell(runOf(run.slot), { waiting: { reason: 'locked', holder: run.id, since: now, until } });
}

describe.skipIf(CHROMIUM === undefined)('in Chromium', () => {
  let browser: Browser;
  let demo: ServedConsole;
  let acting: ServedConsole;
  let going: Adapter;
  let runId = '';

  beforeAll(async () => {
    // Tests in containers run as root, where Chromium has no sandbox to offer.
    browser = await chromium.launch({ executablePath: CHROMIUM ?? '', args: ['--no-sandbox'] });
    const database = await createDatabase();
    const client = await database.connect();
    await makeHistory(client);
    await client.end();
    going = adapterOf(database);
    await goOn(going);
    demo = await serveConsole({ database });
    acting = await serveConsole({ database, args: ['--actions'], env: { RUN_JOB_CONSOLE_TOKEN: TOKEN } });
    const { runs } = (await (await fetch(`${demo.url}/api/v1/jobs/ledger_close`)).json()) as { runs: { id: string }[] };
    runId = runs[0]?.id ?? '';
  });
  afterAll(async () => {
    await browser.close();
    await acting[Symbol.asyncDispose]();
    await demo[Symbol.asyncDispose]();
    await going[Symbol.asyncDispose]();
    await demo.database[Symbol.asyncDispose]();
  });

  const pages = () => [
    '/',
    '/?health=failing',
    '/jobs/ledger_close',
    '/jobs/card_expiry_mails',
    `/runs/${runId}`,
    '/now',
    '/night',
    '/jobs/nobody',
  ];

  /** Opens a page in a browser window of its own, and keeps what it complains of. */
  async function open(
    url: string,
    options: BrowserContextOptions = {},
  ): Promise<{ page: Page; complaints: string[] } & AsyncDisposable> {
    const context = await browser.newContext(options);
    const page = await context.newPage();
    const complaints: string[] = [];
    page.on('pageerror', (error) => complaints.push(error.message));
    page.on('console', (message) => {
      // A page that isn't there is told by the browser too.
      if (message.type() === 'error' && !message.text().includes('404')) complaints.push(message.text());
    });
    await page.goto(url);
    return { page, complaints, [Symbol.asyncDispose]: () => context.close() };
  }

  test.for([
    { colorScheme: 'light', viewport: { width: 1440, height: 900 } },
    { colorScheme: 'dark', viewport: { width: 360, height: 740 } },
  ] as const)('axe finds nothing serious, and nothing is wider than the window: %j', async (options) => {
    await using window = await open(demo.url, options);
    const [{ id: goingId } = { id: '' }] = await demo.database.query<{ id: string }>(
      `SELECT id FROM run_job.runs WHERE status = 'running'`,
    );
    const check = async (path: string) => {
      await window.page.goto(path);
      // By the debugger, since the page's own policy lets no such script in.
      await window.page.evaluate(AXE);
      const found =
        await window.page.evaluate(`axe.run({ runOnly: ['wcag2a', 'wcag2aa', 'wcag21aa'] }).then(({ violations }) =>
        violations.filter(({ impact }) => impact === 'serious' || impact === 'critical')
          .map(({ id, nodes }) => id + ': ' + nodes.slice(0, 3).map(({ html }) => html).join(' | ')))`);
      expect([path, found]).toEqual([path, []]);
      const wider = await window.page.evaluate(
        'document.documentElement.scrollWidth - document.documentElement.clientWidth',
      );
      expect([path, wider]).toEqual([path, 0]);
    };
    for (const path of pages()) await check(demo.url + path);
    await check(acting.url);
    await window.page.getByLabel('Token').fill(TOKEN);
    await window.page.getByRole('button', { name: 'Log in' }).click();
    await window.page.getByRole('heading', { name: 'Jobs' }).waitFor();
    // With a form to resume, to pause, and to cancel.
    for (const path of ['/jobs/search_reindex', '/jobs/ledger_close', `/runs/${goingId}`]) {
      await check(acting.url + path);
      expect(await window.page.locator('form.action').count(), path).toBe(1);
    }
    expect(window.complaints).toEqual([]);
  });

  test('nothing is wider than the window at any width, and thirty slots can be told apart', async () => {
    await using window = await open(demo.url);
    for (const path of ['/', '/now', '/night', '/jobs/ledger_close', `/runs/${runId}`]) {
      await window.page.goto(demo.url + path);
      for (const width of [320, 480, 640, 800, 899, 900, 1024, 1199, 1200, 1366, 1600]) {
        await window.page.setViewportSize({ width, height: 800 });
        const { wider, strip } = (await window.page.evaluate(`({
          wider: document.documentElement.scrollWidth - document.documentElement.clientWidth,
          strip: Math.min(...[...document.querySelectorAll('.strip')].map((strip) => strip.getBoundingClientRect().width)),
        })`)) as { wider: number; strip: number };
        expect([path, width, wider]).toEqual([path, width, 0]);
        expect(strip, `${path} at ${width}`).toBeGreaterThan(140);
      }
    }
  });

  test.for([true, false])('a person clicks from the list to a run, with scripts: %s', async (javaScriptEnabled) => {
    await using window = await open(demo.url, { javaScriptEnabled });
    const { page } = window;
    // A run that waits tells of it again and again: one that hasn't for long is held to be gone.
    await demo.database.query('UPDATE run_job.live SET told_at = clock_timestamp()');
    const first = page.locator('table.jobs tbody tr').first();
    expect(await first.innerText()).toMatch(/ledger_close[\s\S]*failing[\s\S]*3 in a row/);
    await page.getByLabel('Search').fill('settle');
    await page.getByRole('button', { name: 'Search' }).click();
    await page.waitForURL(/q=settle/);
    expect(await page.locator('table.jobs tbody tr').count()).toBe(1);
    await page.getByRole('link', { name: 'settlement_export' }).click();
    expect(await page.getByRole('heading', { level: 1 }).innerText()).toBe('settlement_export');
    expect(await page.locator('main').innerText()).toMatch(
      /every 30 minutes[\s\S]*"partner": "north"[\s\S]*timeout 5m/,
    );
    await page.locator('table.runs a').first().click();
    expect(await page.locator('main').innerText()).toMatch(/succeeded[\s\S]*its limit was 5m[\s\S]*run-job rerun/);
    for (const [name, words] of [
      ['Now', /1 run is under way[\s\S]*45 % done, 450 of 1000[\s\S]*Who waits for whom[\s\S]*its lock, which/],
      ['Last 24 h', /at most, at \d\d:\d\d UTC/],
    ] as const) {
      await page.getByRole('navigation', { name: 'Pages' }).getByRole('link', { name }).click();
      expect(await page.locator('main').innerText()).toMatch(words);
    }
    await page.goto(`${demo.url}/jobs/card_expiry_mails`);
    expect(await page.locator('main').innerText()).toMatch(
      /Missed slots[\s\S]*nobody knows why[\s\S]*run-job card_expiry_mails --scheduled-at=2/,
    );
    expect(window.complaints).toEqual([]);
  });

  test('times are the viewer’s own, and UTC on hover; the keyboard reaches the content', async () => {
    await using window = await open(`${demo.url}/jobs/ledger_close`, { timezoneId: 'Asia/Tokyo', locale: 'en-GB' });
    const time = window.page.locator('dl time').first();
    const [own, utc, at] = [
      await time.innerText(),
      await time.getAttribute('title'),
      await time.getAttribute('datetime'),
    ];
    expect(utc).toBe(`${at?.slice(0, 10)} ${at?.slice(11, 19)} UTC`);
    expect(own).toContain(
      new Date(at ?? '').toLocaleTimeString('en-GB', { timeZone: 'Asia/Tokyo', timeStyle: 'short' }),
    );
    await window.page.keyboard.press('Tab');
    expect(await window.page.evaluate('document.activeElement.textContent.trim()')).toBe('Skip to the content');
  });

  test('on paper nothing can be pressed, and all is dark on white, whatever the screen is', async () => {
    await using window = await open(acting.url, { colorScheme: 'dark', viewport: { width: 720, height: 900 } });
    const { page } = window;
    await page.getByLabel('Token').fill(TOKEN);
    await page.getByRole('button', { name: 'Log in' }).click();
    await page.goto(`${acting.url}/jobs/ledger_close`);
    const pressed = page.locator('form:visible, button:visible, h2:text-is("Pause"):visible');
    expect(await pressed.count()).toBeGreaterThan(0);
    await page.emulateMedia({ media: 'print', colorScheme: 'dark' });
    expect(await pressed.count()).toBe(0);
    expect(await page.evaluate('getComputedStyle(document.body).backgroundColor')).toBe('rgb(255, 255, 255)');
    // A sheet is no phone: what is drawn is as large there as it was made.
    const size = await page.evaluate(`getComputedStyle(document.querySelector('.chart .axis')).fontSize`);
    expect(size).toBe('11px');
  });

  test('less than 100 kB of script, and nothing from elsewhere', async () => {
    const asked: string[] = [];
    await using window = await open('about:blank');
    window.page.on('request', (sent) => asked.push(sent.url()));
    await window.page.goto(demo.url);
    expect(asked.filter((url) => !url.startsWith(demo.url))).toEqual([]);
    const script = asked.find((url) => url.endsWith('.js')) ?? '';
    expect((await (await fetch(script)).text()).length).toBeLessThan(100_000);
    expect(await window.page.locator('script:not([src]), [onclick], [style]').count()).toBe(0);
  });

  test('a run that starts, fails, is retried, is killed and is missed shows within two seconds, without a reload', async () => {
    await using database = await createDatabase();
    await using served = await serveConsole({ database });
    await using window = await open(served.url);
    const { page } = window;
    await page.evaluate('window.sameDocument = true');
    const shows = (text: RegExp) => page.locator('tr', { hasText: text }).first().waitFor({ timeout: 2_000 });
    await page.getByRole('status').getByText('live', { exact: true }).waitFor();

    expect((await runToEnd(['throws', '--as', 'falls', '--param', 'kind=error'], { database })).exitCode).toBe(1);
    await shows(/falls[\s\S]*failing[\s\S]*1 in a row/);
    expect((await runToEnd(['noop', '--as', 'falls', '--force'], { database })).exitCode).toBe(0);
    await shows(/falls[\s\S]*ok/);

    await using now = await open(`${served.url}/now`);
    await now.page.getByRole('status').getByText('live', { exact: true }).waitFor();
    await using retried = runJob(['flaky', '--as', 'rests', '--param', 'wait=a minute'], { database });
    await retried.waitForLine(({ msg }) => msg.startsWith('attempt 1 of 3 failed'));
    await now.page.getByText('attempt 1 failed, another follows').waitFor({ timeout: 2_000 });
    retried.kill('SIGTERM');
    await retried.done;
    await now.page.getByText('Nothing runs.').waitFor({ timeout: 2_000 });

    await using working = runJob(['hangs', '--as', 'works', '--param', 'way=returns', '--timeout', '1m'], { database });
    await page
      .locator('tr', { hasText: /works[\s\S]*running/ })
      .first()
      .waitFor({ timeout: 10_000 });
    working.kill('SIGKILL');
    await working.done;
    await shows(/works[\s\S]*failing/);

    await database.query(
      `INSERT INTO run_job.schedules (name, job, cron, time_zone, source, late_after_ms, starting_deadline_seconds, valid_from, settled_to)
       VALUES ('nobody_begins', 'noop', '* * * * *', 'Etc/UTC', 'test', 1000, 2, now() - interval '5 minutes', now() - interval '5 minutes')`,
    );
    await shows(/nobody_begins[\s\S]*overdue by/);
    expect(await page.evaluate('window.sameDocument')).toBe(true);
    expect(window.complaints).toEqual([]);
  });

  test('HTML in all that is recorded stays text', async () => {
    await using database = await createDatabase();
    const evil = `<img src=x onerror="window.hacked=1"><script>window.hacked=1</script>"'><svg onload=window.hacked=1>`;
    const id = await recordRun(database, {
      name: `evil ${evil}`,
      job: evil,
      status: 'failed',
      error: {
        name: evil,
        message: evil,
        code: evil,
        stack: `${evil}\n    at ${evil}`,
        causes: [{ name: evil, message: evil }],
      },
      params: { [evil]: evil },
      result: evil,
      output: [evil, '\u001b[31mred', '</pre><script>window.hacked=1</script>'],
      why: evil,
      reason: evil,
      host: evil,
      pod_name: evil,
      namespace: evil,
      node_name: evil,
      job_name: evil,
      cronjob_name: evil,
      trace_id: evil,
      version: evil,
      program: { exitCode: 1, command: evil, [evil]: evil },
      tries: [
        { startedAt: new Date(), endedAt: new Date(), error: { name: evil, message: evil }, retryInMs: 1 },
        { startedAt: new Date() },
      ],
    });
    const name = `evil ${evil}`;
    await database.query(
      `INSERT INTO run_job.checkpoints (name, scheduled_at, shard_index, shard_count, params_digest, fence, run_id, value, steps, saved_at)
       SELECT name, scheduled_at, 0, 1, params_digest, 1, id, to_json($2::text), json_build_array(json_build_object('name', $2::text, 'runId', $2::text)), now()
       FROM run_job.runs WHERE id = $1`,
      [id, evil],
    );
    await database.query(
      `INSERT INTO run_job.audit (who, action, name, run_id, why) VALUES ($1, 'cancel', $2, $3, $1)`,
      [evil, name, id],
    );
    await database.query(
      `INSERT INTO run_job.live (run_id, name, job, scheduled_at, shard_index, shard_count, place, told)
       SELECT gen_random_uuid(), $1, $2, now(), 0, 1, $2, waits
       FROM unnest(ARRAY[
         json_build_object('waiting', json_build_object('reason', 'after', 'after', $2::text, 'since', now(), 'until', now())),
         json_build_object('waiting', json_build_object('reason', 'locked', 'holder', $2::text, 'since', now(), 'until', now()))
       ]) AS waits`,
      [name, evil],
    );
    await database.query(
      `INSERT INTO run_job.schedules (name, job, cron, time_zone, source, late_after_ms, params, owner, runbook, tags, after, args, valid_from,
         settled_to, starting_deadline_seconds)
       VALUES ($1, $2, '* * * * *', 'Etc/UTC', $2, 1000, $3, $2, 'javascript:window.hacked=1', ARRAY[$2], $4, json_build_array($2::text),
         now() - interval '1 hour', now() - interval '1 hour', 1)`,
      [name, evil, JSON.stringify({ [evil]: evil }), JSON.stringify([{ name: evil, slot: 'latest' }])],
    );
    await database.query('INSERT INTO run_job.pauses (name, why, paused_by) VALUES ($1, $2, $2)', [name, evil]);
    await using served = await serveConsole({ database });
    // The policy would stop such a script too: without it, the escaping alone has to.
    await using window = await open(served.url, { bypassCSP: true });
    for (const path of [
      '/',
      `/?q=${encodeURIComponent(evil)}`,
      `/?owner=${encodeURIComponent(evil)}`,
      `/jobs/${encodeURIComponent(name)}`,
      `/runs/${id}`,
      '/now',
      '/night',
      `/jobs/${encodeURIComponent(evil)}`,
    ]) {
      await window.page.goto(served.url + path);
      await window.page.waitForLoadState('networkidle').catch(() => {});
      expect([path, await window.page.evaluate('window.hacked')]).toEqual([path, undefined]);
      expect([path, await window.page.locator('img, svg[onload], a[href^="javascript"]').count()]).toEqual([path, 0]);
    }
    // All of it was there to be shown.
    for (const [path, texts] of [
      [`/runs/${id}`, ['attempt 1: <img src=x', 'Checkpoint', 'caused by', '</pre><script>window.hacked=1</script>']],
      [`/jobs/${encodeURIComponent(name)}`, ['Comes after', 'Missed slots', 'What people did', 'cancel by <img src=x']],
      ['/now', ['the slot of <img src=x']],
    ] as const) {
      await window.page.goto(served.url + path);
      const shown = await window.page.locator('main').innerText();
      for (const text of texts) expect(shown, path).toContain(text);
    }
  }, 60_000);

  test('with --actions a person pauses, resumes and cancels, and it is written down; another site can’t', async () => {
    await using database = await createDatabase();
    await recordRun(database, { name: 'pausable' });
    await using served = await serveConsole({
      database,
      args: ['--actions', '--trust-proxy', '127.0.0.1', '--actors', 'ada@example.com'],
    });
    const headers = { 'x-forwarded-email': 'ada@example.com' };
    await using window = await open(`${served.url}/jobs/pausable`, { extraHTTPHeaders: headers });
    const { page } = window;
    await page.getByLabel('Why').fill('the orders are being moved');
    await page.getByLabel('For how long').fill('2h');
    await page.getByRole('button', { name: 'Pause pausable' }).click();
    await page.getByRole('button', { name: 'Resume pausable' }).waitFor();
    expect(await page.locator('main').innerText()).toContain('by ada@example.com');
    await page.getByRole('button', { name: 'Resume pausable' }).click();
    await page.getByRole('button', { name: 'Pause pausable' }).waitFor();

    await using working = runJob(['hangs', '--as', 'cancelled', '--param', 'way=returns', '--timeout', '1m'], {
      database,
    });
    const { runId: cancelled } = await working.waitForLine(({ msg }) => msg === 'hanging');
    await page.goto(`${served.url}/runs/${cancelled}`);
    await page.getByRole('button', { name: 'Cancel this run' }).click();
    expect((await working.done).exitCode).toBe(79);
    await page.getByText('cancelled', { exact: false }).first().waitFor();
    expect(await database.query('SELECT who, action, name, why FROM run_job.audit ORDER BY id')).toEqual([
      { who: 'ada@example.com', action: 'pause', name: 'pausable', why: 'the orders are being moved' },
      { who: 'ada@example.com', action: 'resume', name: 'pausable', why: null },
      { who: 'ada@example.com', action: 'cancel', name: 'cancelled', why: null },
    ]);

    const post = (extra: Record<string, string>, body = 'why=x') =>
      fetch(`${served.url}/jobs/pausable/pause`, {
        method: 'POST',
        redirect: 'manual',
        body,
        headers: { 'content-type': 'application/x-www-form-urlencoded', ...extra },
      });
    // Without the token of a form, from another site, by somebody who may not, and by nobody.
    expect((await post(headers)).status).toBe(403);
    const cookie = `run_job_form=${'a'.repeat(32)}`;
    const forged = `why=x&csrf=${'a'.repeat(32)}`;
    expect((await post({ ...headers, cookie, origin: 'https://evil.example.com' }, forged)).status).toBe(403);
    expect((await post({ ...headers, cookie, 'sec-fetch-site': 'cross-site' }, forged)).status).toBe(403);
    expect((await post({ cookie, 'x-forwarded-email': 'bob@example.com' }, forged)).status).toBe(403);
    expect((await post({ cookie }, forged)).status).toBe(403);
    expect(
      await (
        await fetch(`${served.url}/jobs/pausable`, { headers: { 'x-forwarded-email': 'bob@example.com' } })
      ).text(),
    ).not.toContain('<form class="action"');
    expect(await database.query('SELECT FROM run_job.audit')).toHaveLength(3);
  }, 60_000);
});
