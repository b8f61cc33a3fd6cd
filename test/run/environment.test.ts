// Every variable of the environment is checked before anything else is done; what is wrong is named, and never shown.
import { spawnSync } from 'node:child_process';
import { mkdirSync, mkdtempSync } from 'node:fs';
import { join } from 'node:path';
import { expect, inject, test } from 'vitest';
import type { ENVIRONMENT } from '../../src/app/environment.ts';
import { expectAccounts } from '../support/accounts.ts';
import { EXECUTABLE } from '../support/built.ts';
import { createDatabase } from '../support/database.ts';
import { runToEnd } from '../support/run-job.ts';

type Variable = keyof typeof ENVIRONMENT;

const LONG = 'x'.repeat(2_000);

/** What each variable can't be. None of it may be seen in what the run says. */
const GARBLED: Record<Variable, string> = {
  DATABASE_URL: 'garbled-9f3b',
  DATABASE_POOL_SIZE: 'garbled-9f3b',
  AMQP_URL: 'http://garbled-9f3b',
  AMQP_EXCHANGE: `garbled-9f3b${LONG}`,
  AMQP_CA_FILE: `garbled-9f3b${LONG}`,
  AMQP_CERT_FILE: `garbled-9f3b${LONG}`,
  AMQP_KEY_FILE: `garbled-9f3b${LONG}`,
  WORKER_DEFAULT_TIMEOUT_SECONDS: 'garbled-9f3b',
  WORKER_SHUTDOWN_TIMEOUT_SECONDS: '-30garbled-9f3b',
  WORKER_MAX_CONCURRENT_JOBS: 'garbled-9f3b',
  WORKER_CONNECT_TIMEOUT_SECONDS: 'garbled-9f3b',
  WORKER_LOCK_WAIT_SECONDS: 'garbled-9f3b',
  WORKER_LOCK_CHECK_SECONDS: 'garbled-9f3b',
  WORKER_CHECKPOINT_FILE: `garbled-9f3b${LONG}`,
  RUN_JOB_DIRS: '/garbled-9f3b',
  RUN_JOB_HISTORY_DAYS: '90 garbled-9f3b',
  RUN_JOB_REQUIRE_DATABASE: 'garbled-9f3b',
  RUN_JOB_RECORD_TIMEOUT_SECONDS: 'garbled-9f3b',
  RUN_JOB_SLOTS: 'yesterday',
  RUN_JOB_SHARDS: 'garbled-9f3b',
  JOB_COMPLETION_INDEX: 'garbled-9f3b',
  RUN_JOB_TERMINATION_LOG: `garbled-9f3b${LONG}`,
  RUN_JOB_SHUTDOWN_URLS: 'garbled-9f3b',
  RUN_JOB_CHECKINS: 'garbled-9f3b',
  RUN_JOB_MONITORS: 'garbled-9f3b',
  RUN_JOB_NOTIFY: 'garbled-9f3b',
  RUN_JOB_NOTIFY_SECRET: `garbled-9f3b${LONG}`,
  RUN_JOB_CONSOLE_URL: 'garbled-9f3b',
  RUN_JOB_RETRIES: 'garbled-9f3b',
  RUN_JOB_ENVIRONMENT: `garbled-9f3b${LONG}`,
  RUN_JOB_NOTIFY_TIMEOUT_MS: 'garbled-9f3b',
  RUN_JOB_CONSOLE_TOKEN: `garbled-9f3b${LONG}`,
  RUN_JOB_TRACE_URL: 'garbled-9f3b',
  POD_NAME: `garbled-9f3b${LONG}`,
  POD_NAMESPACE: `garbled-9f3b\n`,
  JOB_UID: `garbled-9f3b${LONG}`,
  RUN_JOB_SCHEDULE: `garbled-9f3b${LONG}`,
  RUN_JOB_TIME_ZONE: `garbled-9f3b${LONG}`,
  RUN_JOB_CATCH_UP: 'garbled-9f3b',
  JOB_NAME: `garbled-9f3b\u0007`,
  CRONJOB_NAME: `garbled-9f3b${LONG}`,
  NODE_NAME: `garbled-9f3b${LONG}`,
  LOG_LEVEL: 'garbled-9f3b',
  LOG_FORMAT: 'garbled-9f3b',
  OTEL_SHUTDOWN_TIMEOUT_MS: 'garbled-9f3b',
};

test.concurrent.for(Object.entries(GARBLED) as [Variable, string][])('%s', async ([name, value]) => {
  await using database = await createDatabase();
  const ended = await runToEnd(['noop'], { database, env: { [name]: value } });
  expect(ended.summary, ended.stdout).toMatchObject({ status: 'misconfigured', exitCode: 78, attempts: 0 });
  expect(ended.exitCode).toBe(78);
  expect(ended.summary.error?.message).toContain(name);
  expect(ended.stdout + ended.stderr + JSON.stringify(ended.termination)).not.toContain('9f3b');
});

test('all that is wrong is told at once', async () => {
  const ended = await runToEnd(['noop'], { env: { LOG_LEVEL: 'loud', DATABASE_POOL_SIZE: '0', RUN_JOB_SHARDS: '-1' } });
  await expectAccounts(ended, undefined, {
    status: 'misconfigured',
    exitCode: 78,
    error: /(?=.*LOG_LEVEL)(?=.*DATABASE_POOL_SIZE)(?=.*RUN_JOB_SHARDS)/,
  });
});

test('a certificate that can’t be read: misconfigured, with an account of the run', async () => {
  const url = 'postgres://app:Q7wz-9xKp@127.0.0.1:1/app?sslrootcert=/nowhere/ca.pem';
  const ended = await runToEnd(['noop'], { env: { DATABASE_URL: url } });
  await expectAccounts(ended, undefined, { status: 'misconfigured', exitCode: 78, error: '/nowhere/ca.pem' });
});

test('a .env that can’t be read: exit 78, and one sentence', async () => {
  const cwd = mkdtempSync(join(inject('scratchFolder'), 'dotenv-'));
  mkdirSync(join(cwd, '.env'));
  const { status, stderr } = spawnSync(process.execPath, [EXECUTABLE, 'list'], { cwd, encoding: 'utf8' });
  expect({ status, stderr }).toEqual({
    status: 78,
    stderr: expect.stringMatching(/^run-job: The file \.env can't.*\n$/),
  });
});

test('an empty variable counts as unset', async () => {
  const empty = Object.fromEntries(
    Object.keys(GARBLED)
      .filter((name) => name !== 'RUN_JOB_DIRS' && name !== 'RUN_JOB_TERMINATION_LOG')
      .map((name) => [name, '']),
  );
  const ended = await runToEnd(['noop'], { env: empty });
  await expectAccounts(ended, undefined, { status: 'succeeded', exitCode: 0 });
});

test('without DATABASE_URL a job that needs no database runs, and one line at info says what that means', async () => {
  const ended = await runToEnd(['noop']);
  await expectAccounts(ended, undefined, { status: 'succeeded', exitCode: 0, attempts: 1 });
  const lines = ended.lines.filter(({ msg }) => msg.includes('DATABASE_URL'));
  expect(lines).toMatchObject([{ level: 'info', msg: expect.stringMatching(/neither locked nor recorded/) }]);
});

test.for([
  ['needs_postgres', 'DATABASE_URL'],
  ['needs_rabbitmq', 'AMQP_URL'],
] as const)('%s can’t run without %s', async ([job, variable]) => {
  const ended = await runToEnd([job]);
  await expectAccounts(ended, undefined, { status: 'misconfigured', exitCode: 78, error: variable });
});

test('the place of the run in Kubernetes is recorded', async () => {
  await using database = await createDatabase();
  const ended = await runToEnd(['noop'], {
    database,
    env: {
      POD_NAME: 'pod-1',
      POD_NAMESPACE: 'night',
      JOB_UID: 'uid-1',
      JOB_NAME: 'noop-manual',
      CRONJOB_NAME: 'noop',
      NODE_NAME: 'node-7',
    },
  });
  expect(await expectAccounts(ended, database, { status: 'succeeded', exitCode: 0 })).toMatchObject({
    pod_name: 'pod-1',
    namespace: 'night',
    job_name: 'noop-manual',
    cronjob_name: 'noop',
    node_name: 'node-7',
  });
});

test.for([{ KUBERNETES_SERVICE_HOST: '10.0.0.1' }, { JOB_NAME: 'nightly-29384756' }, { POD_NAME: 'nightly-x' }])(
  'under Kubernetes (%j) a run without DATABASE_URL says so first, and in its summary',
  async (env) => {
    const ended = await runToEnd(['noop'], { env });
    await expectAccounts(ended, undefined, { status: 'succeeded', exitCode: 0 });
    expect(ended.lines[0]).toMatchObject({ level: 'warn', msg: expect.stringMatching(/^DATABASE_URL is not set/) });
    const warning = 'DATABASE_URL is not set: this run is neither locked nor recorded';
    expect([ended.summary.warning, ended.termination?.warning]).toEqual([warning, warning]);
  },
);

test('RUN_JOB_REQUIRE_DATABASE=true makes a run without DATABASE_URL misconfigured', async () => {
  const ended = await runToEnd(['noop'], { env: { RUN_JOB_REQUIRE_DATABASE: 'true' } });
  await expectAccounts(ended, undefined, { status: 'misconfigured', exitCode: 78, error: 'RUN_JOB_REQUIRE_DATABASE' });
});

test('an invalid DATABASE_URL is told once, and not as unset', async () => {
  const ended = await runToEnd(['needs_postgres'], { env: { DATABASE_URL: 'garbled', POD_NAME: 'pod-1' } });
  await expectAccounts(ended, undefined, {
    status: 'misconfigured',
    exitCode: 78,
    error: /^DATABASE_URL must be a URL/,
  });
  expect(ended.stdout).not.toContain('not set');
});

test('a termination log that was asked for and can’t be written: misconfigured, rather than silence', async () => {
  const ended = await runToEnd(['noop'], { env: { RUN_JOB_TERMINATION_LOG: '/nowhere/termination-log' } });
  expect(ended).toMatchObject({ exitCode: 78, summary: { status: 'misconfigured' } });
  expect(ended.summary.error?.message).toMatch(
    /^RUN_JOB_TERMINATION_LOG names a file that can't be written \(ENOENT\)/,
  );
});

test.for(['?options=-c%20no_such_setting%3D1', '?options=-c%20statement_timeout%3Dzz'])(
  'what the server refuses of DATABASE_URL (%s): misconfigured, in one sentence',
  async (search) => {
    await using database = await createDatabase();
    const url = `${database.url}${search}`;
    const ended = await runToEnd(['noop'], { env: { DATABASE_URL: url } });
    await expectAccounts(ended, undefined, {
      status: 'misconfigured',
      exitCode: 78,
      error: /behind the \? of DATABASE_URL/,
    });
  },
);
