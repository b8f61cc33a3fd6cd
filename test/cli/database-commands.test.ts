// migrate, unlock and doctor, by the built executable.

import { spawn } from 'node:child_process';
import { randomUUID } from 'node:crypto';
import { once } from 'node:events';
import { createServer } from 'node:http';
import type { AddressInfo } from 'node:net';
import amqp from 'amqplib';
import { expect, onTestFinished, test } from 'vitest';
import { jobLease, slotOf } from '../contracts/runs.ts';
import { openAdapter } from '../postgres/support.ts';
import { EXCHANGE } from '../support/amqp.ts';
import { EXECUTABLE } from '../support/built.ts';
import { createDatabase } from '../support/database.ts';
import { freePorts } from '../support/free-port.ts';
import { openGate } from '../support/gate.ts';
import { findProgram } from '../support/install.ts';
import { startPgBouncer } from '../support/pgbouncer.ts';
import { runJob, runToEnd } from '../support/run-job.ts';
import { createVhost } from '../support/vhost.ts';

test.for(['history', 'status', 'show abcd', 'unlock report', 'migrate'])(
  'run-job %s without DATABASE_URL is misconfigured, with an unreachable server unavailable',
  async (command) => {
    const without = await runToEnd(command.split(' '));
    expect(without).toMatchObject({
      exitCode: 78,
      stdout: '',
      stderr: expect.stringContaining('DATABASE_URL is not set'),
    });
    const [port] = await freePorts(1);
    const database = { url: `postgres://user:s3cret@127.0.0.1:${port}/db` };
    const unreachable = await runToEnd(command.split(' '), { database });
    expect(unreachable).toMatchObject({ exitCode: 69, stdout: '', stderr: expect.stringContaining('refused') });
    expect(unreachable.stderr).not.toContain('s3cret');
  },
);

test('migrate says what it would apply, applies it, and then has nothing to do', async () => {
  await using database = await createDatabase({ migrated: false });
  const would = await runToEnd(['migrate', '--dry-run'], { database });
  expect(would).toMatchObject({ exitCode: 0, stdout: expect.stringMatching(/^would apply 001_runs$/m) });
  const missing = await runToEnd(['history'], { database });
  expect(missing).toMatchObject({ exitCode: 78, stderr: expect.stringContaining('run `run-job migrate`') });
  const did = await runToEnd(['migrate'], { database });
  expect(did).toMatchObject({ exitCode: 0, stdout: expect.stringMatching(/^applied 001_runs$/m) });
  const again = await runToEnd(['migrate'], { database });
  expect(again).toMatchObject({ exitCode: 0, stdout: expect.stringContaining('is up to date') });
});

test('unlock names the holder and, told to, ends it: the run stops as unavailable, and the job is free', async () => {
  await using database = await createDatabase();
  await using gate = await openGate();
  await using run = runJob(['waits', '--param', `gate=${gate.path}`], {
    database,
    env: { POD_NAME: 'waits-29-x', POD_NAMESPACE: 'jobs' },
  });
  await gate.arrival();
  const asked = await runToEnd(['unlock', 'waits'], { database });
  expect(asked).toMatchObject({ exitCode: 64, stderr: expect.stringContaining('--yes') });
  expect(asked.stdout).toMatch(
    /^waits is locked by run [0-9a-f-]{36}, pod jobs\/waits-29-x, host .+, process \d+, since 20/,
  );
  const done = await runToEnd(['unlock', 'waits', '--yes'], { database });
  expect(done).toMatchObject({ exitCode: 0, stdout: expect.stringContaining('the lock of waits is free') });
  const { exitCode, summary } = await run.done;
  expect({ exitCode, status: summary.status }).toEqual({ exitCode: 69, status: 'unavailable' });
  const nobody = await runToEnd(['unlock', 'waits'], { database });
  expect(nobody).toMatchObject({ exitCode: 0, stdout: 'nobody holds the lock of waits\n' });
  const unknown = await runToEnd(['unlock', 'wiats'], { database });
  expect(unknown).toMatchObject({ exitCode: 64, stdout: '', stderr: expect.stringContaining('did you mean waits?') });
});

test('unlock ends the runs of all shards of a job, and of no other job', async () => {
  await using it = await openAdapter();
  const acquire = async (job: string, index: number) =>
    jobLease(await it.locks.acquire({ runId: randomUUID(), ...slotOf(job, { index, count: 2 }), limit: 9 }));
  const [first, second, other] = [await acquire('report', 0), await acquire('report', 1), await acquire('cleanup', 0)];
  expect(await runToEnd(['unlock', 'report', '--yes'], { database: it.database })).toMatchObject({ exitCode: 0 });
  await Promise.all([first.lost, second.lost]);
  expect(await Promise.race([other.lost, 'held'])).toBe('held');
  await other.release();
});

// util-linux's, with which a command gets a terminal.
const script = findProgram('script');
test.skipIf(script === undefined || process.platform !== 'linux')(
  'on a terminal unlock asks, and ends nothing unless the answer is yes',
  async () => {
    await using it = await openAdapter();
    const lease = jobLease(await it.locks.acquire({ runId: randomUUID(), ...slotOf('report'), limit: 9 }));
    const answer = async (text: string) => {
      const child = spawn(script as string, ['-qec', `${process.execPath} ${EXECUTABLE} unlock report`, '/dev/null'], {
        env: { PATH: process.env.PATH, DATABASE_URL: it.database.url },
        stdio: ['pipe', 'pipe', 'inherit'],
      });
      const ended = once(child, 'exit');
      let output = '';
      child.stdout.setEncoding('utf8').on('data', (chunk: string) => {
        output += chunk;
        if (chunk.includes('[y/N]')) child.stdin.write(`${text}\n`);
      });
      const [exitCode] = await ended;
      return { exitCode, output };
    };
    expect(await answer('n')).toEqual({ exitCode: 1, output: expect.stringContaining('left as it is') });
    expect(await Promise.race([lease.lost, 'held'])).toBe('held');
    expect(await answer('y')).toEqual({ exitCode: 0, output: expect.stringContaining('is free') });
    await lease.lost;
  },
);

test('unlock is told when its role may not end the session', async () => {
  await using it = await openAdapter();
  const role = `${it.database.name}_app`;
  await it.database.query(`CREATE ROLE ${role} LOGIN PASSWORD 'app'`);
  await it.database.query(`GRANT USAGE ON SCHEMA run_job TO ${role}; GRANT SELECT ON run_job.runs TO ${role}`);
  const lease = jobLease(await it.locks.acquire({ runId: randomUUID(), ...slotOf('report'), limit: 9 }));
  const url = Object.assign(new URL(it.database.url), { username: role, password: 'app' }).href;
  const { exitCode, stderr } = await runToEnd(['unlock', 'report', '--yes'], { database: { url } });
  await lease.release();
  await it.database.query(`DROP OWNED BY ${role}; DROP ROLE ${role}`);
  expect({ exitCode, stderr }).toEqual({ exitCode: 78, stderr: expect.stringContaining('pg_signal_backend') });
});

/** The findings of `run-job doctor`, by check. */
async function doctor(env: Record<string, string>) {
  const { exitCode, stdout } = await runToEnd(['doctor', '--json'], { env });
  const findings = JSON.parse(stdout) as { check: string; verdict: string; message: string }[];
  return { exitCode, ...Object.fromEntries(findings.map((finding) => [finding.check, finding])) };
}

const found = (verdict: string, message: string) =>
  expect.objectContaining({ verdict, message: expect.stringContaining(message) });

test('doctor is content when everything is there', async () => {
  await using database = await createDatabase();
  await using vhost = await createVhost();
  const broker = await amqp.connect(vhost.url);
  await (await broker.createChannel()).assertExchange(EXCHANGE, 'topic');
  await broker.close();
  const collector = createServer((request, response) => response.end(request.url)).listen(0, '127.0.0.1');
  onTestFinished(() => void collector.close());
  await once(collector, 'listening');
  const env = {
    DATABASE_URL: database.url,
    AMQP_URL: vhost.url,
    AMQP_EXCHANGE: EXCHANGE,
    OTEL_EXPORTER_OTLP_ENDPOINT: `http://127.0.0.1:${(collector.address() as AddressInfo).port}`,
  };
  expect(await doctor(env)).toEqual({
    exitCode: 0,
    alerting: found('skipped', 'nobody outside hears'),
    config: found('ok', 'valid'),
    node: found('ok', process.versions.node),
    postgres: found('ok', `${database.name}, as postgres`),
    clock: found('ok', 'the database'),
    rights: found('ok', 'has the rights'),
    pooler: found('ok', 'no pooler'),
    schema: found('ok', 'has version'),
    rabbitmq: found('ok', EXCHANGE),
    otlp: found('ok', '/v1/traces answers (HTTP 200)'),
  });
  const { stdout } = await runToEnd(['doctor'], { env });
  expect(stdout).toMatch(/^Ready: 9 checks passed \(1 skipped\)\n\n(ok {4}\w+ +.+\n){9}skip {2}alerting .+\n$/);
  expect(stdout).not.toContain('postgres:postgres');
});

test('doctor tells what cannot be reached, and exits with 69', async () => {
  const [database, broker, collector] = await freePorts(3);
  const env = {
    DATABASE_URL: `postgres://user:s3cret@127.0.0.1:${database}/db`,
    AMQP_URL: `amqp://user:s3cret@127.0.0.1:${broker}`,
    OTEL_EXPORTER_OTLP_ENDPOINT: `http://user:s3cret@127.0.0.1:${collector}`,
  };
  const findings = await doctor(env);
  expect(findings).toMatchObject({
    exitCode: 69,
    postgres: found('unavailable', 'refused the connection'),
    rabbitmq: found('unavailable', "can't be reached"),
    otlp: found('unavailable', "doesn't answer"),
  });
  expect(JSON.stringify(findings)).not.toContain('s3cret');
  const { stdout } = await runToEnd(['doctor'], { env });
  expect(stdout).toMatch(/^NOT READY: \d of \d checks failed \(1 skipped\); runs would end with 69\n\n/);
});

test('doctor does not call what is invalid unset', async () => {
  const findings = await doctor({ DATABASE_URL: 'mysql://nowhere', AMQP_URL: 'http://nowhere' });
  expect(findings).toMatchObject({ exitCode: 78, config: found('misconfigured', 'must be a URL') });
  expect(JSON.stringify(findings)).not.toContain('is not set: runs');
  expect(findings).not.toHaveProperty('rabbitmq');
});

test('doctor tells what is misconfigured, and exits with 78', async () => {
  await using database = await createDatabase({ migrated: false });
  await using vhost = await createVhost();
  const findings = await doctor({
    LOG_LEVEL: 'loud',
    DATABASE_URL: database.url,
    AMQP_URL: vhost.url,
    AMQP_EXCHANGE: randomUUID(),
    OTEL_EXPORTER_OTLP_ENDPOINT: 'collector',
  });
  expect(findings).toMatchObject({
    exitCode: 78,
    config: found('misconfigured', 'LOG_LEVEL'),
    schema: found('misconfigured', 'there is no schema run_job: run `run-job migrate`'),
    rabbitmq: found('warning', 'AMQP_EXCHANGE'),
    otlp: found('misconfigured', 'must be a URL'),
  });
});

test('where transactions are read-only unless they say otherwise, a run ends with 69, and doctor says so', async () => {
  await using database = await createDatabase();
  await database.query(`ALTER DATABASE ${database.name} SET default_transaction_read_only = on`);
  expect(await doctor({ DATABASE_URL: database.url })).toMatchObject({
    exitCode: 69,
    postgres: found('unavailable', 'takes no writes'),
  });
  const ended = await runToEnd(['noop'], { database });
  expect(ended).toMatchObject({
    exitCode: 69,
    summary: { error: { message: expect.stringContaining('takes no writes') } },
  });
});

test('doctor names the statements that give a role the rights that it lacks, and they are enough', async () => {
  await using database = await createDatabase();
  const role = `${database.name}_app`;
  await database.query(`CREATE ROLE ${role} LOGIN PASSWORD 'app'`);
  try {
    const url = Object.assign(new URL(database.url), { username: role, password: 'app' }).href;
    const before = (await doctor({ DATABASE_URL: url })) as unknown as {
      exitCode: number;
      rights: { message: string };
    };
    expect(before).toMatchObject({
      exitCode: 78,
      rights: found('misconfigured', `GRANT USAGE ON SCHEMA run_job TO ${role}`),
    });
    for (const grant of before.rights.message.replace(/^[^:]+: /, '').split('; ')) await database.query(grant);
    expect(await doctor({ DATABASE_URL: url })).toMatchObject({ exitCode: 0, rights: found('ok', 'has the rights') });
    expect((await runToEnd(['noop'], { database: { url } })).exitCode).toBe(0);
  } finally {
    await database.query(`DROP OWNED BY ${role}; DROP ROLE ${role}`);
  }
});

test.for(['transaction', 'session'] as const)('doctor tells a pooler in %s mode', async (mode) => {
  await using database = await createDatabase();
  await using pooler = await startPgBouncer(database.url, { poolMode: mode });
  expect(await doctor({ DATABASE_URL: pooler.url })).toMatchObject({
    exitCode: 0,
    pooler: found('ok', `in ${mode} mode`),
  });
});

test('doctor tells a pooler in statement mode, which can hold no lock', async () => {
  await using database = await createDatabase();
  await using pooler = await startPgBouncer(database.url, { poolMode: 'statement' });
  expect(await doctor({ DATABASE_URL: pooler.url })).toMatchObject({
    exitCode: 78,
    pooler: found('misconfigured', 'set pool_mode'),
  });
  const run = await runToEnd(['noop'], { database: pooler });
  expect(run.exitCode).toBe(78);
  expect(run.stdout).toContain('statement mode');
});

test.for([
  [1, '10', 'warning', 'in transaction mode that gives 1 connections at once, and each of 10 runs'],
  [6, '6', 'warning', 'gives 6 connections at once, and each of 6 runs'],
  [6, '5', 'ok', 'in transaction mode: fine for us'],
] as const)('a pool of %i in transaction mode and %s runs at once: %s', async ([poolSize, limit, verdict, message]) => {
  await using database = await createDatabase();
  await using pooler = await startPgBouncer(database.url, { poolSize });
  expect(await doctor({ DATABASE_URL: pooler.url, WORKER_MAX_CONCURRENT_JOBS: limit })).toMatchObject({
    exitCode: 0,
    pooler: found(verdict, message),
  });
});

test('a name is understood with dashes as with underscores, by a run and by every command', async () => {
  await using database = await createDatabase();
  const ended = await runToEnd(['takes-params'], { database });
  expect(ended).toMatchObject({ exitCode: 0, summary: { job: 'takes_params', name: 'takes_params' } });
  const history = await runToEnd(['history', 'takes-params', '--json'], { database });
  expect(JSON.parse(history.stdout)).toMatchObject([{ name: 'takes_params' }]);
  expect(await runToEnd(['unlock', 'takes-params'], { database })).toMatchObject({
    exitCode: 0,
    stdout: 'nobody holds the lock of takes_params\n',
  });
  expect(await runToEnd(['takes-params', '--help'])).toMatchObject({
    exitCode: 0,
    stdout: expect.stringContaining('Usage: run-job takes_params'),
  });
});

test('a command line that somebody mistyped says nothing of the job in status; one that a CronJob has wrong does', async () => {
  await using database = await createDatabase();
  await runToEnd(['noop'], { database });
  await runToEnd(['noop', '--tiemout=5s'], { database });
  const status = async () => {
    const { stdout } = await runToEnd(['status', '--json'], { database });
    return (JSON.parse(stdout) as { name: string }[]).find(({ name }) => name === 'noop');
  };
  expect(await status()).toMatchObject({ lastRun: { status: 'succeeded' }, consecutiveFailures: 0 });
  await runToEnd(['noop', '--tiemout=5s'], { database, env: { CRONJOB_NAME: 'nightly-noop' } });
  expect(await status()).toMatchObject({ lastRun: { status: 'rejected' }, consecutiveFailures: 1 });
});

test.for(['unlock', 'history', 'status', 'pause --why x'])(
  'a name that somebody has mistyped once is no name: %s refuses it',
  async (command) => {
    await using database = await createDatabase();
    await runToEnd(['noop'], { database });
    expect((await runToEnd(['nooop'], { database })).exitCode).toBe(64);
    const { stdout } = await runToEnd(['status', '--json'], { database, env: { RUN_JOB_DIRS: undefined } });
    expect((JSON.parse(stdout) as { name: string }[]).map(({ name }) => name)).toEqual(['noop']);
    const [name = '', ...flags] = command.split(' ');
    const ended = await runToEnd([name, 'nooop', ...flags], { database, env: { RUN_JOB_DIRS: undefined } });
    expect(ended).toMatchObject({
      exitCode: 64,
      stderr: expect.stringMatching(/by the name nooop; did you mean noop\?/),
    });
    // That of a CronJob is one: somebody has to see what it does.
    await runToEnd(['nooop'], { database, env: { CRONJOB_NAME: 'nightly' } });
    expect((await runToEnd([name, 'nooop', ...flags], { database })).exitCode).toBe(0);
  },
);
