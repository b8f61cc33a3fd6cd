// examples/long-job, as Kubernetes would run it: drained, and gone on with by a new pod. Its README's command is run in test/docs.
import { fileURLToPath } from 'node:url';
import { expect, test } from 'vitest';
import { onEveryPostgres } from '../support/every-postgres.ts';
import { runJob, runToEnd } from '../support/run-job.ts';
import { SLOT } from './support.ts';

const env = { RUN_JOB_DIRS: fileURLToPath(new URL('../../examples/long-job/jobs', import.meta.url)) };
const ARGS = ['copy_orders', ...SLOT];

onEveryPostgres((create) => {
  test('a pod that is drained asks for another, which goes on; each order is in the archive once', async () => {
    await using database = await create({ migrated: true });
    await database.query(`CREATE TABLE orders (id integer PRIMARY KEY, total numeric);
      CREATE TABLE orders_archive (id integer, total numeric);
      INSERT INTO orders SELECT i, i FROM generate_series(1, 200000) i`);
    const archived = async () =>
      (await database.query<{ count: number }>('SELECT count(*)::integer AS count FROM orders_archive'))[0]?.count ?? 0;
    await using drained = runJob(ARGS, { database, env });
    await drained.until(
      (async () => {
        while ((await archived()) === 0);
      })(),
    );
    drained.kill('SIGTERM');
    expect((await drained.done).summary).toMatchObject({ status: 'continued', exitCode: 80 });
    const before = await archived();
    expect(before).toBeLessThan(200_000);
    const next = await runToEnd(ARGS, { database, env });
    expect(next.summary).toMatchObject({ status: 'succeeded', result: { copied: 200_000 } });
    expect(
      await database.query('SELECT count(*)::integer, count(DISTINCT id)::integer AS ids FROM orders_archive'),
    ).toEqual([{ count: 200_000, ids: 200_000 }]);
  });
});
