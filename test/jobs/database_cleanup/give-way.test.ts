// Giving way is for others: on a server where nobody else writes the job doesn't take its own transactions for theirs.
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { createDatabase } from '../../support/database.ts';
import { hasDebianPostgres, startDebianPostgres } from '../../support/debian-postgres.ts';
import type { PostgresServer } from '../../support/postgres-server.ts';
import { createTemplate } from '../../support/template-database.ts';
import { daysAgo, type Line, runCleanup } from './support.ts';

const TRIGGERS = {
  'a trigger that refuses one row in seven': `if old.id % 7 = 0 then raise 'stays'; end if;`,
  'a trigger that handles an exception of its own for each row': `begin insert into audit values (old.id);
    exception when unique_violation then null; end;`,
};

describe.skipIf(!hasDebianPostgres())('on a server of its own', () => {
  let server: PostgresServer;
  beforeAll(async () => {
    server = await startDebianPostgres();
    await createTemplate(server.url);
  });
  afterAll(() => server[Symbol.asyncDispose]());

  test.for(Object.entries(TRIGGERS))('%s makes nobody wait', async ([, body]) => {
    await using database = await createDatabase({ migrated: false, serverUrl: server.url });
    await database.query(`create table audit (item_id int unique);
      create table item (id int primary key, pad text, deleted_at timestamptz);
      alter table item alter pad set storage plain;
      insert into item select i, repeat('x', 700), ${daysAgo(100)} - i * interval '1 s' from generate_series(1, 800) i;
      create function act() returns trigger language plpgsql as $$ begin ${body} return old; end $$;
      create trigger act before delete on item for each row execute function act();
      analyze item`);
    const lines: Line[] = [];
    const params = { giveWay: true, allowLarge: true, batchSize: 40, maxBatchSize: 40 };
    const { totals } = await runCleanup(database.url, { lines, params });
    expect(totals.deleted).toBeGreaterThan(650);
    // It may give way to begin with, until it knows: for a tenth of a second.
    expect(lines.filter(({ message }) => message === 'giving way').length).toBeLessThan(10);
  });
});
