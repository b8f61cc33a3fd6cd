// Whether the view that the report reads is what it must be: a wrong type would not fail, but give a wrong report.
import { PermanentError } from '../../errors.ts';
import type { Query } from './transaction.ts';

/** The types that matter: an instant is not a local time, and a sum of floats is not exact. */
const ALLOWED: Record<string, readonly string[]> = {
  occurred_at: ['timestamp with time zone'],
  amount: ['numeric', 'bigint', 'integer', 'smallint'],
};

/** @throws {PermanentError} the view is missing, or a column has a type that would make the report wrong */
export async function checkSource(query: Query): Promise<void> {
  const columns = await query<{ name: string; type: string }>(
    `SELECT attname AS name, format_type(coalesce(nullif(typbasetype, 0), atttypid), NULL) AS type
     FROM pg_attribute JOIN pg_type ON pg_type.oid = atttypid
     WHERE attrelid = 'report_transactions'::regclass AND attname = ANY ($1)`,
    [Object.keys(ALLOWED)],
  );
  for (const { name, type } of columns) {
    if (ALLOWED[name]?.includes(type)) continue;
    throw new PermanentError(
      `Column ${name} of report_transactions is of type ${type}: let the view cast it to ${ALLOWED[name]?.[0]}`,
    );
  }
}

/** As `checkSource`, and whether each column that the report reads is there and may be read; no row is. */
export async function checkView(query: Query): Promise<void> {
  await query('SELECT occurred_at, amount, type, currency, category, account FROM report_transactions LIMIT 0');
  await checkSource(query);
}
