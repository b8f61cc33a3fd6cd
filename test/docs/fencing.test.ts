// The example of docs/writing-a-job.md that refuses the write of a run that is late, run as it stands there.
import { mkdtempSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { expect, inject, test } from 'vitest';
import { expectAccounts } from '../support/accounts.ts';
import { createDatabase } from '../support/database.ts';
import { runToEnd } from '../support/run-job.ts';
import { snippets } from './snippets.ts';

const example = snippets().find(({ text }) => text.startsWith('// jobs/publish_prices.ts'));

test('each run writes over the one before it, and a run that is late over nothing', async () => {
  const folder = mkdtempSync(join(inject('scratchFolder'), 'fencing-'));
  writeFileSync(join(folder, 'publish_prices.ts'), example?.text ?? '');
  await using database = await createDatabase();
  await database.query(`CREATE TABLE prices (article text PRIMARY KEY, price integer)`);
  await database.query(`INSERT INTO prices VALUES ('tea', 3)`);
  await database.query(`CREATE TABLE price_list (prices jsonb, fence bigint NOT NULL)`);
  await database.query(`INSERT INTO price_list VALUES ('{}', 0)`);
  const run = () => runToEnd(['publish_prices'], { database, env: { RUN_JOB_DIRS: folder } });
  const list = () => database.query<{ prices: unknown; fence: string }>('SELECT * FROM price_list');

  const first = await run();
  await expectAccounts(first, database, { status: 'succeeded', exitCode: 0 });
  const second = await run();
  const fences = [first, second].map(({ summary }) => (summary.result as { fence: number }).fence);
  expect(fences[1]).toBeGreaterThan(fences[0] ?? Number.POSITIVE_INFINITY);
  expect(await list()).toEqual([{ prices: { tea: 3 }, fence: String(fences[1]) }]);
  expect((await runToEnd(['show', second.summary.runId], { database })).stdout).toMatch(
    new RegExp(`^Fence +${fences[1]}$`, 'm'),
  );

  // A run that has begun later has written: ours is late.
  await database.query(`UPDATE price_list SET prices = '{"tea":4}', fence = fence + 3600000000`);
  await database.query(`UPDATE prices SET price = 2`);
  await expectAccounts(await run(), database, { status: 'unavailable', exitCode: 69, error: 'a later run' });
  expect(await list()).toMatchObject([{ prices: { tea: 4 } }]);
});

test('the fence grows although the clock of the database is behind it', async () => {
  await using database = await createDatabase();
  const [first, second] = [await runToEnd(['noop'], { database }), await runToEnd(['noop'], { database })];
  const ahead = String(Date.now() * 1_000 + 3_600_000_000);
  await database.query('UPDATE run_job.runs SET fence = $1 WHERE id = $2', [ahead, second.summary.runId]);
  const third = await runToEnd(['noop'], { database });
  const fenceOf = async (id: string) =>
    (await database.query<{ fence: string }>('SELECT fence FROM run_job.runs WHERE id = $1', [id]))[0]?.fence;
  expect(Number(await fenceOf(first.summary.runId))).toBeLessThan(Number(ahead));
  expect(await fenceOf(third.summary.runId)).toBe(String(BigInt(ahead) + 1n));
});
