// `run-job backfill`: the slots of a span of time that haven't succeeded are listed and run, and what is left is said.
import { execFileSync } from 'node:child_process';
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { expect, inject, test } from 'vitest';
import { createDatabase } from '../support/database.ts';
import { onEveryPostgres } from '../support/every-postgres.ts';
import { openGate } from '../support/gate.ts';
import { runJob, runToEnd } from '../support/run-job.ts';
import { backfill, ends, hour, schedule } from './support.ts';

const notIn = (database: { name: string }) => join(inject('scratchFolder'), `${database.name}-slots`);

onEveryPostgres((create) => {
  test('the slots are listed first, each is run and recorded, and run again there is nothing to do', async () => {
    await using database = await create({ migrated: true });
    await schedule(database, 'fills_slots');
    await runToEnd(['fills_slots', '--scheduled-at', hour(3)], { database });
    const ended = await backfill(database, 'fills-slots', [2, 5]);
    expect(ended).toMatchObject({ exitCode: 0, stderr: expect.stringContaining('"msg":"run started"') });
    expect(ended.stdout.split('\n')).toEqual([
      'fills_slots: 3 slots to run (UTC), the oldest first; 1 slot succeeded already',
      '  2026-11-20 02:00  missed   nobody knows why',
      '  2026-11-20 04:00  missed   nobody knows why',
      '  2026-11-20 05:00  missed   nobody knows why',
      expect.stringMatching(/^\[1\/3\] 2026-11-20 02:00 {2}succeeded in /),
      expect.stringMatching(/^\[2\/3\] 2026-11-20 04:00 {2}succeeded in /),
      expect.stringMatching(/^\[3\/3\] 2026-11-20 05:00 {2}succeeded in /),
      'fills_slots: all 3 slots have succeeded',
      '',
    ]);
    expect(await ends(database, 'fills_slots')).toEqual(['2', '3', '4', '5'].map((at) => `${at} succeeded`));
    const again = await backfill(database, 'fills_slots', [2, 5]);
    expect(again).toMatchObject({ exitCode: 0, stdout: 'fills_slots: no slot to run; 4 slots succeeded already\n' });
  });

  test('it goes on after a failure, says what is left, and does that when it is run again', async () => {
    await using database = await create({ migrated: true });
    await schedule(database, 'fills_slots', { params: { failing: [hour(3)] } });
    const ended = await backfill(database, 'fills_slots', [2, 4]);
    expect(ended.exitCode).toBe(1);
    expect(ended.stdout).toMatch(
      /\[2\/3\] 2026-11-20 03:00 {2}failed, exit 1 in .*: Error: nothing can be done for 2026-11-20T03:00:00.000Z\n\[3\/3\] 2026-11-20 04:00 {2}succeeded/,
    );
    expect(ended.stdout).toContain('fills_slots: 2 of 3 slots succeeded; 1 is left (UTC)\n  2026-11-20 03:00  failed');
    expect(ended.stdout).toContain(`To go on: run-job backfill fills_slots --from ${hour(2)} --to ${hour(4)}\n`);
    expect(await ends(database, 'fills_slots')).toEqual(['2 succeeded', '3 failed', '4 succeeded']);
    const again = await backfill(database, 'fills_slots', [2, 4], ['--param', 'failing=[]']);
    expect(again.exitCode).toBe(0);
    expect(await ends(database, 'fills_slots')).toEqual(['2 succeeded', '3 failed', '3 succeeded', '4 succeeded']);
  });

  test('--only chooses by what has become of a slot; --newest-first turns the order round; --dry-run runs nothing', async () => {
    await using database = await create({ migrated: true });
    await schedule(database, 'fills_slots', { params: { failing: [hour(3)] } });
    await backfill(database, 'fills_slots', [3, 3]);
    await database.query(
      `insert into run_job.runs (id, job, name, scheduled_at, shard_index, shard_count, status, exit_code, started_at, ended_at, dry_run, forced, version, host, pid, lock_key)
       select gen_random_uuid(), job, name, $1, 0, 1, 'lost', 137, now(), now(), false, false, version, host, 1, 1 from run_job.runs where status = 'failed'`,
      [hour(4)],
    );
    const listed = async (...args: string[]) => {
      const { stdout, exitCode } = await backfill(database, 'fills_slots', [2, 5], [...args, '--dry-run']);
      expect(exitCode).toBe(0);
      return [...stdout.matchAll(/^ {2}2026-11-20 0(\d):00/gm)].map(([, at]) => Number(at));
    };
    expect(await listed()).toEqual([2, 3, 4, 5]);
    expect(await listed('--newest-first')).toEqual([5, 4, 3, 2]);
    expect(await listed('--only=all')).toEqual([2, 3, 4, 5]);
    // A run that was killed has come to no end of its own, and hasn't succeeded either.
    expect(await listed('--only=missing')).toEqual([2, 4, 5]);
    expect(await listed('--only=failed')).toEqual([3, 4]);
    expect(await ends(database, 'fills_slots')).toEqual(['3 failed', '4 lost']);
  });
});

test('the schedule that was in force says when, and what is run: its parts, its parameters, its command line', async () => {
  await using database = await createDatabase();
  const file = notIn(database);
  await schedule(database, 'eu', {
    job: 'fills_slots',
    params: { file },
    cron: '0 1-2 * * *',
    to: '2026-11-20T02:30:00Z',
  });
  await schedule(database, 'eu', {
    job: 'fills_slots',
    args: ['fills-slots', '--as=eu', `--params={"file":"${file}"}`, '--locked=skip'],
    shards: 2,
    cron: '0 4/2 * * *',
    from: '2026-11-20T02:30:00Z',
  });
  const ended = await backfill(database, 'eu', [0, 7]);
  expect(ended.exitCode, ended.stdout + ended.stderr).toBe(0);
  const done = readFileSync(file, 'utf8')
    .split('\n')
    .filter((line) => line.startsWith('done'));
  expect(done).toEqual([
    `done ${hour(1)} 0`,
    `done ${hour(2)} 0`,
    `done ${hour(4)} 0`,
    `done ${hour(4)} 1`,
    `done ${hour(6)} 0`,
    `done ${hour(6)} 1`,
  ]);
  expect(await ends(database, 'eu')).toEqual(['1', '2', '4', '4.1', '6', '6.1'].map((at) => `${at} succeeded`));
});

test('a command is run as the schedule has it, or as the newest run of the CronJob was asked to', async () => {
  await using database = await createDatabase();
  await schedule(database, 'dump', { args: ['exec', 'dump', '--exit-code=3=succeeded', '--', 'sh', '-c', 'exit 3'] });
  expect(await backfill(database, 'dump', [1, 2])).toMatchObject({ exitCode: 0 });
  expect(await ends(database, 'dump')).toEqual(['1 succeeded', '2 succeeded']);
  await schedule(database, 'brought', { source: 'run' });
  const run = (exit: number, env: Record<string, string>) =>
    runToEnd(['exec', 'brought', '--exit-code=4=succeeded', '--', 'sh', '-c', `exit ${exit}`], { database, env });
  await run(4, { CRONJOB_NAME: 'brought' });
  await run(5, {});
  const ended = await backfill(database, 'brought', [1, 2]);
  expect(ended.exitCode, ended.stdout + ended.stderr).toBe(0);
});

test('a run that saved its progress and asks for another gets it', async () => {
  await using database = await createDatabase();
  const begun = notIn(database);
  const script = `[ -e ${begun} ] || { touch ${begun}; echo '{"at":1}' > $RUN_JOB_CHECKPOINT_FILE; exit 9; }`;
  await schedule(database, 'steps', { args: ['exec', 'steps', '--exit-code=9=continued', '--', 'sh', '-c', script] });
  const ended = await backfill(database, 'steps', [1, 2]);
  expect(ended.exitCode, ended.stdout + ended.stderr).toBe(0);
  expect(await ends(database, 'steps')).toEqual(['1 continued', '1 succeeded', '2 succeeded']);
});

test('slots of blackouts stay undone; a suspended schedule has none, unless the one in force now is to count', async () => {
  await using database = await createDatabase();
  await schedule(database, 'noop', { suspend: true, to: '2026-11-20T02:30:00Z' });
  await schedule(database, 'noop', {
    from: '2026-11-20T02:30:00Z',
    blackouts: { weekly: [{ from: 'Fri 04:00', to: 'Fri 05:00' }] },
  });
  const ended = await backfill(database, 'noop', [1, 5], ['--dry-run']);
  expect(ended.stdout).toBe(
    [
      'noop: 2 slots to run (UTC), the oldest first; 1 slot in a blackout',
      '  2026-11-20 03:00  missed   nobody knows why',
      '  2026-11-20 05:00  missed   nobody knows why',
      'note: 2 slots more there would have been, had the schedule not been suspended; --current-schedule includes them',
      '',
    ].join('\n'),
  );
  const all = await backfill(database, 'noop', [1, 5], ['--current-schedule', '--newest-first']);
  expect(all.exitCode).toBe(0);
  expect(await ends(database, 'noop')).toEqual(['1', '2', '3', '5'].map((at) => `${at} succeeded`));
  const before = await runToEnd(['backfill', 'noop', '--from', '2026-11-18', '--to', '2026-11-18'], { database });
  expect(before).toMatchObject({ exitCode: 64, stdout: '' });
  expect(before.stderr).toContain('--current-schedule takes its times for the past too');
});

test('days are those of the schedule’s zone, with both ends', async () => {
  await using database = await createDatabase();
  await schedule(database, 'noop', { timeZone: 'Europe/Berlin', cron: '0 0,23 * * *' });
  const { stdout } = await runToEnd(['backfill', 'noop', '--from=2026-11-20', '--to=2026-11-21', '--dry-run'], {
    database,
  });
  const slots = [...stdout.matchAll(/^ {2}(2026-11-\d\d \d\d):00/gm)].map(([, at]) => at);
  expect(slots).toEqual(['2026-11-20 22', '2026-11-20 23', '2026-11-21 22']);
});

test('slots run beside each other only of a job that says so', async () => {
  await using database = await createDatabase();
  await using gate = await openGate();
  await schedule(database, 'noop');
  const refused = await backfill(database, 'noop', [1, 3], ['--parallel=3']);
  expect(refused).toMatchObject({ exitCode: 64, stdout: '' });
  expect(refused.stderr).toContain("noop doesn't say overlap: 'slots'");
  await schedule(database, 'fills_slots', { params: { gate: gate.path } });
  await using run = runJob(['backfill', 'fills_slots', '--from', hour(1), '--to', hour(4), '--parallel', '3'], {
    database,
  });
  const three = [await run.until(gate.arrival()), await run.until(gate.arrival()), await run.until(gate.arrival())];
  expect(three.map(({ label }) => label).sort()).toEqual([hour(1), hour(2), hour(3)]);
  // One run of each slot at a time, whatever overlaps.
  const second = await runToEnd(['fills_slots', '--scheduled-at', hour(2), '--locked=fail'], { database });
  expect(second.summary).toMatchObject({ status: 'skipped', exitCode: 75, reason: 'locked' });
  // A run of no slot could be of any.
  const none = await runToEnd(['fills_slots', '--locked=fail'], { database });
  expect(none.summary).toMatchObject({ status: 'skipped', exitCode: 75, reason: 'locked' });
  for (const { open } of three) open();
  (await run.until(gate.arrival())).open();
  expect(await run.done).toMatchObject({ exitCode: 0 });
});

test.each(['SIGTERM', 'SIGINT'] as const)(
  '%s stops the run that is under way, within its grace, and what is left is said',
  async (signal) => {
    await using database = await createDatabase();
    await using gate = await openGate();
    await schedule(database, 'fills_slots', { params: { gate: gate.path } });
    await using run = runJob(['backfill', 'fills_slots', '--from', hour(1), '--to', hour(3)], { database });
    (await run.until(gate.arrival())).open();
    await run.until(gate.arrival());
    run.kill(signal);
    const ended = await run.done;
    expect(ended.exitCode).toBe(signal === 'SIGTERM' ? 143 : 130);
    expect(ended.stdout).toContain('[2/3] 2026-11-20 02:00  interrupted, exit');
    expect(ended.stdout).toContain(
      'fills_slots: 1 of 3 slots succeeded; 2 are left (UTC)\n  2026-11-20 02:00  failed   interrupted',
    );
    expect(ended.stdout).toContain('  2026-11-20 03:00  missed');
    expect(await ends(database, 'fills_slots')).toEqual(['1 succeeded', '2 interrupted']);
  },
);

test('it gives up where no slot could be done: paused, rejected', async () => {
  await using database = await createDatabase();
  await schedule(database, 'noop');
  await runToEnd(['pause', 'noop', '--why', 'moving house'], { database });
  const paused = await backfill(database, 'noop', [1, 3]);
  expect(paused.exitCode).toBe(1);
  expect(paused.stdout).toContain('gave up: noop is paused; run-job resume noop ends that');
  expect(await ends(database, 'noop')).toEqual(['1 skipped']);
  await schedule(database, 'fills_slots', { params: { ms: 'long' } });
  const rejected = await backfill(database, 'fills_slots', [1, 3]);
  expect(rejected.exitCode).toBe(1);
  expect(rejected.stdout).toContain('gave up: the command line was rejected');
  expect(await ends(database, 'fills_slots')).toEqual(['1 rejected']);
});

test('what can’t be done is refused, and nothing runs', async () => {
  await using database = await createDatabase();
  await schedule(database, 'noop', { cron: '* * * * *', from: new Date().toISOString() });
  for (const [args, sentence] of [
    [
      ['noop', '--from', hour(2), '--to', hour(1)],
      '--from (2026-11-20T02:00:00.000Z) is after --to (2026-11-20T01:00:00.000Z)',
    ],
    [['noop', '--from', '2999-01-01'], 'is after now'],
    [['noop', '--from', '2999-01-01', '--to', '2999-02-01'], 'is still to come'],
    [['noop', '--from', '9999999999d'], '--from must be a time with its zone'],
    [['noop', '--from', '2026-02-30'], '--from must be a time with its zone'],
    [['noop'], 'say where it begins'],
    [
      ['noop', '--from', '2026-11-01', '--to', '2026-11-10', '--current-schedule'],
      'slots, more than 10000: --dry-run lists them, and --yes runs them',
    ],
    [['noop', '--from', '1h', '--only=lost'], '--only must be one of missing, failed, all'],
    [['noop', '--from', '1h', '--parallel=0'], '--parallel must be a whole number from 1 to 100'],
    [['noop', '--from', '1h', '--param', 'x'], '--param must be key=value'],
    [['noop', '--from', '1h', '--cronjob=-'], '--cronjob needs --emit=job'],
    [['throws', '--from', '1h'], 'no schedule of throws is known'],
    [['nobody', '--from', '1h'], 'Nothing is known by the name nobody'],
  ] as const) {
    const ended = await runToEnd(['backfill', ...args], { database });
    expect(ended, args.join(' ')).toMatchObject({ exitCode: 64, stdout: '' });
    expect(ended.stderr).toContain(sentence);
  }
  expect(await ends(database, 'noop')).toEqual([]);
});

test('what it says to go on with does the same slots whenever it is given, as it stands', async () => {
  await using database = await createDatabase();
  await schedule(database, 'fills_slots', { from: new Date(Date.now() - 3 * 3_600_000).toISOString() });
  const file = `${notIn(database)} it's`;
  const params = ['--param', `file=${file}`, '--param', 'failing=["now"]', '--param', 'ms="no number"'];
  const ended = await runToEnd(['backfill', 'fills_slots', '--from', '3h', '--newest-first', ...params], { database });
  expect(ended.exitCode).toBe(1);
  const again = /^To go on: run-job (.*)$/m.exec(ended.stdout)?.[1] ?? '';
  expect(again).toMatch(/^backfill fills_slots --from 20\S+Z --to 20\S+Z --newest-first /);
  // A shell takes it apart into what was given.
  const words = execFileSync('sh', ['-c', `printf '%s\\n' ${again}`], { encoding: 'utf8' })
    .trimEnd()
    .split('\n');
  expect(words.slice(7)).toEqual(params.filter((word) => word !== '--param').map((pair) => `--param=${pair}`));
  const [from, to] = [Date.parse(words[3] ?? ''), Date.parse(words[5] ?? '')];
  expect(to - from).toBe(3 * 3_600_000);
});

test('a slot that has succeeded in other parts is done', async () => {
  await using database = await createDatabase();
  await schedule(database, 'fills_slots', { params: { failing: [hour(1)] } });
  for (const index of ['0', '1']) {
    const env = { RUN_JOB_SHARDS: '2', JOB_COMPLETION_INDEX: index };
    await runToEnd(['fills_slots', '--scheduled-at', hour(1)], { database, env });
  }
  await runToEnd(['fills_slots', '--scheduled-at', hour(1), '--param', `failing=["${hour(1)}"]`], { database });
  expect(await ends(database, 'fills_slots')).toEqual(['1 succeeded', '1 failed', '1.1 succeeded']);
  const ended = await backfill(database, 'fills_slots', [1, 1]);
  expect(ended).toMatchObject({ exitCode: 0, stdout: 'fills_slots: no slot to run; 1 slot succeeded already\n' });
});

test('a secret that no record keeps has to be given', async () => {
  await using database = await createDatabase();
  await schedule(database, 'brought', { source: 'run' });
  await runToEnd(['exec', 'brought', '--param', 'apiToken=s3cr3t-0f-m1ne', '--', 'true'], { database });
  const refused = await backfill(database, 'brought', [1, 1]);
  expect(refused).toMatchObject({ exitCode: 64, stdout: '' });
  expect(refused.stderr).toContain('give it by --param apiToken=…');
  const failing = await backfill(database, 'brought', [1, 1], ['--param', 'apiToken=s3cr3t-0f-m1ne'], {
    env: { PATH: '/nowhere' },
  });
  expect(failing.exitCode).toBe(1);
  expect(failing.stdout).toContain('--param=apiToken=');
  expect(failing.stdout).not.toContain('s3cr3t');
  expect(await backfill(database, 'brought', [1, 1], ['--param', 'apiToken=s3cr3t-0f-m1ne'])).toMatchObject({
    exitCode: 0,
  });
});
