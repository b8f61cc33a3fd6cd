// `run-job doctor --jobs`: what the jobs that are named need, by the built executable.
import { randomBytes } from 'node:crypto';
import { mkdtempSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { expect, inject, test } from 'vitest';
import { createDatabase } from '../support/database.ts';
import { runToEnd } from '../support/run-job.ts';
import { createVhost } from '../support/vhost.ts';

const VIEW = `CREATE VIEW report_transactions AS
  SELECT now() AS occurred_at, 1::numeric AS amount, 'a' AS type, 'EUR' AS currency, 'c' AS category, 'd' AS account`;

/** What doctor says of one job, with its exit code. */
async function doctor(job: string, env: Record<string, string>, ...flags: string[]) {
  const { exitCode, stdout } = await runToEnd(['doctor', '--json', `--jobs=${job}`, ...flags], { env });
  const findings = JSON.parse(stdout) as { check: string; verdict: string; message: string }[];
  const { verdict, message } = findings.find(({ check }) => check === job) ?? {};
  return { exitCode, verdict, message };
}

const says = (exitCode: number, verdict: string, message: string) => ({
  exitCode,
  verdict,
  message: expect.stringContaining(message),
});

test('doctor finds that the report has no broker, no view, or may not read it, as its runs would', async () => {
  await using database = await createDatabase();
  await using vhost = await createVhost();
  const job = 'report_generator';
  const env = { DATABASE_URL: database.url, AMQP_URL: vhost.url };
  expect(await doctor(job, { DATABASE_URL: database.url })).toEqual(says(78, 'misconfigured', 'AMQP_URL is not set'));
  expect(await doctor(job, env)).toEqual(says(78, 'misconfigured', 'create the view report_transactions'));
  await database.query(`${VIEW.replace('1::numeric', '1::float8')}`);
  expect(await doctor(job, env)).toEqual(says(78, 'misconfigured', 'let the view cast it to numeric'));
  await database.query('DROP VIEW report_transactions');
  await database.query(VIEW);
  expect(await doctor(job, env)).toEqual(says(0, 'ok', 'postgres, rabbitmq'));
  expect(await doctor(job, { DATABASE_URL: database.url }, '--dry-run')).toEqual(says(0, 'ok', 'has what it needs'));

  const role = `r${randomBytes(4).toString('hex')}`;
  await database.query(`CREATE ROLE ${role} LOGIN PASSWORD 'secret'; GRANT USAGE ON SCHEMA run_job TO ${role};
    GRANT SELECT, INSERT, UPDATE, DELETE ON ALL TABLES IN SCHEMA run_job TO ${role}`);
  const url = Object.assign(new URL(database.url), { username: role, password: 'secret' }).href;
  const refused = await doctor(job, { ...env, DATABASE_URL: url }).finally(() =>
    database.query(`DROP OWNED BY ${role}; DROP ROLE ${role}`),
  );
  expect(refused).toEqual(says(78, 'misconfigured', 'grant SELECT on report_transactions'));
});

test('doctor finds that a job is not in the image, or that its own check fails', async () => {
  expect(await doctor('report_generatr', {})).toEqual(says(78, 'misconfigured', 'There is no job or command named'));
  const folder = mkdtempSync(join(inject('scratchFolder'), 'jobs-'));
  writeFileSync(
    join(folder, 'fetches.mjs'),
    `import { defineJob } from 'run-job';
     export default defineJob({
       name: 'fetches', description: 'Fetches', run() {},
       check() { if (process.env.RATES_URL === undefined) throw new Error('RATES_URL is not set'); },
     });`,
  );
  const env = { RUN_JOB_DIRS: folder };
  expect(await doctor('fetches', env)).toEqual(says(78, 'misconfigured', 'check failed: RATES_URL is not set'));
  expect(await doctor('fetches', { ...env, RATES_URL: 'x' })).toEqual(says(0, 'ok', 'has what it needs'));
});

test('doctor asks each of several jobs', async () => {
  await using database = await createDatabase();
  const { exitCode, stdout } = await runToEnd(['doctor', '--jobs', 'database_cleanup,report_generator'], { database });
  expect(exitCode).toBe(78);
  expect(stdout).toMatch(/^ok {4}database_cleanup {2}the job has what it needs: postgres$/m);
  expect(stdout).toMatch(/^FAIL {2}report_generator {2}AMQP_URL is not set/m);
});
