// The API answers what its schemas say, `/metrics` what Prometheus can read, and counters never go back.

import { execFileSync } from 'node:child_process';
import { fileURLToPath } from 'node:url';
import * as v from 'valibot';
import { expect, test } from 'vitest';
import { makeHistory } from '../../deploy/demo/history.ts';
import { JobDetail, Jobs, Night, Now, RunDetail } from '../../src/console/api/schemas.ts';
import { createDatabase } from '../support/database.ts';
import { findProgram } from '../support/install.ts';
import { runToEnd } from '../support/run-job.ts';
import { ask, recordRun, serveConsole, whenShown } from './support.ts';

const PROMTOOL = findProgram('promtool');

test('each run of a slot shows what the slot keeps, once something is saved', async () => {
  await using database = await createDatabase();
  const keeps = (env: Record<string, string>, scheduledAt: string) =>
    runToEnd(['keeps', '--scheduled-at', scheduledAt], {
      database,
      env: { RUN_JOB_DIRS: fileURLToPath(new URL('../checkpoints/jobs', import.meta.url)), ENDS: 'throws', ...env },
    });
  const first = await keeps({ SAVES: '1' }, '2026-11-23T02:00:00Z');
  const second = await keeps({ SAVES: '2' }, '2026-11-23T02:00:00Z');
  const savedNothing = await keeps({}, '2026-11-24T02:00:00Z');
  await using served = await serveConsole({ database });
  const detail = async ({ summary }: typeof first) =>
    v.parse(RunDetail, JSON.parse((await ask(served.url, `/api/v1/runs/${summary.runId}`)).text)).checkpoint;
  const saved = { value: { done: 2 }, steps: [], saves: 2 };
  expect(await detail(first)).toMatchObject(saved);
  expect(await detail(second)).toMatchObject(saved);
  expect(await detail(savedNothing)).toBeUndefined();
});

test('the page of a slot that nobody began says so, leads to what to do, and offers no run to be run again', async () => {
  await using database = await createDatabase();
  await database.query(
    `INSERT INTO run_job.schedules (name, job, cron, time_zone, source, late_after_ms, starting_deadline_seconds, runbook, valid_from, settled_to)
     VALUES ('noop', 'noop', '0 * * * *', 'Etc/UTC', 'test', 1000, 60, 'https://runbooks.example.com/noop', now() - interval '2 hours', now() - interval '2 hours')`,
  );
  await runToEnd(['status'], { database });
  const [missed] = await database.query<{ id: string; scheduled_at: Date }>(
    `SELECT id, scheduled_at FROM run_job.runs WHERE status = 'missed' ORDER BY scheduled_at DESC LIMIT 1`,
  );
  const slot = missed?.scheduled_at.toISOString().replace('.000', '');
  await using served = await serveConsole({ database });
  const { text } = await ask(served.url, `/runs/${missed?.id}`);
  expect(text).toContain('Nobody began a run of this slot');
  expect(text).toContain(`<code>run-job backfill noop --from ${slot} --to ${slot}</code>`);
  expect(text).toContain('href="https://runbooks.example.com/noop"');
  expect(text).not.toMatch(/run-job rerun|Life|Attempts|Host|Started/);
});

test('every answer fits its schema, and the description names them all', async () => {
  await using database = await createDatabase();
  const client = await database.connect();
  await makeHistory(client);
  await client.end();
  await using served = await serveConsole({ database });
  const get = async (path: string) => JSON.parse((await ask(served.url, path)).text);
  const jobs = v.parse(Jobs, await get('/api/v1/jobs'));
  expect(jobs.jobs.map(({ name, health }) => `${name} ${health}`).slice(0, 2)).toEqual([
    'ledger_close failing',
    'card_expiry_mails overdue',
  ]);
  expect(jobs.counts).toMatchObject({ failing: 1, paused: 1, suspended: 1 });
  for (const { name } of jobs.jobs) v.parse(JobDetail, await get(`/api/v1/jobs/${name}`));
  const { runs } = v.parse(JobDetail, await get('/api/v1/jobs/ledger_close'));
  const run = v.parse(RunDetail, await get(`/api/v1/runs/${runs[0]?.id}`));
  expect(run).toMatchObject({ status: 'failed', attempts: 3, exitCode: 1 });
  v.parse(Now, await get('/api/v1/now'));
  const night = v.parse(Night, await get('/api/v1/night'));
  expect(Math.max(...night.crowd)).toBeGreaterThan(2);
  expect(v.parse(Jobs, await get('/api/v1/jobs?owner=payments&health=failing')).jobs.map(({ name }) => name)).toEqual([
    'ledger_close',
  ]);
  expect(v.parse(Jobs, await get('/api/v1/jobs?namespace=risk')).total).toBe(1);

  const description = await get('/api/v1/openapi.json');
  const text = JSON.stringify(description);
  for (const [, name] of text.matchAll(/#\/components\/schemas\/(\w+)/g)) {
    expect(description.components.schemas).toHaveProperty(name ?? '');
  }
  expect(Object.keys(description.paths)).toEqual([
    '/api/v1/jobs',
    '/api/v1/jobs/{name}',
    '/api/v1/runs/{id}',
    '/api/v1/now',
    '/api/v1/night',
  ]);
});

/** The series of a metric, by their labels. */
function series(text: string, metric: string): Record<string, number> {
  return Object.fromEntries(
    [...text.matchAll(new RegExp(`^${metric}(\\S*) (\\S+)$`, 'gm'))].map(([, labels = '', value]) => [
      labels,
      Number(value),
    ]),
  );
}

test('metrics tell how names stand, and a counter goes on when its records are pruned', async () => {
  await using database = await createDatabase();
  await using served = await serveConsole({ database });
  const scrape = async () => (await ask(served.url, '/metrics')).text;
  expect((await runToEnd(['noop', '--as', 'counted'], { database })).exitCode).toBe(0);
  expect((await runToEnd(['throws', '--as', 'counted', '--param', 'kind=error'], { database })).exitCode).toBe(1);
  expect((await runToEnd(['noop', '--as', 'counted', '--dry-run'], { database })).exitCode).toBe(0);
  const name = 'name="counted",namespace=""';
  const counted = { [`{${name},status="succeeded"}`]: 1, [`{${name},status="failed"}`]: 1 };
  const text = await whenShown(
    served.url,
    scrape,
    (found) => Object.keys(series(found, 'run_job_runs_total')).length === 2,
  );
  expect(series(text, 'run_job_runs_total')).toEqual(counted);
  expect(series(text, 'run_job_consecutive_failures')).toEqual({ [`{${name}}`]: 1 });
  expect(series(text, 'run_job_last_status')).toEqual({ [`{${name},status="failed"}`]: 1 });
  expect(series(text, 'run_job_running')).toEqual({ [`{${name}}`]: 0 });
  expect(series(text, 'run_job_places')).toEqual({ '{state="taken"}': 0, '{state="free"}': 10 });
  const age = Date.now() / 1_000 - (series(text, 'run_job_last_success_timestamp_seconds')[`{${name}}`] ?? 0);
  expect(age).toBeGreaterThan(0);
  expect(age).toBeLessThan(100);
  await database.query('DELETE FROM run_job.runs');
  await recordRun(database, { name: 'counted' });
  const after = await whenShown(
    served.url,
    scrape,
    (found) => series(found, 'run_job_runs_total')[`{${name},status="succeeded"}`] === 2,
  );
  expect(series(after, 'run_job_runs_total')).toEqual({ ...counted, [`{${name},status="succeeded"}`]: 2 });
});

test('what promtool reads is what is told, whatever names are like', async () => {
  await using database = await createDatabase();
  const name = 'odd "name" \\ with {braces},\nand a line';
  await recordRun(database, { name, namespace: 'näme"space' });
  await database.query(
    `INSERT INTO run_job.schedules (name, job, cron, time_zone, source, late_after_ms, valid_from, settled_to)
     VALUES ($1, 'noop', '0 4 * * *', 'Etc/UTC', 'test', 1000, now(), now())`,
    [name],
  );
  await using served = await serveConsole({ database });
  const { text, headers } = await ask(served.url, '/metrics');
  expect(headers['content-type']).toBe('text/plain; version=0.0.4; charset=utf-8');
  expect(text).toContain('{name="odd \\"name\\" \\\\ with {braces},\\nand a line",namespace="');
  if (PROMTOOL === undefined) return;
  expect(execFileSync(PROMTOOL, ['check', 'metrics'], { input: text, encoding: 'utf8' })).toBe('');
});

test('a role that may write records needs no right on the counters', async () => {
  await using database = await createDatabase();
  const role = `writer_${database.name}`;
  await database.query(`CREATE ROLE ${role} LOGIN PASSWORD 'writes'`);
  await database.query(`GRANT USAGE ON SCHEMA run_job TO ${role}; GRANT SELECT, INSERT, UPDATE, DELETE ON ALL TABLES IN SCHEMA run_job TO ${role};
    REVOKE ALL ON run_job.totals, run_job.audit FROM ${role}`);
  const url = Object.assign(new URL(database.url), { username: role, password: 'writes' }).href;
  expect((await runToEnd(['noop'], { database: { url } })).exitCode).toBe(0);
  expect(await database.query('SELECT name, status, runs::int FROM run_job.totals')).toEqual([
    { name: 'noop', status: 'succeeded', runs: 1 },
  ]);
  await database.query(`DROP OWNED BY ${role}`);
  await database.query(`DROP ROLE ${role}`);
});
