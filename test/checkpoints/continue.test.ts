// A job that can't finish in its time asks for a new pod, which goes on.
import { expect, test } from 'vitest';
import { expectAccounts } from '../support/accounts.ts';
import { createDatabase, type TestDatabase } from '../support/database.ts';
import { runToEnd } from '../support/run-job.ts';
import { startTcpProxy } from '../support/tcp-proxy.ts';
import { DIFFERENCE, JOBS, runSlot, startSlot, tablesOf } from './support.ts';

const keeps = (database: TestDatabase, env: Record<string, string>, args: readonly string[] = []) =>
  runSlot(['keeps', ...args], { database, env: { ENDS: 'continues', ...env } });

test('continued, 80: it has saved its progress; the end is no failure', async () => {
  await using database = await createDatabase();
  const ended = await keeps(database, { SAVES: '1' });
  const record = await expectAccounts(ended, database, { status: 'continued', exitCode: 80, attempts: 1 });
  expect(record?.error).toBe(null);
  expect(ended.lines.filter(({ level }) => level === 'error' || level === 'warn')).toEqual([]);
  const { stdout } = await runToEnd(['status', '--json'], { database, env: { RUN_JOB_DIRS: JOBS } });
  const status = (JSON.parse(stdout) as { name: string }[]).find(({ name }) => name === 'keeps');
  expect(status).toMatchObject({ lastRun: { status: 'continued' }, consecutiveFailures: 0 });
});

test('failed, 65: nothing was saved since this pod began', async () => {
  await using database = await createDatabase();
  const error = {
    status: 'failed',
    exitCode: 65,
    error: { message: expect.stringContaining('has saved no progress') },
  };
  expect((await keeps(database, {})).summary).toMatchObject(error);
  await keeps(database, { SAVES: '1' });
  expect((await keeps(database, {})).summary).toMatchObject(error);
  expect((await keeps(database, { SAVES: '1' })).summary).toMatchObject(error);
  expect((await keeps(database, { SAVES: '2' })).summary).toMatchObject({ status: 'continued', exitCode: 80 });
});

test('a database that answers no more: the pod that asks for another ends by itself, and as what it was asked to', async () => {
  await using database = await createDatabase();
  await using proxy = await startTcpProxy(database.url);
  await using running = startSlot(['keeps'], {
    database: { url: proxy.urlFor(database.url) },
    env: { SAVES: '1', ENDS: 'waits_and_continues', RUN_JOB_RECORD_TIMEOUT_SECONDS: '2' },
  });
  await running.waitForLine(({ msg }) => msg === 'waits');
  proxy.silence();
  running.kill('SIGTERM');
  const { exitCode, summary } = await running.done;
  expect({ exitCode, summary }).toMatchObject({ exitCode: 143, summary: { status: 'interrupted' } });
  expect(JSON.stringify(summary.error?.causes)).toContain("what keeps its checkpoint doesn't answer");
});

test('a dry run keeps nothing that a new pod could go on from', async () => {
  await using database = await createDatabase();
  const { summary } = await keeps(database, { SAVES: '1' }, ['--dry-run']);
  expect(summary).toMatchObject({ status: 'failed', exitCode: 65 });
  expect(summary.error?.message).toContain('a dry run keeps no progress');
});

test('a run that stands for no scheduled time says how to go on, and that is so', async () => {
  await using database = await createDatabase();
  const env = { RUN_JOB_DIRS: JOBS };
  const first = await runToEnd(['keeps'], { database, env: { ...env, SAVES: '1', ENDS: 'continues' } });
  expect(first.exitCode).toBe(80);
  expect(first.lines.map(({ msg }) => msg)).toContain(
    `this run stands for no scheduled time, so that no other one goes on from it; to go on: run-job rerun ${first.summary.runId}`,
  );
  const second = await runToEnd(['rerun', first.summary.runId], { database, env });
  expect(second.summary).toMatchObject({ status: 'succeeded', result: { before: { done: 1 } } });
});

test('ten pods of one slot, each of which is evicted and continues, copy each row once', async () => {
  await using database = await createDatabase();
  await database.query(tablesOf(1_000));
  for (let pod = 1; pod <= 10; pod += 1) {
    const args = ['copies_rows', '--param', 'batch=10', '--param', 'pauseMs=1'];
    await using running = startSlot(args, { database });
    await running.waitForLine(({ msg }) => msg === 'goes on');
    await running.until(more(database, pod * 50));
    running.kill('SIGTERM');
    const { exitCode, summary } = await running.done;
    expect({ exitCode, summary }).toMatchObject({ exitCode: 80, summary: { status: 'continued' } });
  }
  const last = await runSlot(['copies_rows', '--param', 'batch=10', '--param', 'pauseMs=1'], { database });
  expect(last.summary).toMatchObject({ status: 'succeeded', result: { lastId: 1_000 } });
  expect(await database.query(DIFFERENCE)).toEqual([{ copied: 1_000, ids: 1_000, checkpoints: 0 }]);
});

test('a pod that is evicted before it got any further ends as interrupted, which fails no Job', async () => {
  await using database = await createDatabase();
  await database.query(tablesOf(100));
  await runSlot(['copies_rows', '--param', 'batches=1'], { database });
  await using running = startSlot(['copies_rows', '--param', 'batches=1', '--param', 'pauseMs=5000'], { database });
  await running.waitForLine(({ msg }) => msg === 'goes on');
  running.kill('SIGTERM');
  expect(['interrupted', 'continued']).toContain((await running.done).summary.status);
});

/** Resolves when so many rows are copied. */
async function more(database: TestDatabase, rows: number): Promise<void> {
  for (;;) {
    const [row] = await database.query<{ count: number }>('SELECT count(*)::integer AS count FROM target');
    if ((row?.count ?? 0) >= rows) return;
  }
}
