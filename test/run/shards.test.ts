// An Indexed Job's pods each do one part: side by side, each part once, and apart from a run of the whole.
import { expect, test } from 'vitest';
import { readRecord } from '../support/accounts.ts';
import { createDatabase } from '../support/database.ts';
import { openGate } from '../support/gate.ts';
import { runJob, runToEnd } from '../support/run-job.ts';

const shard = (index: number, count = 3) => ({ RUN_JOB_SHARDS: String(count), JOB_COMPLETION_INDEX: String(index) });

test('each part gets its index and the count, and is recorded with them', async () => {
  await using database = await createDatabase();
  const { summary } = await runToEnd(['tells_context'], { database, env: shard(2) });
  expect(summary).toMatchObject({
    status: 'succeeded',
    shard: { index: 2, count: 3 },
    result: { shard: { index: 2, count: 3 } },
  });
  expect(await readRecord(database, summary.runId)).toMatchObject({ shard_index: 2, shard_count: 3 });
});

test('parts run side by side, the same part does not, and a run of the whole job excludes them', async () => {
  await using database = await createDatabase();
  await using gate = await openGate();
  const args = ['waits', '--param', `gate=${gate.path}`];
  await using first = runJob(args, { database, env: shard(0) });
  const one = await first.until(gate.arrival());
  await using second = runJob(args, { database, env: shard(1) });
  const two = await second.until(gate.arrival());
  const locked = { status: 'skipped', reason: 'locked' };
  expect((await runToEnd([...args, '--locked=skip'], { database, env: shard(0) })).summary).toMatchObject(locked);
  expect((await runToEnd([...args, '--locked=skip'], { database })).summary).toMatchObject(locked);
  one.open();
  two.open();
  expect((await first.done).summary.status).toBe('succeeded');
  expect((await second.done).summary.status).toBe('succeeded');
});

test('a run of the whole job keeps its parts out', async () => {
  await using database = await createDatabase();
  await using gate = await openGate();
  const args = ['waits', '--param', `gate=${gate.path}`];
  await using whole = runJob(args, { database });
  await whole.until(gate.arrival());
  expect((await runToEnd([...args, '--locked=skip'], { database, env: shard(0) })).summary).toMatchObject({
    status: 'skipped',
    reason: 'locked',
  });
});

test('a slot is done once for each part', async () => {
  await using database = await createDatabase();
  const run = async (index: number) =>
    (await runToEnd(['noop', '--scheduled-at', '2026-11-23T02:00:00Z'], { database, env: shard(index) })).summary;
  expect(await run(0)).toMatchObject({ status: 'succeeded' });
  expect(await run(1)).toMatchObject({ status: 'succeeded' });
  expect(await run(0)).toMatchObject({ status: 'skipped', reason: 'slot_succeeded' });
});

test.for([
  ['an index that is not below the count', { RUN_JOB_SHARDS: '3', JOB_COMPLETION_INDEX: '3' }, 'JOB_COMPLETION_INDEX'],
  ['an index without a count', { JOB_COMPLETION_INDEX: '1' }, 'RUN_JOB_SHARDS'],
  ['a count without an index', { RUN_JOB_SHARDS: '3' }, 'JOB_COMPLETION_INDEX'],
] as const)('%s is misconfigured', async ([, env, variable]) => {
  const { summary } = await runToEnd(['noop'], { env });
  expect(summary).toMatchObject({ status: 'misconfigured', exitCode: 78 });
  expect(summary.error?.message).toContain(variable);
});
