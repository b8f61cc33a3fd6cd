// What a run is known by: a name, a scheduled time, a part, and its parameters. Lock, slot and history go by them.
import { expect, test } from 'vitest';
import { readRecord } from '../support/accounts.ts';
import { createDatabase } from '../support/database.ts';
import { openGate } from '../support/gate.ts';
import { runJob, runToEnd } from '../support/run-job.ts';

const AT = '2026-11-23T02:00:00Z';
const DONE = { status: 'skipped', reason: 'slot_succeeded', exitCode: 0 } as const;

test('two entries of one job in the same minute both do their work, and the same entry twice is done once', async () => {
  await using database = await createDatabase();
  const run = async (name: string, ...flags: string[]) =>
    (await runToEnd(['takes_params', '--as', name, '--scheduled-at', AT, ...flags], { database })).summary;
  const first = await run('users-nightly', '--param', 'days=30');
  expect(first).toMatchObject({ status: 'succeeded', job: 'takes_params', name: 'users-nightly' });
  expect(await readRecord(database, first.runId)).toMatchObject({ job: 'takes_params', name: 'users-nightly' });
  expect(await run('orders-nightly', '--param', 'days=90')).toMatchObject({ status: 'succeeded' });
  expect(await run('users-nightly', '--param', 'days=30')).toMatchObject(DONE);
});

test('two tenants of one job with the same parameters both do their work', async () => {
  await using database = await createDatabase();
  const run = async (name: string) =>
    (await runToEnd(['takes_params', '--as', name, '--scheduled-at', AT], { database })).summary;
  expect(await run('tenant-a')).toMatchObject({ status: 'succeeded' });
  expect(await run('tenant-b')).toMatchObject({ status: 'succeeded' });
  expect(await run('tenant-a')).toMatchObject(DONE);
});

test('other parameters are other work, however they are given and in whatever order', async () => {
  await using database = await createDatabase();
  const run = async (...flags: string[]) =>
    (await runToEnd(['takes_params', '--scheduled-at', AT, ...flags], { database })).summary;
  expect(await run('--params', '{"days":7,"name":"x"}')).toMatchObject({ status: 'succeeded' });
  expect(await run('--param', 'name=x', '--param', 'days=7')).toMatchObject(DONE);
  expect(await run('--param', 'name=x', '--param', 'days=8')).toMatchObject({ status: 'succeeded' });
  expect(await run('--param', 'name=x', '--param', 'days=7', '--param', 'verbose=false')).toMatchObject(DONE);
});

test('a default that is computed for each run makes no other work of it; one that is given does', async () => {
  await using database = await createDatabase();
  const run = async (...flags: string[]) =>
    (await runToEnd(['dates_itself', '--scheduled-at', AT, ...flags], { database })).summary;
  expect(await run()).toMatchObject({ status: 'succeeded' });
  expect(await run()).toMatchObject(DONE);
  expect(await run('--param', 'until=2026-01-01')).toMatchObject({ status: 'succeeded' });
});

test('two jobs that share a name both do their work, and so do two expressions that JSON can’t tell apart', async () => {
  await using database = await createDatabase();
  const run = async (...args: string[]) =>
    (await runToEnd([...args, '--as', 'shared', '--scheduled-at', AT], { database })).summary;
  expect(await run('noop')).toMatchObject({ status: 'succeeded' });
  expect(await run('tells_context')).toMatchObject({ status: 'succeeded' });
  expect(await run('noop')).toMatchObject(DONE);
  expect(await run('matches', '--param', 'pattern=^a')).toMatchObject({ status: 'succeeded', result: 'a' });
  expect(await run('matches', '--param', 'pattern=^b')).toMatchObject({ status: 'succeeded', result: 'b' });
  expect(await run('matches', '--param', 'pattern=^b')).toMatchObject(DONE);
});

test('each name has a lock of its own', async () => {
  await using database = await createDatabase();
  await using gate = await openGate();
  const args = (name: string) => ['waits', '--as', name, '--param', `gate=${gate.path}`];
  await using first = runJob(args('a'), { database });
  const one = await first.until(gate.arrival());
  await using second = runJob(args('b'), { database });
  const two = await second.until(gate.arrival());
  expect((await runToEnd([...args('a'), '--locked=fail'], { database })).summary).toMatchObject({ reason: 'locked' });
  one.open();
  two.open();
  expect((await first.done).summary).toMatchObject({ status: 'succeeded', name: 'a' });
  expect((await second.done).summary).toMatchObject({ status: 'succeeded', name: 'b' });
});

test('an exclusive job has one lock over all its names', async () => {
  await using database = await createDatabase();
  await using gate = await openGate();
  const args = (name: string) => ['waits_alone', '--as', name, '--param', `gate=${gate.path}`];
  await using first = runJob(args('a'), { database });
  const visitor = await first.until(gate.arrival());
  const refused = await runToEnd([...args('b'), '--locked=fail'], { database });
  expect(refused.summary).toMatchObject({ status: 'skipped', reason: 'locked', exitCode: 75 });
  visitor.open();
  expect((await first.done).summary.status).toBe('succeeded');
});

test('the history that a job is given is that of its name', async () => {
  await using database = await createDatabase();
  const run = async (name: string, at: string) =>
    (await runToEnd(['tells_context', '--as', name, '--scheduled-at', at], { database })).summary;
  const first = await run('a', '2026-11-21T02:00:00Z');
  await run('b', '2026-11-22T02:00:00Z');
  const { result } = await run('a', '2026-11-23T02:00:00Z');
  expect(result).toMatchObject({ job: 'tells_context', name: 'a', previous: [{ runId: first.runId }] });
});

test('what people look at goes by the name', async () => {
  await using database = await createDatabase();
  await runToEnd(['noop', '--as', 'cleanup-eu'], { database });
  expect((await runToEnd(['history', 'cleanup-eu'], { database })).stdout).toContain('cleanup-eu');
  expect((await runToEnd(['status'], { database })).stdout).toMatch(/^cleanup-eu .*succeeded/m);
});

test.for(['', '-a', 'a b', 'a/b', 'a\nb', 'x'.repeat(101), 'a-'])(
  '--as %j is rejected with one sentence',
  async (name) => {
    const { summary } = await runToEnd(['noop', `--as=${name}`]);
    expect(summary).toMatchObject({ status: 'rejected', exitCode: 64 });
    expect(summary.error?.message).toMatch(/^--as /);
  },
);

test('the pods of a Job that somebody made by hand share one scheduled time, by the uid of the Job', async () => {
  await using database = await createDatabase();
  const run = async (index: number, uid = 'b5d2e0f2-58f6-4f6e-9d0a-0123456789ab') => {
    const env = { JOB_NAME: 'by-hand', JOB_UID: uid, RUN_JOB_SHARDS: '2', JOB_COMPLETION_INDEX: String(index) };
    return (await runToEnd(['noop'], { database, env })).summary;
  };
  const first = await run(0);
  expect(first).toMatchObject({ status: 'succeeded' });
  expect(await run(1)).toMatchObject({ status: 'succeeded', scheduledAt: first.scheduledAt });
  // A pod that Kubernetes started in place of the first one, although that had succeeded.
  expect(await run(0)).toMatchObject({ ...DONE, scheduledAt: first.scheduledAt });
  const other = await run(0, 'ffffffff-58f6-4f6e-9d0a-0123456789ab');
  expect(other.status).toBe('succeeded');
  expect(other.scheduledAt).not.toBe(first.scheduledAt);
});

test('a run of one count of parts excludes those of another, and lets the others of its own count run', async () => {
  await using database = await createDatabase();
  await using gate = await openGate();
  const args = ['waits', '--locked=fail', '--param', `gate=${gate.path}`];
  const shard = (index: number, count: number) => ({
    RUN_JOB_SHARDS: String(count),
    JOB_COMPLETION_INDEX: String(index),
  });
  await using first = runJob(args, { database, env: shard(0, 3) });
  const one = await first.until(gate.arrival());
  expect((await runToEnd(args, { database, env: shard(1, 4) })).summary).toMatchObject({ reason: 'locked' });
  await using second = runJob(args, { database, env: shard(1, 3) });
  const two = await second.until(gate.arrival());
  one.open();
  two.open();
  expect((await first.done).summary.status).toBe('succeeded');
  expect((await second.done).summary.status).toBe('succeeded');
});
