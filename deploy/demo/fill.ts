// Fills the demo's schema: the same rows every time, but for the day that they are seen from.
import { readFileSync } from 'node:fs';
import type { Client } from 'pg';
import { drawBar } from './terminal.ts';

const ACCOUNTS = 4_000;
const CARDS = 6_000;
const TRANSACTIONS = 240_000;
const INVOICES = 60_000;
const STEP = 20_000;

/**
 * When the account `i` was closed: half of them never were, the others at some time in the last 300 days, so that about a third of all
 * rows have been gone for more than 90 days. The factor spreads them evenly.
 */
const CLOSED_AT = `case when (i * 7919) % 1000 < 500 then now() - (i * 7919 % 7200) * interval '1 hour' end`;

/** What is inserted for i = $1 … $2. */
const TABLES: readonly { name: string; rows: number; select: string }[] = [
  {
    name: 'accounts',
    rows: ACCOUNTS,
    select: `i, 'Customer ' || i, (array['EUR', 'EUR', 'USD', 'CHF'])[1 + i % 4], now() - interval '5 years', ${CLOSED_AT}`,
  },
  {
    name: 'categories',
    rows: 60,
    select: `i, case when i > 12 then 1 + i % 12 end,
      (array['Groceries', 'Housing', 'Transport', 'Leisure', 'Health', 'Travel', 'Salary', 'Savings', 'Fees', 'Gifts', 'Education', 'Other'])[1 + i % 12]
        || case when i > 12 then ' ' || i / 12 else '' end,
      case when i > 48 then now() - interval '200 days' end`,
  },
  {
    name: 'cards',
    rows: CARDS,
    // Cards go with their accounts; a few were forgotten, and keep them.
    select: `i, 1 + i % ${ACCOUNTS}, lpad((i * 6151 % 10000)::text, 4, '0'),
      (select a.deleted_at from accounts a where a.id = 1 + i % ${ACCOUNTS} and i % 40 > 0)`,
  },
  {
    name: 'transactions',
    rows: TRANSACTIONS,
    select: `i, account.id, case when i % 3 = 0 then 1 + i % ${CARDS} end, 1 + i % 48,
      (array['payment', 'payment', 'payment', 'transfer', 'refund', 'fee'])[1 + i % 6],
      (1 + i * 37 % 50000) / 100.0, now() - (i % 9000) * interval '1 hour',
      -- Transactions go with their accounts, and some of the others by themselves.
      coalesce(account.deleted_at, case when i % 9 = 0 then now() - (i % 4000) * interval '1 hour' end)`,
  },
  {
    name: 'invoices',
    rows: INVOICES,
    select: `i, 1 + i * 4 % ${TRANSACTIONS}, 'INV-' || lpad(i::text, 7, '0'), current_date - (i % 300)::int,
      (select t.deleted_at from transactions t where t.id = 1 + i * 4 % ${TRANSACTIONS} and i % 89 > 0) at time zone 'UTC'`,
  },
];

/** Creates and fills the tables; returns how many rows there are, and how many are soft-deleted. */
export async function fill(client: Client): Promise<{ rows: number; softDeleted: number }> {
  await client.query(sql('schema.sql'));
  const total = TABLES.reduce((sum, table) => sum + table.rows, 0);
  let done = 0;
  for (const { name, rows, select } of TABLES) {
    const from = name === 'transactions' ? `join accounts account on account.id = 1 + i % ${ACCOUNTS}` : '';
    for (let first = 1; first <= rows; first += STEP) {
      const last = Math.min(rows, first + STEP - 1);
      await client.query(
        `insert into ${name} select ${select} from generate_series($1::bigint, $2::bigint) i ${from}`,
        [first, last],
      );
      done += last - first + 1;
      drawBar(done, total, name);
    }
  }
  await client.query(sql('indexes.sql'));
  await client.query(sql('report.sql'));
  const counts = TABLES.map(({ name }) => `select count(*) as rows, count(deleted_at) as gone from ${name}`);
  const { rows } = await client.query<{ rows: number; gone: number }>(
    `select sum(rows)::int as rows, sum(gone)::int as gone from (${counts.join(' union all ')}) as counted`,
  );
  return { rows: rows[0]?.rows ?? 0, softDeleted: rows[0]?.gone ?? 0 };
}

const sql = (name: string): string => readFileSync(new URL(name, import.meta.url), 'utf8');
