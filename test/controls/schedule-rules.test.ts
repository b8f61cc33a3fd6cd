// What a schedule says of its runs: slots in a blackout are skipped, and a run waits until the one that it comes after has succeeded.
import { expect, test } from 'vitest';
import { expectAccounts } from '../support/accounts.ts';
import { createDatabase } from '../support/database.ts';
import { onEveryPostgres } from '../support/every-postgres.ts';
import { openGate } from '../support/gate.ts';
import { type Line, runJob } from '../support/run-job.ts';
import { command, SLOT, schedule } from './support.ts';

const SUCCEEDED = { status: 'succeeded', exitCode: 0 } as const;
const BLACKOUT = { status: 'skipped', exitCode: 0, reason: 'blackout', attempts: 0 } as const;
const EARLY = { status: 'skipped', exitCode: 75, reason: 'after', attempts: 0 } as const;
const AT_SLOT = ['--scheduled-at', SLOT];
const waits = ({ msg }: Line) => msg.startsWith('waiting');

onEveryPostgres((create) => {
  test('a slot in a blackout is skipped with 0; by hand, by force and as a dry run it runs', async () => {
    await using database = await create({ migrated: true });
    const blackouts = {
      timeZone: 'Europe/Berlin',
      dates: ['2026-11-26'],
      weekly: [{ from: 'Fri 18:00', to: 'Mon 06:00' }],
    };
    await schedule(database, 'noop', { blackouts });
    const ended = await command(database, ['noop', ...AT_SLOT]);
    await expectAccounts(ended, database, BLACKOUT);
    expect(ended.summary.why).toBe(`${SLOT} lies in a blackout: 2026-11-26, Europe/Berlin`);
    const weekend = await command(database, ['noop', '--scheduled-at', '2026-11-28T02:00:00Z']);
    await expectAccounts(weekend, database, BLACKOUT);
    expect(weekend.summary.why).toContain('Fri 18:00 to Mon 06:00');
    await expectAccounts(
      await command(database, ['noop', '--scheduled-at', '2026-11-27T02:00:00Z']),
      database,
      SUCCEEDED,
    );
    await expectAccounts(await command(database, ['noop']), database, SUCCEEDED);
    await expectAccounts(await command(database, ['noop', ...AT_SLOT, '--dry-run']), database, SUCCEEDED);
    await expectAccounts(await command(database, ['noop', ...AT_SLOT, '--force']), database, SUCCEEDED);
    // A schedule that isn't in force any more says nothing.
    await database.query(`update run_job.schedules set valid_to = now()`);
    await expectAccounts(await command(database, ['noop', ...AT_SLOT]), database, SUCCEEDED);
  });

  test('a run waits for the same slot of another name, holds no connection meanwhile, and begins when that has succeeded', async () => {
    await using database = await create({ migrated: true });
    await schedule(database, 'load', { after: [{ name: 'extract', slot: 'same', withinMs: 600_000 }] });
    await using gate = await openGate();
    await using extract = runJob(['waits', '--as=extract', ...AT_SLOT, '--param', `gate=${gate.path}`], { database });
    const visitor = await extract.until(gate.arrival());
    await using load = runJob(['noop', '--as=load', ...AT_SLOT], { database });
    expect((await load.waitForLine(waits)).msg).toBe(
      `waiting: extract of ${SLOT} hasn't succeeded (its newest run: running)`,
    );
    await expect
      .poll(() =>
        database.query(
          `select application_name from pg_stat_activity where datname = $1 and application_name like '%load%'`,
          [database.name],
        ),
      )
      .toEqual([]);
    visitor.open();
    await expectAccounts(await load.done, database, SUCCEEDED);
    await expectAccounts(await command(database, ['noop', '--as=load', ...AT_SLOT, '--force']), database, SUCCEEDED);
  });

  test.for([
    ['no run', undefined, 'no run of it has begun'],
    ['a failed run', 'failed', 'its newest run: failed'],
    ['a run that was skipped', 'skipped', 'its newest run: skipped (paused)'],
  ] as const)('after %s it waits in vain: 75 with one sentence', async ([_, status, sentence]) => {
    await using database = await create({ migrated: true });
    await schedule(database, 'load', { after: [{ name: 'noop', slot: 'same', withinMs: 300 }] });
    if (status) {
      await command(database, ['noop', ...AT_SLOT]);
      await database.query(`update run_job.runs set status = $1, reason = case when $1 = 'skipped' then 'paused' end`, [
        status,
      ]);
    }
    const ended = await command(database, ['noop', '--as=load', ...AT_SLOT]);
    await expectAccounts(ended, database, EARLY);
    expect(ended.summary.why).toBe(`noop of ${SLOT} hasn't succeeded (${sentence})`);
    // By hand it stands for no slot, so that there is none to wait for.
    await expectAccounts(await command(database, ['noop', '--as=load']), database, SUCCEEDED);
  });

  test('the latest slot is that of the other name’s schedule, also where no run of it has begun', async () => {
    await using database = await create({ migrated: true });
    await schedule(database, 'load', { after: [{ name: 'noop', slot: 'latest', withinMs: 100 }] });
    // At 23:00 in Berlin, which is at 22:00 the evening before.
    await schedule(database, 'noop', { cron: '0 23 * * *', timeZone: 'Europe/Berlin' });
    await command(database, ['noop', '--scheduled-at', '2026-11-24T22:00:00Z']);
    const early = await command(database, ['noop', '--as=load', ...AT_SLOT]);
    await expectAccounts(early, database, EARLY);
    expect(early.summary.why).toBe("noop of 2026-11-25T22:00:00.000Z hasn't succeeded (no run of it has begun)");
    await command(database, ['noop', '--scheduled-at', '2026-11-25T22:00:00Z']);
    await expectAccounts(await command(database, ['noop', '--as=load', ...AT_SLOT]), database, SUCCEEDED);
  });

  test('without a schedule it is the newest that is recorded; every part of a sharded one must have succeeded', async () => {
    await using database = await create({ migrated: true });
    await schedule(database, 'load', { after: [{ name: 'noop', slot: 'latest', withinMs: 100 }] });
    const never = await command(database, ['noop', '--as=load', ...AT_SLOT]);
    await expectAccounts(never, database, EARLY);
    expect(never.summary.why).toBe('noop has no slot yet that could have succeeded');
    const part = (index: number) =>
      command(database, ['noop', '--scheduled-at', '2026-11-26T01:00:00Z'], {
        env: { RUN_JOB_SHARDS: '2', JOB_COMPLETION_INDEX: String(index) },
      });
    await part(0);
    await expectAccounts(await command(database, ['noop', '--as=load', ...AT_SLOT]), database, EARLY);
    await part(1);
    // One that is later than ours is none of ours.
    await command(database, ['throws', '--as=noop', '--param', 'kind=error', '--scheduled-at', '2026-11-26T03:00:00Z']);
    await expectAccounts(await command(database, ['noop', '--as=load', ...AT_SLOT]), database, SUCCEEDED);
  });
});

test('a job may say itself what it comes after, and SIGTERM ends the wait', async () => {
  await using database = await createDatabase();
  await using run = runJob(['comes_after', ...AT_SLOT], { database });
  await run.waitForLine(waits);
  run.kill('SIGTERM');
  await expectAccounts(await run.done, database, { status: 'interrupted', exitCode: 143, error: 'SIGTERM' });
  await command(database, ['noop', ...AT_SLOT]);
  await expectAccounts(await command(database, ['comes_after', ...AT_SLOT]), database, SUCCEEDED);
});

test('two that are waited for are waited for at the same time', async () => {
  await using database = await createDatabase();
  const after = ['first', 'second'].map((name) => ({ name, slot: 'same' as const, withinMs: 2_000 }));
  await schedule(database, 'load', { after });
  await using load = runJob(['noop', '--as=load', ...AT_SLOT], { database });
  await load.waitForLine(waits);
  await command(database, ['noop', '--as=first', ...AT_SLOT]);
  const ended = await load.done;
  await expectAccounts(ended, database, EARLY);
  expect(ended.summary.why).toContain('second of');
  expect(ended.summary.durationMs).toBeLessThan(6_000);
});
