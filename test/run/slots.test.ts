// A scheduled time is done once: it is the key of the work, whoever asks for it and how often.
import { expect, test } from 'vitest';
import { readRecord, readRecords } from '../support/accounts.ts';
import { createDatabase } from '../support/database.ts';
import { openGate } from '../support/gate.ts';
import { runJob, runToEnd } from '../support/run-job.ts';

const AT = '2026-11-23T02:00:00Z';
const DONE = { status: 'skipped', reason: 'slot_succeeded', exitCode: 0 } as const;

test('a slot that has succeeded is skipped, in whatever time zone it is written', async () => {
  await using database = await createDatabase();
  const run = async (at: string) => (await runToEnd(['noop', '--scheduled-at', at], { database })).summary;
  expect(await run(AT)).toMatchObject({ status: 'succeeded', scheduledAt: '2026-11-23T02:00:00.000Z' });
  expect(await run('2026-11-23T03:00:00+01:00')).toMatchObject(DONE);
  expect(await run('2026-11-23T02:01:00Z')).toMatchObject({ status: 'succeeded' });
});

test('--force runs a slot again', async () => {
  await using database = await createDatabase();
  await runToEnd(['noop', '--scheduled-at', AT], { database });
  const again = await runToEnd(['noop', '--scheduled-at', AT, '--force'], { database });
  expect(again.summary).toMatchObject({ status: 'succeeded' });
  expect(await readRecord(database, again.summary.runId)).toMatchObject({ status: 'succeeded', forced: true });
});

test('a slot that has failed is run again', async () => {
  await using database = await createDatabase();
  const run = async (succeedsAt: number) =>
    (await runToEnd(['flaky', '--scheduled-at', AT, '--param', `succeedsAt=${succeedsAt}`], { database })).summary;
  expect(await run(99)).toMatchObject({ status: 'failed' });
  expect(await run(1)).toMatchObject({ status: 'succeeded' });
  expect(await run(1)).toMatchObject(DONE);
});

test('a dry run does no slot, and is not stopped by one that is done', async () => {
  await using database = await createDatabase();
  const run = async (...flags: string[]) =>
    (await runToEnd(['tells_context', '--scheduled-at', AT, ...flags], { database })).summary;
  expect(await run('--dry-run')).toMatchObject({ status: 'succeeded', dryRun: true, result: { dryRun: true } });
  expect(await run()).toMatchObject({ status: 'succeeded', result: { dryRun: false } });
  expect(await run('--dry-run')).toMatchObject({ status: 'succeeded' });
});

test('another job’s slot is another slot', async () => {
  await using database = await createDatabase();
  await runToEnd(['noop', '--scheduled-at', AT], { database });
  expect((await runToEnd(['tells_context', '--scheduled-at', AT], { database })).summary.status).toBe('succeeded');
});

test('the Job that a CronJob makes carries the slot in its name', async () => {
  await using database = await createDatabase();
  // A slot of the past hour: names that claim a slot years away are not believed.
  const minutes = Math.floor(Date.now() / 60_000) - 60;
  const env = { CRONJOB_NAME: 'nightly', JOB_NAME: `nightly-${minutes}` };
  const first = await runToEnd(['noop'], { database, env });
  expect(first.summary).toMatchObject({ status: 'succeeded', scheduledAt: new Date(minutes * 60_000).toISOString() });
  // The same Job's next pod.
  expect((await runToEnd(['noop'], { database, env })).summary).toMatchObject(DONE);
  expect((await runToEnd(['noop'], { database, env: { ...env, JOB_NAME: 'nightly-manual' } })).summary.status).toBe(
    'succeeded',
  );
});

test('without a slot the start is the scheduled time', async () => {
  await using database = await createDatabase();
  const { summary } = await runToEnd(['noop'], { database });
  const record = await readRecord(database, summary.runId);
  expect(record?.scheduled_at).toEqual(record?.started_at);
});

test('of two runs of a slot that wait for each other only one does the work', async () => {
  await using database = await createDatabase();
  await using gate = await openGate();
  const args = ['waits', '--scheduled-at', AT, '--locked=wait', '--param', `gate=${gate.path}`];
  await using first = runJob(args, { database });
  const visitor = await first.until(gate.arrival());
  await using second = runJob(args, { database });
  await second.waitForLine(({ msg }) => msg.startsWith('waiting'));
  visitor.open();
  expect((await first.done).summary.status).toBe('succeeded');
  expect((await second.done).summary).toMatchObject(DONE);
});

test('the results of earlier runs are given to the job, newest first', async () => {
  await using database = await createDatabase();
  const run = async (at: string) => (await runToEnd(['tells_context', '--scheduled-at', at], { database })).summary;
  const first = await run('2026-11-21T02:00:00Z');
  const second = await run('2026-11-22T02:00:00Z');
  const third = await run('2026-11-23T02:00:00Z');
  const previous = (third.result as { previous: { runId: string }[] }).previous;
  expect(previous.map(({ runId }) => runId)).toEqual([second.runId, first.runId]);
  expect(await readRecords(database)).toHaveLength(3);
});

test.for(['tomorrow', '2026-11-23', '2026-11-23T02:00:00', '2026-13-01T00:00:00Z', '2026-02-30T00:00:00Z'])(
  '--scheduled-at %s is rejected',
  async (at) => {
    const ended = await runToEnd(['noop', '--scheduled-at', at]);
    expect(ended.summary).toMatchObject({ status: 'rejected', exitCode: 64 });
    expect(ended.summary.error?.message).toContain('--scheduled-at');
  },
);
