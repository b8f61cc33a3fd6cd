// The due rows that a trigger or a constraint refuses to let go: counted by reason, each with an example.
import { reasonKey } from './database-errors.ts';
import type { Refusal, Table } from './model.ts';
import { ctidArray } from './scope.ts';
import type { Subject } from './statements.ts';
import { transaction } from './transaction.ts';
import { readingLimits, tallyOf, type Work } from './work.ts';

/** Runs a query for an example, in the transaction that is open or in one of its own. */
export type AskExample = (text: string, values: unknown[]) => Promise<{ rows: { key: string | null; at: string }[] }>;

/** In a transaction of its own: what the batch has done is committed or undone. */
export const afterwards =
  (work: Work): AskExample =>
  (text, values) =>
    transaction(work.ctx, readingLimits(work), (client) => client.query(text, values));

/** The refusal of one row, whose ctid is known. */
export async function refusalOf(
  ask: AskExample,
  work: Work,
  subject: Subject,
  ctid: string,
  error: unknown,
): Promise<Refusal> {
  const key = reasonKey(work.ctx, error);
  return { key, reason: (error as Error).message, rows: 1, example: await exampleOf(ask, work, subject, key, [ctid]) };
}

/** How many of the locked rows that didn't go are taken to be referred to since; it may be a policy too, which is looked at in the end. */
export const heldBack = ({ rowSecurity }: Table, stayed: number): number => (rowSecurity ? 0 : stayed);

/** Of these rows so many are still there, since a trigger answered with null. */
export async function keptSilently(
  ask: AskExample,
  work: Work,
  subject: Subject,
  ctids: readonly string[],
  rows: number,
): Promise<Refusal> {
  const before = subject.table.triggers.filter((trigger) => trigger.row && trigger.before);
  const reason = `the trigger ${before.map(({ name }) => name).join(' or ')} returned NULL`;
  return { key: reason, reason, rows, example: await exampleOf(ask, work, subject, reason, ctids) };
}

/**
 * The primary key of the first of these rows that is still there; its ctid where the table has no such key. What is known as an example
 * of this reason stays it: to look for another would take a query for each row.
 */
async function exampleOf(
  ask: AskExample,
  work: Work,
  { table, partition }: Subject,
  key: string,
  ctids: readonly string[],
): Promise<string> {
  const known = tallyOf(work, table).refusals.find((refusal) => refusal.key === key);
  if (known?.example !== undefined) return known.example;
  const { rows } = await ask(
    `select t.ctid::text as at, (
       select string_agg(concat(a.attname, '=', to_jsonb(t.*) ->> a.attname::text), ', ' order by a.attnum)
       from pg_catalog.pg_index i
       join pg_catalog.pg_attribute a on a.attrelid = i.indrelid and a.attnum = any (i.indkey)
       where i.indrelid = t.tableoid and i.indisprimary) as key
     from ${partition.target} as t
     where t.ctid = any (array(select unnest($1::tid[])))${partition.only}
     order by t.ctid limit 1`,
    [ctidArray(ctids)],
  );
  return rows[0]?.key ?? `ctid ${rows[0]?.at ?? ctids[0]}`;
}
