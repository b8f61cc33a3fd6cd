// From its first lock to the commit of its end, no look at the server shows a run's record as running without the run's lock, or its name free.
import { setTimeout as sleep } from 'node:timers/promises';
import { describe, expect, test } from 'vitest';
import { ALIVE } from '../../src/postgres/run-sql.ts';
import { endOf, jobLease, runOf, slotOf } from '../contracts/runs.ts';
import { onEveryPostgres } from '../support/every-postgres.ts';
import { startPgBouncer } from '../support/pgbouncer.ts';
import { adapterOf } from './support.ts';

const ROUNDS = 40;

onEveryPostgres((createDatabase) => {
  describe.for(['directly', 'through PgBouncer in transaction mode'])('%s', (way) => {
    test('a run of the whole, and one of a shard, are never seen running without their locks', async () => {
      await using database = await createDatabase({ migrated: true });
      await using pooler = way === 'directly' ? undefined : await startPgBouncer(database.url, { poolSize: 3 });
      await using it = adapterOf(database, pooler?.url);
      const watcher = await database.connect();
      const seen: string[] = [];
      let over = false;
      const watching = (async () => {
        while (!over) {
          // One statement reads the locks after the records, so that a record that has just been closed is read as it was.
          const { rows } = await watcher.query(
            `SELECT r.id FROM run_job.runs r WHERE r.status = 'running' AND NOT ${ALIVE}`,
          );
          for (const { id } of rows) {
            const { rows: still } = await watcher.query(
              `SELECT 1 FROM run_job.runs WHERE id = $1 AND status = 'running'`,
              [id],
            );
            if (still.length > 0) seen.push(id);
          }
          await sleep(1);
        }
      })();
      const rivals: string[] = [];
      for (let round = 0; round < ROUNDS; round += 1) {
        const shard = round % 2 ? { index: 1, count: 3 } : { index: 0, count: 1 };
        const run = runOf(slotOf('report', shard, new Date(Date.UTC(2026, 0, 1, 0, round))));
        const lease = jobLease(await it.locks.acquire({ runId: run.id, ...run.slot, limit: 3 }));
        let working = true;
        const rival = (async () => {
          while (working) {
            const other = runOf(slotOf('report', shard));
            const result = await it.locks.acquire({ runId: other.id, ...other.slot, limit: 3 });
            if (!result.held) continue;
            if (working) rivals.push(run.id);
            await result.lease.release();
            return;
          }
        })();
        await it.history.start(run, undefined, lease);
        working = false;
        await rival;
        await it.history.end(run.id, endOf(), lease);
      }
      over = true;
      await watching;
      await watcher.end();
      expect(seen).toEqual([]);
      expect(rivals).toEqual([]);
      const locks = `SELECT FROM pg_locks WHERE locktype = 'advisory' AND database = (SELECT oid FROM pg_database WHERE datname = current_database())`;
      expect(await database.query(locks)).toEqual([]);
      expect(await database.query(`SELECT FROM run_job.runs WHERE status <> 'succeeded'`)).toEqual([]);
    });
  });
});
