// What the report says: exact sums, right weeks, the same bytes for the same data, and nothing when it can't be right.
import { readFile } from 'node:fs/promises';
import { join } from 'node:path';
import { expect, inject, test, vi } from 'vitest';
import { PermanentError, RetryableError, UsageError } from '../../../src/errors.ts';
import type { PostgresPool } from '../../../src/job.ts';
import type { Report } from '../../../src/jobs/report_generator/report.ts';
import { withTransactions } from '../../../src/postgres/transaction.ts';
import { testPool } from '../../support/pool.ts';
import { MONDAY, type ReportDatabase, type RunOptions, reportDatabase, runReport } from './setting.ts';

/** The message body of a dry run, from the file that it writes. */
async function bodyOf(pool: PostgresPool, options: RunOptions = {}): Promise<string> {
  const output = join(inject('scratchFolder'), `report-${crypto.randomUUID()}.json`);
  await runReport(pool, { dryRun: true, ...options, params: { ...options.params, output } });
  return readFile(output, 'utf8');
}

async function reportOf(pool: PostgresPool, options: RunOptions = {}): Promise<Report> {
  return JSON.parse(await bodyOf(pool, options)).data;
}

test('an amount is exact from the table to the message, however long or small', async () => {
  await using setting = await reportDatabase();
  await setting.add(
    { amount: '0.1' },
    { amount: '0.2' },
    { type: 'transfer', amount: '99999999999999999999999999.0000000001' },
    { type: 'transfer', amount: '-0.0000000001' },
  );
  const { totals } = await reportOf(setting.pool);
  expect(totals.map(({ type, sum }) => [type, sum])).toEqual([
    ['payment', '0.3'],
    ['transfer', '99999999999999999999999999.0000000000'],
  ]);
});

test('totals stand beside those of the week before, with the change in count, sum and percent', async () => {
  await using setting = await reportDatabase();
  const before = { at: '2015-11-08T23:59:59.999999Z' };
  await setting.add(
    { amount: '15.00' },
    { amount: '5.00' },
    { ...before, amount: '30.00' },
    { type: 'refund', amount: '-3.00' },
    { type: 'refund', ...before, amount: '-2.00' },
    { currency: 'USD', amount: '7.00' },
    { currency: 'CHF', ...before, amount: '4.00' },
  );
  const { totals, count, previousWeek } = await reportOf(setting.pool);
  expect(count).toBe(4);
  expect(previousWeek).toEqual({
    week: '2015-W45',
    start: '2015-11-02T00:00:00Z',
    end: '2015-11-09T00:00:00Z',
    count: 3,
  });
  const row = (type: string, currency: string, now: [number, string], then: [number, string], change: unknown) => ({
    type,
    currency,
    count: now[0],
    sum: now[1],
    previous: { count: then[0], sum: then[1] },
    change,
  });
  expect(totals).toEqual([
    row('payment', 'CHF', [0, '0'], [1, '4.00'], { count: -1, sum: '-4.00', percent: '-100.00' }),
    row('payment', 'EUR', [2, '20.00'], [1, '30.00'], { count: 1, sum: '-10.00', percent: '-33.33' }),
    row('payment', 'USD', [1, '7.00'], [0, '0'], { count: 1, sum: '7.00', percent: null }),
    row('refund', 'EUR', [1, '-3.00'], [1, '-2.00'], { count: 0, sum: '-1.00', percent: '-50.00' }),
  ]);
});

test('categories, days and the top lists add up to the totals, and soft-deleted rows are in none of them', async () => {
  await using setting = await reportDatabase();
  await setting.add(
    { category: 'food', account: 'a1', amount: '1.00' },
    { category: 'rent', account: 'a2', amount: '500.00', at: '2015-11-09T00:00:00Z' },
    { category: null, account: 'a1', amount: '2.00', at: '2015-11-15T23:59:59Z' },
    { category: 'food', account: 'a3', amount: '-600.00' },
    { category: 'food', account: 'a3', amount: '1000.00', deleted: true },
  );
  const { categories, days, top } = await reportOf(setting.pool, { params: { top: 2 } });
  expect(categories.map(({ category, count, sum }) => [category, count, sum])).toEqual([
    ['food', 2, '-599.00'],
    ['rent', 1, '500.00'],
    [null, 1, '2.00'],
  ]);
  expect(days.map(({ date, count, totals }) => [date, count, totals[0]?.sum])).toEqual([
    ['2015-11-09', 1, '500.00'],
    ['2015-11-10', 2, '-599.00'],
    ['2015-11-11', 0, undefined],
    ['2015-11-12', 0, undefined],
    ['2015-11-13', 0, undefined],
    ['2015-11-14', 0, undefined],
    ['2015-11-15', 1, '2.00'],
  ]);
  expect(top.categories.map(({ rank, category }) => [rank, category])).toEqual([
    [1, 'food'],
    [2, 'rent'],
  ]);
  expect(top.accounts.map(({ rank, account, count, sum }) => [rank, account, count, sum])).toEqual([
    [1, 'a3', 1, '-600.00'],
    [2, 'a2', 1, '500.00'],
  ]);
});

test('a week without transactions is a report too', async () => {
  await using setting = await reportDatabase();
  const report = await reportOf(setting.pool);
  expect(report).toMatchObject({ week: '2015-W46', count: 0, totals: [], categories: [] });
  expect(report.days).toHaveLength(7);
});

test.each([
  // The last second of a week, its end, and the usual hour.
  ['2015-11-15T23:59:59Z', 'UTC', '2015-W45', '2015-11-02T00:00:00Z', '2015-11-09T00:00:00Z'],
  ['2015-11-16T00:00:00Z', 'UTC', '2015-W46', '2015-11-09T00:00:00Z', '2015-11-16T00:00:00Z'],
  ['2015-11-16T08:00:00Z', 'UTC', '2015-W46', '2015-11-09T00:00:00Z', '2015-11-16T00:00:00Z'],
  // It is Monday in Auckland on a Sunday in UTC, and Sunday in Los Angeles on a Monday in UTC.
  ['2015-11-15T12:00:00Z', 'Pacific/Auckland', '2015-W46', '2015-11-08T11:00:00Z', '2015-11-15T11:00:00Z'],
  ['2015-11-16T07:00:00Z', 'America/Los_Angeles', '2015-W45', '2015-11-02T08:00:00Z', '2015-11-09T08:00:00Z'],
  // Summer time begins (167 hours) and ends (169 hours).
  ['2015-03-30T08:00:00Z', 'Europe/Berlin', '2015-W13', '2015-03-22T23:00:00Z', '2015-03-29T22:00:00Z'],
  ['2015-10-26T08:00:00Z', 'Europe/Berlin', '2015-W43', '2015-10-18T22:00:00Z', '2015-10-25T23:00:00Z'],
  // A year of 53 weeks, and days of one year in a week of another.
  ['2016-01-04T08:00:00Z', 'UTC', '2015-W53', '2015-12-28T00:00:00Z', '2016-01-04T00:00:00Z'],
  ['2014-01-06T08:00:00Z', 'UTC', '2014-W01', '2013-12-30T00:00:00Z', '2014-01-06T00:00:00Z'],
])('at %s in %s the last complete week is %s', async (scheduledAt, timeZone, week, start, end) => {
  await using setting = await reportDatabase();
  const inside = new Date(Date.parse(end) - 1).toISOString();
  await setting.add({ at: start, account: 'first' }, { at: inside, account: 'last' }, { at: end, account: 'next' });
  const report = await reportOf(setting.pool, { scheduledAt: new Date(scheduledAt), params: { timeZone } });
  expect(report).toMatchObject({ week, start, end, count: 2 });
  expect(report.top.accounts.map(({ account }) => account)).toEqual(['first', 'last']);
  expect([report.days[0]?.start, report.days[6]?.end, report.days[0]?.count, report.days[6]?.count]).toEqual([
    start,
    end,
    1,
    1,
  ]);
});

test('the day of a change to summer time has 23 hours', async () => {
  await using setting = await reportDatabase();
  const { days } = await reportOf(setting.pool, { params: { week: '2015-W13', timeZone: 'Europe/Berlin' } });
  const hours = days.map(({ start, end }) => (Date.parse(end) - Date.parse(start)) / 3_600_000);
  expect(hours).toEqual([24, 24, 24, 24, 24, 24, 23]);
});

test('a day whose midnight comes twice, since clocks go back over it, begins with the first; one that a zone left out has no length', async () => {
  await using setting = await reportDatabase();
  await setting.add({ at: '2015-10-25T00:30:00Z' }, { at: '2011-12-30T12:00:00Z' });
  const azores = await reportOf(setting.pool, { params: { week: '2015-W43', timeZone: 'Atlantic/Azores' } });
  expect(azores.days.slice(5)).toMatchObject([
    { date: '2015-10-24', end: '2015-10-25T00:00:00Z', count: 0 },
    { date: '2015-10-25', start: '2015-10-25T00:00:00Z', end: '2015-10-26T01:00:00Z', count: 1 },
  ]);
  // Clocks that go forward over it: it begins when they do.
  const havana = await reportOf(setting.pool, { params: { week: '2015-W10', timeZone: 'America/Havana' } });
  expect(havana.days[6]).toMatchObject({
    date: '2015-03-08',
    start: '2015-03-08T05:00:00Z',
    end: '2015-03-09T04:00:00Z',
  });
  const samoa = await reportOf(setting.pool, { params: { week: '2011-W52', timeZone: 'Pacific/Apia' } });
  expect(samoa.days.slice(3, 6)).toMatchObject([
    { date: '2011-12-29', end: '2011-12-30T10:00:00Z', count: 0 },
    { date: '2011-12-30', start: '2011-12-30T10:00:00Z', end: '2011-12-30T10:00:00Z', count: 0 },
    { date: '2011-12-31', start: '2011-12-30T10:00:00Z', count: 1 },
  ]);
});

test('a past week is made again byte for byte, whenever, in whatever order the rows lie, and whatever the session is set to', async () => {
  await using one = await reportDatabase();
  await using two = await reportDatabase();
  const transactions = ['b', 'A', 'ä', 'a', 'B', '_'].flatMap((account, index) => [
    { account, category: account, type: account, amount: `${index}.10` },
    { account, category: account, amount: '5.00', at: '2015-11-05T12:00:00Z' },
  ]);
  await one.add(...transactions);
  await two.add(...transactions.toReversed());
  const first = await bodyOf(one.pool);
  expect(await bodyOf(one.pool)).toBe(first);
  await two.pool.query(`ALTER DATABASE ${two.database.name} SET timezone TO 'Asia/Tokyo'`);
  await two.pool.query(`ALTER DATABASE ${two.database.name} SET datestyle TO 'German'`);
  await two.pool.query(`ALTER DATABASE ${two.database.name} SET extra_float_digits TO 0`);
  // Only new connections have the settings.
  const later = { scheduledAt: new Date('2016-06-01T00:00:00Z'), params: { week: '2015-W46' } };
  expect(await two.database.query('SHOW timezone')).toEqual([{ TimeZone: 'Asia/Tokyo' }]);
  await using fresh = await freshPool(two.database.url);
  expect(await bodyOf(fresh.pool, later)).toBe(first);
});

async function freshPool(url: string): Promise<AsyncDisposable & { pool: PostgresPool }> {
  const pool = withTransactions(testPool({ connectionString: url }));
  return { pool, [Symbol.asyncDispose]: () => pool.end() };
}

test('every part of the report is of one snapshot, whatever is committed meanwhile', async () => {
  await using setting = await reportDatabase();
  await setting.add({}, {});
  // After each query of the report another client commits a transaction.
  const meddled = new Proxy(setting.pool, {
    get(pool, name) {
      if (name !== 'connect') return Reflect.get(pool, name);
      return async () => {
        const client = await pool.connect();
        const query = client.query.bind(client) as (...args: unknown[]) => Promise<unknown>;
        client.query = (async (...args: unknown[]) => {
          const result = await query(...args);
          await setting.add({});
          return result;
        }) as typeof client.query;
        return client;
      };
    },
  });
  const report = await reportOf(meddled);
  const sum = (counts: number[]) => counts.reduce((a, b) => a + b, 0);
  // The snapshot is taken by the first query, which follows BEGIN.
  expect(report.count).toBeGreaterThanOrEqual(2);
  expect(sum(report.days.map(({ count }) => count))).toBe(report.count);
  expect(sum(report.categories.map(({ count }) => count))).toBe(report.count);
  expect(sum(report.top.accounts.map(({ count }) => count))).toBe(report.count);
  expect((await setting.database.query('SELECT count(*)::int AS n FROM payments'))[0]).not.toEqual({ n: report.count });
});

test('a week that is not over is refused: its report would not stay the same', async () => {
  await using setting = await reportDatabase();
  const refused = expect(reportOf(setting.pool, { params: { week: '2015-W47' } })).rejects;
  await refused.toThrow(UsageError);
  await expect(reportOf(setting.pool, { params: { week: '2015-W47' } })).rejects.toThrow(
    /^Week 2015-W47 ends at 2015-11-23T00:00:00Z, after this run's scheduled time: name a week that is over, such as 2015-W46$/,
  );
});

/** Turns the database's clock to a time: its `now()` is found before PostgreSQL's own. */
async function setClock(
  { pool, database }: ReportDatabase,
  time: string,
): Promise<AsyncDisposable & { pool: PostgresPool }> {
  await pool.query(
    `CREATE OR REPLACE FUNCTION public.now() RETURNS timestamptz LANGUAGE sql STABLE AS $$ SELECT timestamptz '${time}' $$`,
  );
  await pool.query(`ALTER DATABASE ${database.name} SET search_path = public, pg_catalog`);
  return freshPool(database.url);
}

test.each([
  ['2015-11-15T23:59:59Z', '2015-11-16T08:00:00Z', 'UTC', '2015-W46', 1_000],
  // Monday in Auckland, and still Sunday in Los Angeles.
  ['2015-11-15T10:59:59.5Z', '2015-11-15T12:00:00Z', 'Pacific/Auckland', '2015-W46', 500],
  ['2015-11-16T07:00:00Z', '2015-11-16T08:00:00Z', 'America/Los_Angeles', '2015-W46', 3_600_000],
  // Weeks of 169 and of 167 hours, whose last hours a week of 168 would mistake.
  ['2015-10-25T22:30:00Z', '2015-10-26T08:00:00Z', 'Europe/Berlin', '2015-W43', 1_800_000],
  ['2015-03-29T21:59:00Z', '2015-03-30T08:00:00Z', 'Europe/Berlin', '2015-W13', 60_000],
])(
  'at %s by the database’s clock a run of %s in %s reports nothing of %s, in no revision, for %i ms more',
  async (now, scheduledAt, timeZone, week, msToEnd) => {
    await using setting = await reportDatabase();
    {
      await using behind = await setClock(setting, now);
      for (const params of [{ timeZone }, { timeZone, week }, { timeZone, revision: 2 }]) {
        const run = runReport(behind.pool, { scheduledAt: new Date(scheduledAt), params });
        await expect(run).rejects.toThrow(RetryableError);
        await expect(run).rejects.toMatchObject({
          retryAfter: `${msToEnd}ms`,
          message: expect.stringMatching(
            `^Week ${week} ends at .*, and by the database's clock it is ${now.slice(0, 19)}`,
          ),
        });
      }
    }
    expect(await setting.outbox()).toEqual([]);
    const end = new Date(Date.parse(now) + msToEnd).toISOString();
    await using over = await setClock(setting, end);
    const report = await reportOf(over.pool, { scheduledAt: new Date(scheduledAt), params: { timeZone } });
    expect(report).toMatchObject({ week, end: end.replace('.000Z', 'Z') });
  },
);

test.each([{}, { revision: 2 }, { timeZone: 'Pacific/Kiritimati' }])(
  'a scheduled time in the future reports no week that is not over: %j',
  async (params) => {
    await using setting = await reportDatabase();
    const scheduledAt = new Date(Date.now() + 8 * 86_400_000);
    const run = runReport(setting.pool, { scheduledAt, params });
    await expect(run).rejects.toThrow(UsageError);
    await expect(run).rejects.toThrow(
      `the scheduled time ${scheduledAt.toISOString()} lies in the future; name a week that is over`,
    );
    expect(await setting.outbox()).toEqual([]);
  },
);

test('a local clock that is ahead of the database’s publishes nothing early', async () => {
  await using setting = await reportDatabase();
  const ahead = new Date(Date.now() + 8 * 86_400_000);
  vi.useFakeTimers({ toFake: ['Date'], now: ahead });
  try {
    const run = runReport(setting.pool, { scheduledAt: ahead });
    await expect(run).rejects.toThrow(RetryableError);
    await expect(run).rejects.toThrow("this machine's clock is ahead of it; synchronise both");
  } finally {
    vi.useRealTimers();
  }
  expect(await setting.outbox()).toEqual([]);
});

test.each([
  [{ week: '2014-W53' }, 'that year has no week 53'],
  [{ week: '2015-46' }, 'an ISO week such as 2026-W46 is needed'],
  [{ timeZone: 'Europe/Atlantis' }, 'a name of the time zone database'],
  [{ timeZone: '+02:00' }, 'a name of the time zone database'],
  [{ top: 0 }, 'Invalid value'],
])('the parameter in %j is refused', async (params, text) => {
  await using setting = await reportDatabase();
  await expect(runReport(setting.pool, { dryRun: true, params })).rejects.toThrow(text);
});

test('an amount that is no number is refused before anything is sent', async () => {
  await using setting = await reportDatabase();
  await setting.add({ amount: 'NaN' });
  const made = reportOf(setting.pool);
  await expect(made).rejects.toThrow(PermanentError);
  await expect(made).rejects.toThrow(
    /doesn't fit its schema at totals\.0\.sum: an amount is not a finite decimal number/,
  );
});

test('a missing view is a permanent error that says what to create', async () => {
  await using setting = await reportDatabase();
  await setting.pool.query('DROP VIEW report_transactions');
  const made = reportOf(setting.pool);
  await expect(made).rejects.toThrow(PermanentError);
  await expect(made).rejects.toThrow(/create the view report_transactions/);
});

test.each([
  [
    'occurred_at::timestamp',
    'amount',
    /occurred_at .* timestamp without time zone: .* cast it to timestamp with time zone/,
  ],
  ['occurred_at', 'amount::float8', /amount .* double precision: .* cast it to numeric/],
])('a view with %s and %s would give a wrong report, and is refused', async (occurredAt, amount, text) => {
  await using setting = await reportDatabase();
  await setting.pool.query(`
    DROP VIEW report_transactions;
    CREATE VIEW report_transactions AS
      SELECT ${occurredAt} AS occurred_at, type, category, account, currency, ${amount} AS amount FROM payments`);
  await expect(reportOf(setting.pool)).rejects.toThrow(text);
});

test('a view whose text columns are no text is a permanent error that says where the view is described', async () => {
  await using setting = await reportDatabase();
  await setting.pool.query(`
    DROP VIEW report_transactions;
    CREATE VIEW report_transactions AS
      SELECT occurred_at, type, category, id AS account, currency, amount FROM payments`);
  await expect(reportOf(setting.pool)).rejects.toThrow(/create the view report_transactions as docs/);
});

test('a view that the user may not read is a permanent error that says what to grant', async () => {
  await using setting = await reportDatabase();
  const role = `reader_${setting.database.name}`;
  await setting.pool.query(`CREATE ROLE ${role} LOGIN PASSWORD 'x'`);
  const url = Object.assign(new URL(setting.database.url), { username: role, password: 'x' });
  {
    await using fresh = await freshPool(url.href);
    await expect(reportOf(fresh.pool)).rejects.toThrow(/grant SELECT on report_transactions/);
  }
  await setting.pool.query(`DROP ROLE ${role}`);
});

test('thousands of categories are refused instead of being sent', async () => {
  await using setting = await reportDatabase();
  await setting.pool.query(
    `INSERT INTO payments (occurred_at, type, category, account, currency, amount)
     SELECT '2015-11-10', 'payment', n, 'a', 'EUR', 1 FROM generate_series(1, 5001) n`,
  );
  await expect(reportOf(setting.pool)).rejects.toThrow(/more than 5000 categories/);
});

test('when the run is to stop, the query stops on the server too', async () => {
  await using setting = await reportDatabase();
  await setting.pool.query(`
    ALTER VIEW report_transactions RENAME TO quick;
    CREATE VIEW report_transactions AS SELECT quick.* FROM (SELECT pg_sleep(60)) s, quick`);
  await setting.add({});
  const controller = new AbortController();
  const made = reportOf(setting.pool, { signal: controller.signal });
  const working = `SELECT count(*)::int AS n FROM pg_stat_activity
                   WHERE state = 'active' AND datname = current_database() AND wait_event = 'PgSleep'`;
  while ((await setting.database.query<{ n: number }>(working))[0]?.n === 0);
  const reason = new Error('the deadline has passed');
  controller.abort(reason);
  await expect(made).rejects.toBe(reason);
  expect(await setting.database.query(working)).toEqual([{ n: 0 }]);
});

test('a report in shards is refused: there is one a week', async () => {
  await using setting = await reportDatabase();
  await expect(runReport(setting.pool, { shard: { index: 0, count: 2 }, scheduledAt: MONDAY })).rejects.toThrow(
    /not divided into shards/,
  );
});
