// history, show and status: what people see of the records, by the built executable.
import { randomUUID } from 'node:crypto';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import type { RunRecord } from '../../src/postgres/records.ts';
import type { RunEnd, RunStart } from '../../src/runner/ports.ts';
import { endOf, jobLease, runOf, slotOf } from '../contracts/runs.ts';
import { type Adapter, openAdapter } from '../postgres/support.ts';
import { runToEnd } from '../support/run-job.ts';
import { hasTerminal, linesOnTerminal } from '../support/terminal.ts';

const FAILED = { status: 'failed', exitCode: 1, error: { name: 'Error', message: 'boom\nand more' } } as const;

/** Runs a command on the adapter's database, and parses what it printed. */
async function json<T>(adapter: Adapter, ...args: string[]): Promise<T> {
  const { stdout, exitCode } = await runToEnd([...args, '--json'], { database: adapter.database });
  expect(exitCode).toBe(0);
  return JSON.parse(stdout) as T;
}

describe('history and show', () => {
  let it: Adapter;
  const at = (minute: number) => new Date(Date.UTC(2026, 1, 3, 4, minute));
  const tell = async (job: string, minute: number, end: Partial<RunEnd> = {}, start: Partial<RunStart> = {}) => {
    const run = runOf(slotOf(job), { startedAt: at(minute), ...start });
    await it.history.record(run, endOf({ endedAt: at(minute + 1), ...end }));
    return run.id;
  };
  let ids: { first: string; failed: string; skipped: string; dead: string; alive: string };
  let release: () => Promise<void>;

  beforeAll(async () => {
    it = await openAdapter();
    const alive = runOf(slotOf('report'), { startedAt: at(9) });
    const lease = jobLease(await it.locks.acquire({ runId: alive.id, ...alive.slot, limit: 9 }));
    release = () => lease.release();
    const dead = runOf(slotOf('cleanup'), { startedAt: at(4) });
    ids = {
      first: await tell('report', 1, { result: { rows: 7 } }),
      failed: await tell('report', 2, { ...FAILED, attempts: 3 }, { dryRun: true }),
      skipped: await tell('report', 3, { status: 'skipped', reason: 'locked', attempts: 0 }),
      dead: dead.id,
      alive: alive.id,
    };
    await it.history.start(dead);
    await it.history.start(alive);
  });
  afterAll(async () => {
    await release();
    await it[Symbol.asyncDispose]();
  });

  const listed = async (...args: string[]) => (await json<RunRecord[]>(it, 'history', ...args)).map(({ id }) => id);

  test('history lists the newest runs first, and those that are asked for', async () => {
    const { first, failed, skipped, dead, alive } = ids;
    expect(await listed()).toEqual([alive, dead, skipped, failed, first]);
    expect(await listed('report', '--limit=2')).toEqual([alive, skipped]);
    expect(await listed('--status=failed')).toEqual([failed]);
    expect(await listed('--since', at(3).toISOString())).toEqual([alive, dead, skipped]);
    expect(await listed('--since', '1m')).toEqual([]);
    const unknown = await runToEnd(['history', 'no_such_job'], { database: it.database });
    expect(unknown).toMatchObject({
      exitCode: 64,
      stderr: expect.stringMatching(/^run-job: Nothing is known by the name no_such_job/),
    });
  });

  test('a dead run is told as lost, and a living one as running, before anybody has corrected the record', async () => {
    expect(await listed('--status=lost')).toEqual([ids.dead]);
    expect(await listed('--status=running')).toEqual([ids.alive]);
    expect(await it.database.query('SELECT status FROM run_job.runs WHERE id = $1', [ids.dead])).toEqual([
      { status: 'running' },
    ]);
  });

  test('JSON has everything that is recorded', async () => {
    const runs = await json<RunRecord[]>(it, 'history', '--status=succeeded');
    expect(runs).toEqual([
      {
        id: ids.first,
        job: 'report',
        name: 'report',
        scheduledAt: '2026-02-03T04:05:00.000Z',
        shard: { index: 0, count: 1 },
        status: 'succeeded',
        exitCode: 0,
        attempts: 1,
        startedAt: at(1).toISOString(),
        deadline: at(6).toISOString(),
        endedAt: at(2).toISOString(),
        durationMs: 1235,
        params: { retentionDays: 90 },
        result: { rows: 7 },
        dryRun: false,
        forced: false,
        version: '1.2.3',
        place: { host: 'host-1', pid: 4711 },
        peakRssBytes: 50_000_000,
        cpuMs: 100,
      },
    ]);
    expect(await json(it, 'show', ids.first)).toEqual(runs[0]);
  });

  test('the table is plain text where it is no terminal, with one line a run', async () => {
    const { stdout } = await runToEnd(['history', 'report'], { database: it.database });
    const tail = (id: string) => id.slice(-8);
    expect(stdout).toBe(
      [
        'RUN       NAME    STATUS     EXIT  STARTED (UTC)        TOOK  NOTE',
        `${tail(ids.alive)}  report  running    -     2026-02-03 04:09:00  -`,
        `${tail(ids.skipped)}  report  skipped    0     2026-02-03 04:03:00  1.2s  locked`,
        `${tail(ids.failed)}  report  failed     1     2026-02-03 04:02:00  1.2s  dry run, 3 attempts, boom and more`,
        `${tail(ids.first)}  report  succeeded  0     2026-02-03 04:01:00  1.2s`,
        '',
      ].join('\n'),
    );
  });

  test.runIf(hasTerminal)('the table fits a terminal: notes without room are below, and names stay whole', async () => {
    const lines = (columns: number) => linesOnTerminal(['history'], { columns }, { DATABASE_URL: it.database.url });
    const narrow = await lines(60);
    expect(Math.max(...narrow.map(({ length }) => length))).toBe(60);
    expect(narrow).toContain('  dry run, 3 attempts, boom and more');
    expect(narrow.some((line) => line.endsWith('…'))).toBe(true);
    const name = 'billing-invoice-reconciliation-of-all-tenants';
    await it.history.record(runOf(slotOf(name), { startedAt: at(30) }), endOf({ endedAt: at(30) }));
    const [head = '', first = '', second = ''] = await lines(80);
    expect(first).toMatch(new RegExp(`^[0-9a-f]{8}  ${name}$`));
    expect(second.indexOf('succeeded')).toBe(head.indexOf('STATUS'));
    await it.database.query('DELETE FROM run_job.runs WHERE name = $1', [name]);
    expect((await lines(200)).find((line) => line.includes('boom'))).toMatch(
      / failed .* dry run, 3 attempts, boom and more$/,
    );
  });

  test('show takes either end of an id, and tells all in lines', async () => {
    const { stdout, exitCode } = await runToEnd(['show', ids.failed.slice(-8)], { database: it.database });
    expect(exitCode).toBe(0);
    expect(stdout).toContain(`Run          ${ids.failed}\n`);
    expect(stdout).toContain('Status       failed\n');
    expect(stdout).toContain('Dry run      yes\n');
    expect(stdout).toContain('Error        Error: boom\n             and more\n');
    expect((await json<RunRecord>(it, 'show', ids.dead.slice(0, 13))).id).toBe(ids.dead);
  });

  test('show of an id that nobody has, or that several have, is a usage error', async () => {
    const twin = `${ids.first.slice(0, 13)}${randomUUID().slice(13)}`;
    await it.history.record(runOf(slotOf('twin'), { id: twin, startedAt: at(0) }), endOf({ endedAt: at(0) }));
    const both = await runToEnd(['show', ids.first.slice(0, 13)], { database: it.database });
    expect(both).toMatchObject({ exitCode: 64, stdout: '' });
    expect(both.stderr).toContain(twin);
    expect(both.stderr).toContain(ids.first);
    const none = await runToEnd(['show', 'ffffffff-0000'], { database: it.database });
    expect(none).toMatchObject({ exitCode: 64, stderr: expect.stringContaining('no recorded run') });
    await it.database.query('DELETE FROM run_job.runs WHERE id = $1', [twin]);
  });

  test.for([
    [['history', '--limit=0'], '--limit must be a whole number from 1'],
    [['history', '--limit=many'], '--limit must be a whole number from 1'],
    [['history', '--since=yesterday'], '--since must be a time with its zone'],
    [['history', '--status=successful'], '--status must be one of running'],
    [['show', 'x'], 'hexadecimal digits'],
    [['show', "' OR true --"], 'hexadecimal digits'],
  ] as const)('run-job %j is a usage error', async ([args, message]) => {
    const { exitCode, stderr } = await runToEnd(args, { database: it.database });
    expect(exitCode).toBe(64);
    expect(stderr).toContain(message);
  });
});

describe('status', () => {
  const status = async (adapter: Adapter) => {
    const jobs = await json<Record<string, unknown>[]>(adapter, 'status');
    return (job: string) => jobs.find((one) => one.job === job);
  };

  test('tells the last run, the last success, what runs now and how often it has failed since', async () => {
    await using it = await openAdapter();
    const at = (minute: number) => new Date(Date.UTC(2026, 1, 3, 4, minute));
    const tell = (minute: number, end: Partial<RunEnd>, start: Partial<RunStart> = {}) => {
      const run = runOf(slotOf('report', undefined, at(minute)), { startedAt: at(minute), ...start });
      return it.history.record(run, endOf({ endedAt: at(minute + 1), ...end }));
    };
    await tell(1, FAILED);
    await tell(2, {});
    await tell(3, FAILED);
    await tell(4, { status: 'timed_out', exitCode: 124 });
    await tell(5, { status: 'skipped', exitCode: 75, reason: 'locked' });
    await tell(5, { status: 'skipped', exitCode: 75, reason: 'limit' });
    await tell(5, { status: 'skipped', reason: 'slot_succeeded' });
    await tell(6, {}, { dryRun: true });
    const told = await status(it);
    expect(told('report')).toMatchObject({
      lastRun: { startedAt: at(4).toISOString(), status: 'timed_out', shards: 1 },
      lastSuccess: { scheduledAt: at(2).toISOString(), endedAt: at(3).toISOString() },
      running: [],
      consecutiveFailures: 2,
      skips: 2,
    });
    // A job that has a file and no record yet.
    expect(told('noop')).toEqual({
      name: 'noop',
      job: 'noop',
      health: 'unknown',
      running: [],
      checkpoints: [],
      consecutiveFailures: 0,
      skips: 0,
      missed: 0,
      next: [],
    });
  });

  test('a dead run is a failure, a living one is what runs now', async () => {
    await using it = await openAdapter();
    const dead = runOf(slotOf('cleanup'));
    const alive = runOf(slotOf('report'));
    const lease = jobLease(await it.locks.acquire({ runId: alive.id, ...alive.slot, limit: 9 }));
    await it.history.start(dead);
    await it.history.start(alive);
    const told = await status(it);
    expect(told('cleanup')).toMatchObject({ lastRun: { status: 'lost' }, running: [], consecutiveFailures: 1 });
    expect(told('report')).toMatchObject({
      lastRun: { status: 'running' },
      running: [{ runId: alive.id, place: { host: 'host-1' } }],
      consecutiveFailures: 0,
    });
    const { stdout } = await runToEnd(['status'], { database: it.database });
    expect(stdout).toMatch(/^report\s+running \d+s\s+\d+s ago\s+never/m);
    expect(stdout).toMatch(/^cleanup\s+failing 1x\s+\d+s ago\s+never/m);
    await lease.release();
  });

  test('the parts of a sharded run are one run', async () => {
    await using it = await openAdapter();
    const at = (minute: number) => new Date(Date.UTC(2026, 1, 3, 4, minute));
    const tell = async (minute: number, index: number, end: Partial<RunEnd> = {}, second = index) => {
      const run = runOf(slotOf('report', { index, count: 3 }, at(minute)), {
        startedAt: new Date(at(minute).getTime() + second * 1_000),
      });
      await it.history.record(run, endOf({ endedAt: at(minute + 1), ...end }));
      return run.id;
    };
    for (const index of [0, 1, 2]) await tell(1, index);
    for (const index of [0, 1, 2]) await tell(2, index, index === 0 ? {} : FAILED);
    await tell(3, 0);
    const failed = await tell(3, 1, FAILED);
    const third = await tell(3, 2);
    expect((await status(it))('report')).toMatchObject({
      lastRun: {
        status: 'failed',
        shards: 3,
        succeededShards: 2,
        parts: [
          { shard: 0, status: 'succeeded' },
          { shard: 1, runId: failed },
          { shard: 2, runId: third },
        ],
      },
      lastSuccess: { scheduledAt: at(1).toISOString() },
      consecutiveFailures: 2,
    });
    expect((await runToEnd(['status'], { database: it.database })).stdout).toMatch(
      /^report +failing 2x .* parts 2\/3, Error: boom$/m,
    );
    // The part that failed is tried again, and with it the run succeeds.
    await tell(3, 1, {}, 30);
    expect((await status(it))('report')).toMatchObject({
      lastRun: { status: 'succeeded', succeededShards: 3 },
      lastSuccess: { scheduledAt: at(3).toISOString() },
    });
    await tell(4, 0);
    expect((await status(it))('report')).toMatchObject({ lastRun: { status: 'incomplete', succeededShards: 1 } });
  });
});
