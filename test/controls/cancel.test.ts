// Cancelling a run from elsewhere: it ends as cancelled with 79, and whoever asked is told the truth whatever happens meanwhile.
import { randomUUID } from 'node:crypto';
import { expect, test } from 'vitest';
import { exec } from '../exec/support.ts';
import { expectAccounts, readRecord } from '../support/accounts.ts';
import { createDatabase } from '../support/database.ts';
import { onEveryPostgres } from '../support/every-postgres.ts';
import { openGate } from '../support/gate.ts';
import { openMarks } from '../support/marks.ts';
import { startPgBouncer } from '../support/pgbouncer.ts';
import { startPostgres } from '../support/postgres-server.ts';
import { type Running, runJob, runToEnd } from '../support/run-job.ts';
import { createTemplate } from '../support/template-database.ts';
import { command, SLOT } from './support.ts';

/** Short times, so that nobody has to wait for the next look. */
const QUICK = { WORKER_LOCK_CHECK_SECONDS: '1', WORKER_SHUTDOWN_TIMEOUT_SECONDS: '2' };
const CANCELLED = { status: 'cancelled', exitCode: 79, attempts: 1, error: /cancelled by \S+: wrong month/ } as const;
const WHY = ['--why', 'wrong month'];

async function idOf(run: Running): Promise<string> {
  return (await run.waitForLine(({ msg }) => msg === 'run started')).runId as string;
}

onEveryPostgres((create) => {
  test('a run that is cancelled stops within its grace, and both are told so', async () => {
    await using database = await create({ migrated: true });
    await using run = runJob(['hangs', '--param', 'way=returns'], { database, env: QUICK });
    const id = await idOf(run);
    const cancel = await command(database, ['cancel', id.slice(-8), ...WHY]);
    expect(cancel).toMatchObject({ exitCode: 0, stderr: '' });
    expect(cancel.stdout).toBe(`run ${id} (hangs) is asked to end\nrun ${id} (hangs) is cancelled\n`);
    const record = await expectAccounts(await run.done, database, CANCELLED);
    expect(record?.result).toEqual({ stopped: 'in order' });
    const shown = await command(database, ['history', '--status', 'cancelled']);
    expect(shown.stdout).toContain(id.slice(-8));
  });

  test('of two who cancel a run at once both are told so, and the first says why', async () => {
    await using database = await create({ migrated: true });
    await using run = runJob(['hangs', '--param', 'way=returns'], { database, env: QUICK });
    const id = await idOf(run);
    const ended = await Promise.all([
      command(database, ['cancel', id, ...WHY]),
      command(database, ['cancel', id, ...WHY]),
    ]);
    expect(ended.map(({ exitCode }) => exitCode)).toEqual([0, 0]);
    await expectAccounts(await run.done, database, CANCELLED);
  });

  test('a job that ignores it is abandoned after its grace, and cancelled all the same', async () => {
    await using database = await create({ migrated: true });
    await using run = runJob(['hangs', '--param', 'way=ignores'], { database, env: QUICK });
    const id = await idOf(run);
    expect((await command(database, ['cancel', id, ...WHY])).exitCode).toBe(0);
    const ended = await run.done;
    await expectAccounts(ended, database, CANCELLED);
    expect(ended.summary.error?.causes?.[0]?.message).toContain('grace period of 2s');
  });

  test('a run whose event loop is blocked is ended by the watchdog, after its grace', async () => {
    await using database = await create({ migrated: true });
    await using run = runJob(['hangs', '--param', 'way=blocks'], { database, env: QUICK });
    const id = await idOf(run);
    expect((await command(database, ['cancel', id, ...WHY])).stdout).toContain('is cancelled');
    await expectAccounts(await run.done, database, {
      ...CANCELLED,
      exitCode: 137,
      error: /cancelled by \S+: wrong month\. The event loop was blocked while running the job/,
    });
  });

  test('a run whose event loop is blocked for a while only sees it for itself', async () => {
    await using database = await create({ migrated: true });
    const marks = openMarks();
    await using run = runJob(marks.args('it', 'blocks', 5_000), {
      database,
      env: { WORKER_LOCK_CHECK_SECONDS: '1', WORKER_SHUTDOWN_TIMEOUT_SECONDS: '30' },
    });
    const id = await idOf(run);
    const cancel = await command(database, ['cancel', id, ...WHY]);
    const ended = await run.done;
    // It returns as soon as its loop turns, before it could have looked.
    await expectAccounts(ended, database, { status: 'succeeded', exitCode: 0 });
    expect(cancel).toMatchObject({ exitCode: 1 });
    expect(cancel.stdout).toContain('ended by itself before it saw that: succeeded, exit code 0');
  });

  test('a run that waits for its lock is cancelled too, by its whole id', async () => {
    await using database = await create({ migrated: true });
    await using gate = await openGate();
    const args = ['waits', '--param', `gate=${gate.path}`];
    await using first = runJob(args, { database });
    const visitor = await first.until(gate.arrival());
    await using second = runJob(args, { database });
    const { runId } = await second.waitForLine(({ msg }) => msg.startsWith('waiting'));
    const cancel = await command(database, ['cancel', String(runId), ...WHY]);
    expect(cancel).toMatchObject({ exitCode: 0, stderr: '' });
    await expectAccounts(await second.done, database, { ...CANCELLED, attempts: 0 });
    visitor.open();
    await expectAccounts(await first.done, database, { status: 'succeeded', exitCode: 0 });
  });

  test('a dead run is closed as lost at once', async () => {
    await using database = await create({ migrated: true });
    await using run = runJob(['hangs', '--param', 'way=returns'], { database });
    const id = await idOf(run);
    run.kill('SIGKILL');
    await run.done;
    await expect
      .poll(() =>
        database.query(
          `select 1 from pg_locks where locktype = 'advisory' and database = (select oid from pg_database where datname = current_database())`,
        ),
      )
      .toEqual([]);
    const cancel = await command(database, ['cancel', id]);
    expect(cancel).toMatchObject({
      exitCode: 0,
      stdout: `run ${id} (hangs) was dead already; its record says lost now\n`,
    });
    expect(await readRecord(database, id)).toMatchObject({ status: 'lost', exit_code: 137 });
    const again = await command(database, ['cancel', id]);
    expect(again).toMatchObject({ exitCode: 64, stdout: '' });
    expect(again.stderr).toContain('has ended already: lost');
  });

  test('the next pod of the same Job is cancelled as well, and another Job isn’t', async () => {
    await using database = await create({ migrated: true });
    await using run = runJob(['hangs', '--param', 'way=returns'], { database, env: { ...QUICK, JOB_UID: 'job-1' } });
    const id = await idOf(run);
    await database.query(
      `insert into run_job.cancellations (run_id, why, job_uid, shard_index, shard_count) values ($1, 'wrong month', 'job-1', 0, 1)`,
      [id],
    );
    run.kill('SIGKILL');
    await run.done;
    const next = await command(database, ['noop', '--as=hangs'], { env: { JOB_UID: 'job-1' } });
    await expectAccounts(next, database, { status: 'cancelled', exitCode: 79, attempts: 0, error: 'wrong month' });
    const other = await command(database, ['noop', '--as=hangs'], { env: { JOB_UID: 'job-2' } });
    await expectAccounts(other, database, { status: 'succeeded', exitCode: 0 });
  });
});

test('a finished run is refused in one sentence', async () => {
  await using database = await createDatabase();
  const { summary } = await command(database, ['noop', '--scheduled-at', SLOT]);
  const cancel = await command(database, ['cancel', summary.runId]);
  expect(cancel).toMatchObject({ exitCode: 64, stdout: '' });
  expect(cancel.stderr).toMatch(
    /^run-job: run \S+ \(noop\) has ended already: succeeded at \S+; there is nothing to cancel\n$/,
  );
  expect(await database.query('select 1 from run_job.cancellations')).toEqual([]);
});

test('a run that ends while it is asked is told truly: twelve that race with the end of a job', {
  timeout: 120_000,
}, async () => {
  await using database = await createDatabase();
  for (let n = 0; n < 12; n += 1) {
    await using gate = await openGate();
    await using run = runJob(['waits', '--param', `gate=${gate.path}`], {
      database,
      env: { WORKER_LOCK_CHECK_SECONDS: '0.1' },
    });
    const visitor = await run.until(gate.arrival());
    const id = await idOf(run);
    const cancelling = command(database, ['cancel', id]);
    await new Promise((passed) => setTimeout(passed, 300 + n * 30));
    visitor.open();
    const [ended, cancel] = [await run.done, await cancelling];
    const record = await readRecord(database, id);
    expect(record).toMatchObject({ status: ended.summary.status, exit_code: ended.exitCode });
    expect(ended.exitCode).toBe(ended.summary.status === 'cancelled' ? 79 : 0);
    const told = { cancelled: 0, succeeded: cancel.exitCode === 64 ? 64 : 1 }[
      record?.status as 'cancelled' | 'succeeded'
    ];
    expect(cancel.exitCode, cancel.stdout + cancel.stderr).toBe(told);
  }
});

test('an id that nobody has is refused, and leaves no request behind', { timeout: 60_000 }, async () => {
  await using database = await createDatabase();
  const short = await command(database, ['cancel', 'abcd']);
  expect(short).toMatchObject({ exitCode: 64, stdout: '' });
  const whole = await command(database, ['cancel', randomUUID()]);
  expect(whole.exitCode).toBe(64);
  expect(whole.stderr).toContain('no run has the id');
  expect(await database.query('select 1 from run_job.cancellations')).toEqual([]);
});

test('a program gets SIGTERM, and is ended with all that it has started', async () => {
  await using database = await createDatabase();
  const script = 'trap "echo told; exit 7" TERM; sleep 60 & echo up; wait';
  await using run = exec(['sh', '-c', script], [], { database, env: QUICK });
  await run.waitForLine(({ msg }) => msg === 'up');
  const id = await idOf(run);
  expect((await command(database, ['cancel', id, ...WHY])).exitCode).toBe(0);
  const ended = await run.done;
  await expectAccounts(ended, database, CANCELLED);
  expect(ended.lines.some(({ msg }) => msg === 'told')).toBe(true);
  expect(ended.summary).toMatchObject({ program: { exitCode: 7, signal: null } });
  expect(run.alive()).toEqual([]);
});

test('through PgBouncer in transaction mode it is the same', async () => {
  await using database = await createDatabase();
  await using pooler = await startPgBouncer(database.url);
  await using run = runJob(['hangs', '--param', 'way=returns'], { database: pooler, env: QUICK });
  const id = await idOf(run);
  expect((await command(pooler, ['cancel', id, ...WHY])).exitCode).toBe(0);
  await expectAccounts(await run.done, database, CANCELLED);
});

test('the look for it keeps no lock of its table, holds back no VACUUM, and bears that somebody locks it', async () => {
  await using database = await createDatabase();
  await using run = runJob(['hangs', '--param', 'way=returns'], {
    database,
    env: { ...QUICK, WORKER_LOCK_CHECK_SECONDS: '2' },
  });
  const id = await idOf(run);
  const holder = await database.connect();
  // A look is under way when somebody waits for the table.
  await holder.query('begin; lock table run_job.cancellations');
  const waiters = `select 1 from pg_locks where not granted and relation = 'run_job.cancellations'::regclass`;
  await expect.poll(async () => (await holder.query(waiters)).rows.length, { timeout: 10_000 }).toBe(1);
  await expect.poll(async () => (await holder.query(waiters)).rows.length, { timeout: 10_000 }).toBe(0);
  await expect.poll(async () => (await holder.query(waiters)).rows.length, { timeout: 10_000 }).toBe(1);
  await holder.query('rollback');
  await expect
    .poll(() =>
      database.query(
        `select a.backend_xid, a.backend_xmin, a.state, (select count(*)::integer from pg_locks l where l.pid = a.pid and relation is not null) as tables
         from pg_stat_activity a where datname = $1 and application_name like 'run-job hangs%' or (datname = $1 and application_name like '%hangs%')`,
        [database.name],
      ),
    )
    .toEqual([{ backend_xid: null, backend_xmin: null, state: 'idle in transaction', tables: 0 }]);
  await holder.end();
  expect((await command(database, ['cancel', id])).exitCode).toBe(0);
  await expectAccounts(await run.done, database, { status: 'cancelled', exitCode: 79, error: 'cancelled' });
});

test('PostgreSQL restarts between the request and the look: whoever asked waits for it, and is told how the run ended', {
  timeout: 90_000,
}, async () => {
  await using server = await startPostgres({ settings: { synchronous_commit: 'on' } });
  await createTemplate(server.url);
  await using database = await createDatabase({ serverUrl: server.url });
  await using run = runJob(['hangs', '--param', 'way=returns'], {
    database,
    env: { JOB_UID: 'job-1', WORKER_LOCK_CHECK_SECONDS: '7' },
  });
  const id = await idOf(run);
  await using cancel = runJob(['cancel', id, ...WHY], { database });
  await expect.poll(() => database.query('select 1 from run_job.cancellations')).toHaveLength(1);
  await server.stop();
  const lost = run.waitForLine(({ cause }) => cause === 'lock_lost' || cause === 'cancelled');
  await lost;
  await server.start();
  const ended = await run.done;
  const told = await cancel.done;
  expect(told.exitCode, told.stdout + told.stderr).toBe(ended.summary.status === 'cancelled' ? 0 : 1);
  expect(told.stdout).toContain(
    ended.summary.status === 'cancelled' ? 'is cancelled' : 'before it saw that: unavailable',
  );
  // Kubernetes makes a new pod for a run that was unavailable; that one sees the request.
  const next = await runToEnd(['noop', '--as=hangs'], { database, env: { JOB_UID: 'job-1' } });
  await expectAccounts(next, database, { status: 'cancelled', exitCode: 79, attempts: 0, error: 'wrong month' });
});
