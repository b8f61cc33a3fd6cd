// The report of one week, from the rows that PostgreSQL has summed.
import * as v from 'valibot';
import { PermanentError } from '../../errors.ts';
import type { Period } from './period.ts';
import { CATEGORIES, DAYS, TOP_ACCOUNTS, TOTALS } from './queries.ts';
import { type Report, report, SCHEMA_VERSION } from './report.ts';
import type { Query } from './transaction.ts';

/** More than these are no categories: the report must fit into a message. */
const MAX_CATEGORIES = 5000;

/** What the report's statements are called in the trace. */
const SELECT = 'SELECT report_transactions';

/** A row of sums; counts are bigint, which node-postgres gives as text. */
interface Sums {
  readonly type: string;
  readonly currency: string;
  readonly count: string;
  readonly sum: string;
}

/**
 * Computes the report in the transaction that `query` belongs to. What comes back is a few rows, however many are summed.
 * @throws {PermanentError} the data can't be reported: not a finite amount, or thousands of categories
 */
export async function computeReport(
  query: Query,
  period: Period,
  { top, revision }: { top: number; revision: number },
): Promise<Report> {
  const { previousStart, start, end, timeZone } = period;
  const totals = await readTotals(query, [previousStart, start, end]);
  const categories = await readCategories(query, [start, end, MAX_CATEGORIES + 1]);
  const days = await query<Sums & { date: string }>(DAYS, [start, end, timeZone], SELECT);
  const accounts = await query<Sums & { rank: string; account: string }>(TOP_ACCOUNTS, [start, end, top], SELECT);
  return checked({
    schemaVersion: SCHEMA_VERSION,
    week: period.week,
    revision,
    timeZone,
    start,
    end,
    count: sumOf(totals.map(({ count }) => count)),
    previousWeek: {
      week: period.previousWeek,
      start: previousStart,
      end: start,
      count: sumOf(totals.map(({ previous }) => previous.count)),
    },
    totals,
    categories: categories.map(({ rank: _, ...row }) => row),
    days: period.dates.map((date, index) => dayOf(date, period, index, days)),
    top: {
      categories: categories.filter(({ rank }) => rank <= top).toSorted(byTypeCurrencyRank),
      accounts: accounts.map(({ rank, account, ...row }) => ({ rank: Number(rank), account, ...sums(row) })),
    },
  });
}

async function readTotals(query: Query, bounds: readonly string[]): Promise<Report['totals']> {
  type Row = Sums & { previousCount: string; previousSum: string; changeSum: string; changePercent: string | null };
  return (await query<Row>(TOTALS, bounds, SELECT)).map((row) => ({
    ...sums(row),
    previous: { count: Number(row.previousCount), sum: row.previousSum },
    change: {
      count: Number(row.count) - Number(row.previousCount),
      sum: row.changeSum,
      percent: row.changePercent,
    },
  }));
}

async function readCategories(
  query: Query,
  values: readonly unknown[],
): Promise<(Report['top']['categories'][number] & { rank: number })[]> {
  const rows = await query<Sums & { rank: string; category: string | null }>(CATEGORIES, values, SELECT);
  if (rows.length > MAX_CATEGORIES) {
    throw new PermanentError(
      `The week has more than ${MAX_CATEGORIES} categories: let the view report_transactions map them to fewer`,
    );
  }
  return rows.map(({ rank, category, ...row }) => ({ rank: Number(rank), category, ...sums(row) }));
}

function dayOf(
  date: string,
  { starts }: Period,
  index: number,
  rows: readonly (Sums & { date: string })[],
): Report['days'][number] {
  const totals = rows.filter((row) => row.date === date).map(sums);
  return {
    date,
    start: starts[index] ?? '',
    end: starts[index + 1] ?? '',
    count: sumOf(totals.map(({ count }) => count)),
    totals,
  };
}

const sums = ({ type, currency, count, sum }: Sums) => ({ type, currency, count: Number(count), sum });

const sumOf = (counts: readonly number[]): number => counts.reduce((sum, count) => sum + count, 0);

type Ranked = { type: string; currency: string; rank: number };
const byTypeCurrencyRank = (a: Ranked, b: Ranked): number =>
  byCodeUnit(a.type, b.type) || byCodeUnit(a.currency, b.currency) || a.rank - b.rank;

const byCodeUnit = (a: string, b: string): number => (a < b ? -1 : a > b ? 1 : 0);

function checked(value: Report): Report {
  const result = v.safeParse(report, value);
  if (result.success) return result.output;
  const [issue] = result.issues;
  throw new PermanentError(
    `The report doesn't fit its schema at ${v.getDotPath(issue) ?? 'the top'}: ${issue.message}; correct the rows of report_transactions`,
  );
}
