// What runs say of themselves in PostgreSQL: it is there while they live, gone when they end, and harms nothing where it can't be said.
import { expect, test } from 'vitest';
import { withConnection } from '../../src/postgres/connect.ts';
import { openHistory } from '../../src/postgres/history.ts';
import { liveOf, waitingRuns } from '../../src/postgres/live.ts';
import { findRuns } from '../../src/postgres/records.ts';
import { endOf, runOf, slotOf } from '../contracts/runs.ts';
import { serverAt } from './server-at.ts';
import { openAdapter } from './support.ts';

const since = new Date('2026-02-03T04:05:06.007Z');
const waiting = { reason: 'locked', since, until: new Date(since.getTime() + 600_000), holder: 'other' } as const;
const failed = { startedAt: since, endedAt: since, error: { name: 'Error', message: 'no' }, retryInMs: 20 };

test('who waits is seen until the run begins, then how far it is until it ends; its record keeps the attempts', async () => {
  await using it = await openAdapter();
  const run = runOf(slotOf('report', { index: 1, count: 2 }), { begunAt: new Date(since.getTime() + 5_000) });
  const look = () =>
    withConnection(it.server, async (connection) => ({
      waiting: await waitingRuns(connection),
      live: await liveOf(connection, [run.id]),
    }));
  await it.history.tell(run, { waiting });
  const [seen] = (await look()).waiting;
  expect(seen).toMatchObject({
    runId: run.id,
    name: 'report',
    scheduledAt: run.slot.scheduledAt,
    shard: run.slot.shard,
    place: 'host-1, process 4711',
    told: { waiting },
  });
  await it.history.start(run);
  expect(await look()).toEqual({ waiting: [], live: [] });
  await it.history.tell(run, { attempts: [failed], progress: { done: 3, total: 4 } });
  expect((await look()).live).toMatchObject([{ told: { attempts: [failed], progress: { done: 3, total: 4 } } }]);
  const tries = [failed, { startedAt: since }];
  await it.history.end(run.id, endOf({ attempts: 2, tries }));
  expect(await look()).toEqual({ waiting: [], live: [] });
  const [record] = await withConnection(it.server, (connection) => findRuns(connection, run.id));
  expect(record).toMatchObject({ begunAt: run.begunAt, tries });
});

test('a run that waited in vain leaves its record alone, and one that has gone silent waits for nothing', async () => {
  await using it = await openAdapter();
  const [vain, killed] = [runOf(slotOf('vain')), runOf(slotOf('killed'))];
  const adapters = [vain, killed].map(() => openHistory(it.server, { endWithinMs: 0 }));
  for (const [index, run] of [vain, killed].entries()) await adapters[index]?.tell(run, { waiting });
  await adapters[0]?.record(vain, endOf({ status: 'skipped', exitCode: 75, reason: 'locked', attempts: 0 }));
  await it.database.query(`UPDATE run_job.live SET told_at = now() - interval '46 seconds'`);
  expect(await withConnection(it.server, waitingRuns)).toEqual([]);
  expect(await it.database.query('SELECT run_id FROM run_job.live')).toEqual([{ run_id: killed.id }]);
  await it.database.query(`UPDATE run_job.live SET told_at = now() - interval '91 days'`);
  await it.history.prune(90);
  expect(await it.database.query('SELECT FROM run_job.live')).toEqual([]);
  for (const history of adapters) await history.close();
});

test.for(['REVOKE ALL ON run_job.live FROM', 'REVOKE DELETE ON run_job.live FROM'])(
  'a role that may not say it ends its runs all the same: %s',
  async (revoke) => {
    await using it = await openAdapter();
    const role = `silent_${it.database.name}`;
    await it.database.query(`CREATE ROLE ${role} LOGIN PASSWORD 'silent'`);
    try {
      await it.database.query(`GRANT USAGE ON SCHEMA run_job TO ${role};
        GRANT SELECT, INSERT, UPDATE, DELETE ON ALL TABLES IN SCHEMA run_job TO ${role}; ${revoke} ${role}`);
      const url = Object.assign(new URL(it.database.url), { username: role, password: 'silent' }).href;
      const history = openHistory(serverAt(url), { endWithinMs: 0 });
      const run = runOf(slotOf('report'));
      await history.tell(run, { waiting });
      await history.start(run);
      await history.tell(run, { progress: { done: 1 } });
      await history.end(run.id, endOf());
      await history.close();
      expect(await it.database.query('SELECT status FROM run_job.runs')).toEqual([{ status: 'succeeded' }]);
    } finally {
      await it.database.query(`DROP OWNED BY ${role}`);
      await it.database.query(`DROP ROLE ${role}`);
    }
  },
);
