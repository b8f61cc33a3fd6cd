// The console when PostgreSQL goes away, when it is asked to stop, and when its role may only read.
import { readFileSync } from 'node:fs';
import { expect, test } from 'vitest';
import { createDatabase } from '../support/database.ts';
import { startPostgres } from '../support/postgres-server.ts';
import { becomeStandby } from '../support/standby.ts';
import { createTemplate } from '../support/template-database.ts';
import { ask, recordRun, serveConsole, whenShown } from './support.ts';

test('PostgreSQL goes away and comes back: pages say since when they are stale, then are true again', async () => {
  await using postgres = await startPostgres();
  await createTemplate(postgres.url);
  await using database = await createDatabase({ serverUrl: postgres.url });
  await recordRun(database, { name: 'before' });
  await using served = await serveConsole({ database });
  await whenShown(
    served.url,
    () => ask(served.url, '/'),
    ({ text }) => text.includes('before'),
  );
  await postgres.stop('immediate');
  const stale = await whenShown(
    served.url,
    () => ask(served.url, '/'),
    ({ text }) => text.includes('as it was at'),
    20_000,
  );
  expect([stale.status, stale.text]).toEqual([200, expect.stringContaining('before')]);
  expect((await ask(served.url, '/readyz')).status).toBe(503);
  expect((await ask(served.url, '/healthz')).status).toBe(200);
  expect((await ask(served.url, '/metrics')).text).toMatch(/run_job_console_last_look_timestamp_seconds \d/);
  await postgres.start();
  await recordRun(database, { name: 'afterwards' });
  const fresh = await whenShown(
    served.url,
    () => ask(served.url, '/'),
    ({ text }) => text.includes('afterwards'),
    20_000,
  );
  expect(fresh.text).not.toContain('as it was at');
  expect((await ask(served.url, '/readyz')).status).toBe(200);
  expect(served.said().match(/"level":"warn"/g)?.length).toBeGreaterThan(0);
  expect(served.said()).not.toContain('Q7wz');
});

test('a standby is told as one: nothing can be said of who lives, and nothing is guessed', async () => {
  await using postgres = await startPostgres({ settings: { synchronous_commit: 'on' } });
  await createTemplate(postgres.url);
  // It goes with its server: nothing can be dropped on a standby.
  const database = await createDatabase({ serverUrl: postgres.url });
  await recordRun(database, { name: 'ended' });
  // On the primary nobody holds its lock: there it is lost.
  const id = await recordRun(database, { name: 'says_running', status: 'running', ended_at: null, duration_ms: null });
  await becomeStandby(postgres);
  await using served = await serveConsole({ database });
  const get = async (path: string) => {
    const { status, text } = await ask(served.url, path);
    expect([path, status]).toEqual([path, 200]);
    return text;
  };
  for (const path of ['/', '/jobs/ended', `/runs/${id}`, '/now', '/night']) {
    expect(await get(path), path).toContain('This database is a standby: whether a run that says running still lives');
  }
  expect(JSON.parse(await get(`/api/v1/runs/${id}`)).status).toBe('running');
  expect(await get('/now')).toContain('how many are taken isn’t known here');
  expect(JSON.parse(await get('/api/v1/now'))).toMatchObject({ places: { total: 10 }, standby: true });
  expect(await get('/metrics')).not.toMatch(/^run_job_places/m);
  expect(JSON.parse(await get('/readyz'))).toEqual({ status: 'ready' });
  expect(served.said()).not.toMatch(/"level":"(warn|error)"/);
});

test('on SIGTERM listeners are let go, nothing new is taken, and it ends with 0', async () => {
  await using served = await serveConsole();
  const events = ask(served.url, '/events');
  await ask(served.url, '/');
  served.running.kill('SIGTERM');
  expect((await events).text).toContain('retry:');
  const { exitCode } = await served.running.done;
  expect(exitCode).toBe(0);
  await expect(ask(served.url, '/')).rejects.toThrow('ECONNREFUSED');
});

test('the read role of deploy/sql/roles.sql is enough, and with it nothing is written', async () => {
  const sql = readFileSync('deploy/sql/roles.sql', 'utf8');
  expect(sql.match(/^GRANT[^;]*run_job_console;|^ {2}GRANT SELECT ON TABLES TO run_job_console;/gm)).toEqual([
    'GRANT USAGE ON SCHEMA run_job TO run_job_console;',
    '  GRANT SELECT ON TABLES TO run_job_console;',
  ]);
  await using database = await createDatabase();
  const role = `reader_${database.name}`;
  await database.query(`CREATE ROLE ${role} LOGIN PASSWORD 'reads'`);
  try {
    await database.query(
      `GRANT USAGE ON SCHEMA run_job TO ${role}; GRANT SELECT ON ALL TABLES IN SCHEMA run_job TO ${role}`,
    );
    await database.query(
      `INSERT INTO run_job.schedules (name, job, cron, time_zone, source, late_after_ms, valid_from, settled_to)
       VALUES ('never_begun', 'noop', '* * * * *', 'Etc/UTC', 'test', 1000, now() - interval '1 hour', now() - interval '1 hour')`,
    );
    const url = Object.assign(new URL(database.url), { username: role, password: 'reads' }).href;
    await using served = await serveConsole({ database: { ...database, url } });
    const answer = await whenShown(
      served.url,
      () => ask(served.url, '/api/v1/jobs'),
      ({ status }) => status === 200,
    );
    const [job] = JSON.parse(answer.text).jobs;
    expect(job).toMatchObject({ name: 'never_begun', health: 'overdue' });
    const missed = job.slots.filter(({ state }: { state: string }) => state === 'missed');
    expect(missed.length).toBeGreaterThan(20);
    for (const path of ['/', '/jobs/never_begun', '/now', '/night', '/metrics', '/readyz']) {
      expect((await ask(served.url, path)).status, path).toBe(200);
    }
    expect(await database.query('SELECT FROM run_job.runs')).toEqual([]);
    expect(served.said()).not.toContain('denied');
  } finally {
    await database.query(`DROP OWNED BY ${role}`);
    await database.query(`DROP ROLE ${role}`);
  }
});
