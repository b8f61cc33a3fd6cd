// `run-job why` without a cluster: what the schedules and the records say, in one sentence and one remedy.
import { chmodSync, mkdtempSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { expect, inject, test } from 'vitest';
import { hour, schedule } from '../backfill/support.ts';
import { createDatabase, type TestDatabase } from '../support/database.ts';
import { onEveryPostgres } from '../support/every-postgres.ts';
import { type RunOptions, runToEnd } from '../support/run-job.ts';
import { shiftedClock } from '../support/shifted-clock.ts';

/** Nothing is there to ask a cluster with. */
const NO_KUBECTL = { PATH: '/nowhere' };

async function why(database: TestDatabase, args: readonly string[], env: RunOptions['env'] = {}) {
  const ended = await runToEnd(['why', ...args], { database, env: { ...NO_KUBECTL, ...env } });
  expect(ended.exitCode, ended.stderr).toBe(0);
  const lines = ended.stdout.trimEnd().split('\n');
  const after = (head: string) => lines.find((line) => line.startsWith(head))?.slice(10);
  return { head: lines[0], lines, because: after('Why:'), remedy: after('Do:'), unseen: after('Not seen:') };
}

const backfill = (at: number, name = 'noop') => {
  const slot = hour(at).replace('.000Z', 'Z');
  return `run-job backfill ${name} --from ${slot} --to ${slot}`;
};

onEveryPostgres((create) => {
  test('a slot that nobody began; it says what it could not see', async () => {
    await using database = await create({ migrated: true });
    await schedule(database, 'noop', { to: '2026-11-20T04:30:00Z' });
    await runToEnd(['noop', '--scheduled-at', hour(4)], { database });
    const one = await why(database, ['noop', '--at', hour(3)]);
    expect(one.head).toBe('noop, slot 2026-11-20 03:00:00 UTC, missed: nobody knows why');
    expect(one.lines).toContain('2026-11-20 03:00:00  schedule  the slot');
    expect(one.lines).toContain('2026-11-20 03:15:00  schedule  late: nobody has begun it in 15m');
    expect(one.unseen).toContain('there is no kubectl on the PATH');
    expect(one.because).toBe(
      'nobody has begun it, and the records don’t say why; what the cluster knows could not be seen',
    );
    expect(one.remedy).toContain(backfill(3));
    // Of itself it is about the newest slot without a success, which is this one and not the one before.
    expect((await why(database, ['noop'])).head).toBe(one.head);
    const between = await why(database, ['noop', '--at', '2026-11-20T03:20:00Z']);
    expect(between.lines.slice(0, 2)).toEqual([one.head, '(the last slot before the time that was asked for)']);
    const done = await why(database, ['noop', '--at', hour(4)]);
    expect(done.because).toMatch(/^it has succeeded, by run /);
    expect(done.remedy).toBeUndefined();
  });

  test('what people and the schedule have decided', async () => {
    await using database = await create({ migrated: true });
    await schedule(database, 'noop', { suspend: true, to: '2026-11-20T02:30:00Z' });
    await schedule(database, 'noop', {
      from: '2026-11-20T02:30:00Z',
      blackouts: { weekly: [{ from: 'Fri 04:00', to: 'Fri 05:00' }] },
    });
    await database.query(
      `insert into run_job.pauses (name, since, why, paused_by, ended_at) values ('noop', '2026-11-20T04:30:00Z', 'the orders are being moved', 'ada', '2026-11-20T05:30:00Z')`,
    );
    await database.query(
      `insert into run_job.runs (id, job, name, scheduled_at, shard_index, shard_count, status, exit_code, started_at, ended_at, dry_run, forced, version, host, pid, lock_key)
       values (gen_random_uuid(), 'noop', 'noop', $1, 0, 1, 'succeeded', 0, $1, '2026-11-20T06:10:00Z', false, false, '1', 'h', 1, 1)`,
      ['2026-11-20T05:45:00Z'],
    );
    const suspended = await why(database, ['noop', '--at', hour(2)]);
    expect(suspended.because).toBe(
      'its schedule was suspended since 2026-11-19T23:30:00.000Z, so that the CronJob starts nothing',
    );
    expect(suspended.remedy).toBe(`it no longer is, then ${backfill(2)} --current-schedule`);
    expect((await why(database, ['noop', '--at', hour(4)])).because).toBe(
      'it lies in a blackout of its schedule: Fri 04:00 to Fri 05:00, Etc/UTC',
    );
    const paused = await why(database, ['noop', '--at', hour(5)]);
    expect(paused.because).toBe(
      'the name was paused by ada since 2026-11-20T04:30:00.000Z: the orders are being moved',
    );
    expect(paused.remedy).toBe(backfill(5));
    const busy = await why(database, ['noop', '--at', hour(6)]);
    expect(busy.because).toMatch(/^the run before was still under way \(run .*, until 2026-11-20T06:10:00.000Z\)/);
    const before = await why(database, ['noop', '--at', '2026-11-19T20:00:00Z']);
    expect(before.because).toContain('no schedule of it was known then');
    expect(before.remedy).toContain('--current-schedule');
  });
});

test('what its newest run says', async () => {
  await using database = await createDatabase();
  await schedule(database, 'noop');
  await runToEnd(['noop', '--scheduled-at', hour(2), '--param', 'x=1'], { database });
  const rejected = await why(database, ['noop', '--at', hour(2)]);
  expect(rejected.because).toMatch(/^run .* was rejected: .*noop takes no/);
  expect(rejected.remedy).toContain('mend its command line or parameters');
  await schedule(database, 'fills_slots');
  await runToEnd(['fills_slots', '--scheduled-at', hour(3), '--param', `failing=["${hour(3)}"]`], { database });
  const failed = await why(database, ['fills_slots', '--at', hour(3)]);
  expect(failed.because).toMatch(/^run .* failed: Error: nothing can be done for/);
  expect(failed.remedy).toContain(backfill(3, 'fills_slots'));
  await runToEnd(['fills_slots', '--scheduled-at', hour(4), '--timeout=50ms', '--param', 'ms=60000'], { database });
  const late = await why(database, ['fills_slots', '--at', hour(4)]);
  expect(late.because).toContain('its timeout is 50ms');
  await runToEnd(['pause', 'fills_slots', '--why', 'moving house'], { database });
  await runToEnd(['fills_slots', '--scheduled-at', hour(5)], { database });
  const skipped = await why(database, ['fills_slots', '--at', hour(5)]);
  expect(skipped.because).toMatch(/^run .* was skipped: the name is paused by .*: moving house$/);
  expect(skipped.remedy).toContain('run-job resume fills_slots');
});

test('a name without slots, an unknown name, a time to come', async () => {
  await using database = await createDatabase();
  const never = await why(database, ['noop']);
  expect(never.because).toBe('noop has never run, and no schedule of it is known, so that nobody expects it to');
  for (const [args, sentence] of [
    [['nobody'], 'Nothing is known by the name nobody'],
    [['noop', '--at', '2999-01-01T00:00:00Z'], 'is still to come'],
    [['noop', '--at', 'noon'], '--at must be a time with its zone'],
    [[], 'run-job why needs an argument'],
  ] as const) {
    const ended = await runToEnd(['why', ...args], { database });
    expect(ended, args.join(' ')).toMatchObject({ exitCode: 64, stdout: '' });
    expect(ended.stderr).toContain(sentence);
  }
});

test('a clock that is wrong by an hour is said, by doctor too', async () => {
  await using database = await createDatabase();
  await schedule(database, 'noop');
  for (const [byMs, off] of [
    [3_600_000, '1h behind'],
    [-3_600_000, '1h ahead of'],
  ] as const) {
    const one = await why(database, ['noop', '--at', hour(3)], shiftedClock(byMs));
    expect(one.lines.join('\n')).toContain(`Clock: the database's is ${off} this one's`);
    expect(one.because).toMatch(
      new RegExp(`but the database's clock is ${off} this one's, and times can't be trusted$`),
    );
    const doctor = await runToEnd(['doctor'], { database, env: shiftedClock(byMs) });
    expect(doctor.stdout).toMatch(new RegExp(`WARN +clock +the database's clock is ${off} ours`));
  }
  expect((await why(database, ['noop', '--at', hour(3)])).lines.join('\n')).not.toContain('Clock:');
  // How long ago something was is counted by the database's clock, as its times are.
  expect((await why(database, ['noop', '--at', '1m'], shiftedClock(3_600_000))).head).toMatch(/^noop, slot /);
});

test('a time that no schedule names is run again as it was, since no backfill would find it', async () => {
  await using database = await createDatabase();
  await schedule(database, 'fails');
  const at = '2026-11-20T03:07:00.000Z';
  const { summary } = await runToEnd(['exec', 'fails', '--scheduled-at', at, '--', 'false'], { database });
  const one = await why(database, ['fails', '--at', at]);
  expect(one.remedy).toBe(`run-job show ${summary.runId} tells all of it; mended, run-job rerun ${summary.runId}`);
  await runToEnd(['exec', 'fails', '--scheduled-at', hour(3), '--', 'false'], { database });
  expect((await why(database, ['fails', '--at', hour(3)])).remedy).toContain(`mended, ${backfill(3, 'fails')}`);
});

test('a name that is paused before its first slot', async () => {
  await using database = await createDatabase();
  await schedule(database, 'noop', { cron: '0 0 1 1 *', from: new Date().toISOString() });
  expect((await why(database, ['noop'])).remedy).toBeUndefined();
  await runToEnd(['pause', 'noop', '--why', 'moving house'], { database });
  const one = await why(database, ['noop']);
  expect(one.because).toMatch(/^noop has had no slot yet: .*; the name is paused: moving house$/);
  expect(one.remedy).toBe('when that is over: run-job resume noop');
});

test.for([
  [
    'answers with something else',
    'echo "no json"',
    'kubectl get --raw /apis/.* answered with something other than JSON',
  ],
  ['says nothing', 'exit 0', 'kubectl get --raw /apis/.* answered with something other than JSON'],
  ['fails', 'echo boom >&2; exit 3', 'kubectl config view --minify failed: boom'],
  [
    'logs what its library has tried',
    `echo 'E1127 06:59:58.580814   16731 memcache.go:265] "Unhandled Error" err="no API group list"' >&2; echo boom >&2; exit 1`,
    'kubectl config view --minify failed: boom',
  ],
  [
    'has asked something that is no cluster',
    '[ $1 = config ] || { echo "Error from server (NotFound): the server could not find the requested resource" >&2; exit 1; }',
    'kubectl get --raw /apis/.* failed: Error from server .NotFound.: the server could not find the requested resource',
  ],
] as const)('a kubectl that %s keeps back no more than what it could have told', async ([, script, unseen]) => {
  await using database = await createDatabase();
  await schedule(database, 'noop');
  const folder = mkdtempSync(join(inject('scratchFolder'), 'kubectl-'));
  writeFileSync(join(folder, 'kubectl'), `#!/bin/sh\n${script}\n`);
  chmodSync(join(folder, 'kubectl'), 0o755);
  const one = await why(database, ['noop', '--at', hour(3)], { PATH: `${folder}:${process.env.PATH}` });
  expect(one.unseen).toMatch(new RegExp(`^CronJob, Job, Pod and their events: ${unseen}$`));
  expect(one.because).toContain('what the cluster knows could not be seen');
});
