// Whatever happens to the runs of a slot, each row is copied exactly once. `npm run bench -- checkpoint kills` plays it with 200 kills.
import { expect, test } from 'vitest';
import { onEveryPostgres } from '../support/every-postgres.ts';
import { startPgBouncer } from '../support/pgbouncer.ts';
import { type Play, play } from './property.ts';
import { JOBS, SLOT, tablesOf } from './support.ts';

const ROWS = 2_000;

const PLAYS: readonly [string, Pick<Play, 'by' | 'kills' | 'rollBackOneIn'>][] = [
  ['killed with SIGKILL', { by: 'kill', kills: 3, rollBackOneIn: 8 }],
  ['two pods that fight for it', { by: 'fight', kills: 2, rollBackOneIn: 0 }],
  ['cut off from the database', { by: 'cut', kills: 2, rollBackOneIn: 0 }],
];

onEveryPostgres((createDatabase) => {
  test.for(PLAYS)('%s', { retry: 0 }, async ([_, how]) => {
    for (let tries = 1; ; tries += 1) {
      await using database = await createDatabase({ migrated: true });
      await database.query(tablesOf(ROWS));
      const played = await play({
        ...how,
        url: database.url,
        direct: database.url,
        jobs: JOBS,
        slot: SLOT,
        seed: tries,
        rows: ROWS,
        batch: 20,
      });
      expect(played).toMatchObject({ copied: ROWS, distinct: ROWS, checkpoints: 0 });
      if (played.workers > 1) return;
      // On a busy machine the first may have copied all before it is looked at.
      expect(tries, 'plays in which one run did all').toBeLessThan(5);
    }
  });

  test('killed behind PgBouncer', { retry: 0 }, async () => {
    await using database = await createDatabase({ migrated: true });
    await database.query(tablesOf(ROWS));
    await using pooler = await startPgBouncer(database.url);
    const played = await play({
      by: 'kill',
      kills: 3,
      rollBackOneIn: 8,
      url: pooler.url,
      direct: database.url,
      jobs: JOBS,
      slot: SLOT,
      seed: 2,
      rows: ROWS,
      batch: 20,
    });
    expect(played).toMatchObject({ copied: ROWS, distinct: ROWS, checkpoints: 0 });
  });
});
