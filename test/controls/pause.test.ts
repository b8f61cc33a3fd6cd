// Paused names: nothing of them runs, whoever starts it, until somebody resumes them or the time is up.
import { expect, test } from 'vitest';
import { expectAccounts, readRecords } from '../support/accounts.ts';
import { createDatabase } from '../support/database.ts';
import { onEveryPostgres } from '../support/every-postgres.ts';
import { openGate } from '../support/gate.ts';
import { startPostgres } from '../support/postgres-server.ts';
import { runJob, runToEnd } from '../support/run-job.ts';
import { shiftedClock } from '../support/shifted-clock.ts';
import { createTemplate } from '../support/template-database.ts';
import { command, SLOT, schedule } from './support.ts';

const PAUSED = { status: 'skipped', exitCode: 0, reason: 'paused', attempts: 0 } as const;
const SUCCEEDED = { status: 'succeeded', exitCode: 0 } as const;

onEveryPostgres((create) => {
  test('a paused name is skipped with 0, also by force, by hand and as a dry run, and runs again when it is resumed', async () => {
    await using database = await create({ migrated: true });
    const paused = await command(database, ['pause', 'noop', '--why', 'the orders are being moved']);
    expect(paused).toMatchObject({ exitCode: 0, stderr: '' });
    expect(paused.stdout).toMatch(
      /^noop: the name is paused by \S+ since .*: the orders are being moved; what runs goes on/,
    );
    for (const args of [['noop'], ['noop', '--force', '--scheduled-at', SLOT], ['noop', '--dry-run']]) {
      const ended = await command(database, args);
      await expectAccounts(ended, database, PAUSED);
      expect(ended.summary.why).toContain('the orders are being moved');
      expect(ended.termination?.why).toBe(ended.summary.why);
      expect(ended.lines.find(({ reason }) => reason === 'paused')).toMatchObject({ level: 'warn' });
    }
    const [row] = await database.query('select why from run_job.runs limit 1');
    expect(row?.why).toContain('the orders are being moved');
    // Another name of the same job isn't paused.
    await expectAccounts(await command(database, ['noop', '--as', 'other']), database, SUCCEEDED);
    expect((await command(database, ['pause'])).stdout).toContain('noop: the name is paused');
    expect((await command(database, ['resume', 'noop'])).stdout).toContain('noop runs again');
    expect((await command(database, ['resume', 'noop'])).stdout).toBe("noop isn't paused\n");
    expect((await command(database, ['pause'])).stdout).toBe('nothing is paused\n');
    await expectAccounts(await command(database, ['noop']), database, SUCCEEDED);
  });

  test('a pause ends by itself, and the next one is another', async () => {
    await using database = await create({ migrated: true });
    await command(database, ['pause', 'noop', '--why', 'first', '--until', '2h']);
    await expectAccounts(await command(database, ['noop']), database, PAUSED);
    await database.query(
      `update run_job.pauses set since = now() - interval '2 hours', until = now() - interval '1 second'`,
    );
    await expectAccounts(await command(database, ['noop']), database, SUCCEEDED);
    await command(database, ['pause', 'noop', '--why', 'second']);
    const pauses = await database.query('select why, ended_at = until as by_itself from run_job.pauses order by since');
    expect(pauses).toEqual([
      { why: 'first', by_itself: true },
      { why: 'second', by_itself: null },
    ]);
  });

  test('of six who pause a name at once each is told so, and there is one pause', async () => {
    await using database = await create({ migrated: true });
    const ended = await Promise.all(
      Array.from({ length: 6 }, (_, n) => command(database, ['pause', 'noop', '--why', `reason ${n}`])),
    );
    expect(ended.map(({ exitCode }) => exitCode)).toEqual(Array(6).fill(0));
    expect(await database.query('select count(*)::integer as n from run_job.pauses')).toEqual([{ n: 1 }]);
  });

  test('a run that waits for its lock sees a pause that comes meanwhile', async () => {
    await using database = await create({ migrated: true });
    await using gate = await openGate();
    const args = ['waits', '--param', `gate=${gate.path}`];
    await using first = runJob(args, { database });
    const visitor = await first.until(gate.arrival());
    await using second = runJob(args, { database });
    await second.waitForLine(({ msg }) => msg.startsWith('waiting'));
    await command(database, ['pause', 'waits', '--why', 'enough']);
    await expectAccounts(await second.done, database, PAUSED);
    // What runs goes on.
    visitor.open();
    await expectAccounts(await first.done, database, SUCCEEDED);
  });

  test('after so many failures in a row a name is paused, with the reason, and counts anew when it is resumed', async () => {
    await using database = await create({ migrated: true });
    await schedule(database, 'throws', { pauseAfter: 3 });
    const fails = () => command(database, ['throws', '--param', 'kind=error']);
    await fails();
    await fails();
    expect(await database.query('select * from run_job.pauses')).toEqual([]);
    const third = await fails();
    await expectAccounts(third, database, { status: 'failed', exitCode: 1, error: 'the rows are wrong' });
    expect(third.lines.find(({ pausedName }) => pausedName === 'throws')).toMatchObject({
      level: 'error',
      failures: 3,
    });
    const skipped = await fails();
    await expectAccounts(skipped, database, PAUSED);
    expect(skipped.summary.why).toMatch(/the name is paused since \S+: 3 runs in a row have failed/);
    await command(database, ['resume', 'throws']);
    await expectAccounts(await fails(), database, { status: 'failed', exitCode: 1, error: 'the rows are wrong' });
    expect(await database.query('select * from run_job.pauses where ended_at is null')).toEqual([]);
  });

  test('a success ends a row of failures; runs that were cancelled or skipped neither end it nor count', async () => {
    await using database = await create({ migrated: true });
    await schedule(database, 'throws', { pauseAfter: 3 });
    const fails = () => command(database, ['throws', '--param', 'kind=error']);
    await fails();
    await fails();
    await database.query(
      `update run_job.runs set status = 'succeeded' where id = (select id from run_job.runs order by started_at desc limit 1)`,
    );
    await fails();
    await fails();
    await database.query(
      `update run_job.runs set status = 'cancelled' where id = (select id from run_job.runs order by started_at desc limit 1)`,
    );
    await fails();
    expect(await database.query('select * from run_job.pauses')).toEqual([]);
    await fails();
    expect(await database.query('select failures from run_job.pauses')).toEqual([{ failures: 3 }]);
  });

  test('runs that die without a word pause the name through the next one, which begins nothing', async () => {
    await using database = await create({ migrated: true });
    await schedule(database, 'waits', { pauseAfter: 2 });
    await using gate = await openGate();
    const args = ['waits', '--param', `gate=${gate.path}`];
    for (let n = 0; n < 2; n += 1) {
      await using run = runJob(args, { database });
      await run.until(gate.arrival());
      run.kill('SIGKILL');
      await run.done;
    }
    const ended = await command(database, args);
    await expectAccounts(ended, database, PAUSED);
    expect(ended.summary.why).toContain('2 runs in a row have failed');
  });

  test('the shards of a slot that fail count once', async () => {
    await using database = await create({ migrated: true });
    await schedule(database, 'throws', { pauseAfter: 2 });
    const shard = (index: number, slot: string) =>
      command(database, ['throws', '--param', 'kind=error', '--scheduled-at', slot], {
        env: { RUN_JOB_SHARDS: '2', JOB_COMPLETION_INDEX: String(index) },
      });
    await Promise.all([shard(0, SLOT), shard(1, SLOT)]);
    await shard(0, SLOT);
    expect(await database.query('select * from run_job.pauses')).toEqual([]);
    await shard(0, '2026-11-27T02:00:00Z');
    expect(await database.query('select failures from run_job.pauses')).toEqual([{ failures: 2 }]);
  });
});

test('a job may say pauseAfter itself', async () => {
  await using database = await createDatabase();
  for (let n = 0; n < 2; n += 1) {
    await expectAccounts(await command(database, ['gives_up']), database, {
      status: 'failed',
      exitCode: 1,
      error: 'again',
    });
  }
  await expectAccounts(await command(database, ['gives_up']), database, PAUSED);
});

test('a name may be written with dashes or underscores, and one that nobody knows is refused with a suggestion', async () => {
  await using database = await createDatabase();
  await schedule(database, 'cleanup_eu');
  const paused = await command(database, ['pause', 'cleanup-eu', '--why', 'because']);
  expect(paused.stdout).toMatch(/^cleanup_eu: the name is paused/);
  const unknown = await command(database, ['pause', 'cleanup-uk', '--why', 'because']);
  expect(unknown).toMatchObject({ exitCode: 64, stdout: '' });
  expect(unknown.stderr).toContain('did you mean cleanup_eu?');
  expect((await command(database, ['resume', 'nothing_like_it'])).exitCode).toBe(64);
});

test('a pause is as long as was said, whatever the clock here shows', async () => {
  await using database = await createDatabase();
  for (const byMs of [-3 * 3_600_000, 3 * 3_600_000]) {
    const paused = await command(database, ['pause', 'noop', '--why', 'wrong clock', '--until', '2h'], {
      env: shiftedClock(byMs),
    });
    expect(paused.exitCode, paused.stderr).toBe(0);
    const [pause] = await database.query('select extract(epoch from until - now())::int as left from run_job.pauses');
    expect(pause?.left).toBeGreaterThan(7_100);
    expect(pause?.left).toBeLessThanOrEqual(7_200);
    await expectAccounts(await command(database, ['noop']), database, PAUSED);
  }
});

test.for([
  [['pause', 'noop'], 'say why'],
  [['pause', 'noop', '--why', '  '], 'say why'],
  [['pause', 'noop', '--why', 'x'.repeat(501)], '500 characters'],
  [['pause', 'noop', '--why', 'y', '--until', 'tomorrow'], '--until must be how long'],
  [['pause', 'noop', '--why', 'y', '--until', '2020-01-01T00:00:00Z'], 'later than now'],
  [['pause', 'noop', '--why', 'y', '--until', '2999-02-30T00:00:00Z'], '--until must be how long'],
  [['pause', '--why', 'y'], 'name what is to be paused'],
  [['resume'], 'needs an argument'],
] as const)('%j is refused in one sentence', async ([args, sentence]) => {
  await using database = await createDatabase();
  const ended = await command(database, args);
  expect(ended).toMatchObject({ exitCode: 64, stdout: '' });
  expect(ended.stderr).toContain(sentence);
  expect(ended.stderr.trim().split('\n')).toHaveLength(1);
});

test('what is paused stays paused when PostgreSQL restarts, and a run that meets it while it is down waits', async () => {
  await using server = await startPostgres({ settings: { synchronous_commit: 'on' } });
  await createTemplate(server.url);
  await using database = await createDatabase({ serverUrl: server.url });
  await command(database, ['pause', 'noop', '--why', 'because']);
  await server.stop('immediate');
  expect((await command(database, ['resume', 'noop'])).exitCode).toBe(69);
  await using run = runJob(['noop'], { database });
  await run.waitForLine(({ msg }) => msg.startsWith('waiting'));
  await server.start();
  await expectAccounts(await run.done, database, PAUSED);
});

test('the pauses of long ago go with the records of their time', async () => {
  await using database = await createDatabase();
  await database.query(
    `insert into run_job.pauses (name, since, until, why) values ('a', now() - interval '9 days', now() - interval '8 days', 'y')`,
  );
  await database.query(
    `insert into run_job.cancellations (run_id, requested_at) values (gen_random_uuid(), now() - interval '8 days')`,
  );
  await runToEnd(['noop'], { database });
  await database.query(
    `update run_job.runs set started_at = now() - interval '9 days', ended_at = now() - interval '9 days'`,
  );
  await runToEnd(['noop'], { database, env: { RUN_JOB_HISTORY_DAYS: '7' } });
  expect(await readRecords(database)).toHaveLength(1);
  expect(await database.query('select 1 from run_job.pauses')).toEqual([]);
  expect(await database.query('select 1 from run_job.cancellations')).toEqual([]);
});
