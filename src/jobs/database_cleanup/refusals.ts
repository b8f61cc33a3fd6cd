// The due rows that a trigger or a constraint refuses to let go: counted by reason, each with an example.
import { reasonKey } from './database-errors.ts';
import type { Refusal } from './model.ts';
import { ctidArray } from './scope.ts';
import type { Subject } from './statements.ts';
import { transaction } from './transaction.ts';
import { readingLimits, type Work } from './work.ts';

/** The refusal of one row, whose ctid is known. */
export async function refusalOf(work: Work, subject: Subject, ctid: string, error: unknown): Promise<Refusal> {
  return {
    key: reasonKey(work.ctx, error),
    reason: (error as Error).message,
    rows: 1,
    example: await exampleOf(work, subject, [ctid]),
  };
}

/** Of these rows so many are still there, since a trigger answered with null. */
export async function keptSilently(
  work: Work,
  subject: Subject,
  ctids: readonly string[],
  rows: number,
): Promise<Refusal> {
  const before = subject.table.triggers.filter((trigger) => trigger.row && trigger.before);
  const reason = `the trigger ${before.map(({ name }) => name).join(' or ')} returned NULL`;
  return { key: reason, reason, rows, example: await exampleOf(work, subject, ctids) };
}

/** The primary key of the first of these rows that is still there; its ctid where the table has no such key. */
async function exampleOf(work: Work, { partition }: Subject, ctids: readonly string[]): Promise<string> {
  const { rows } = await transaction(work.ctx, readingLimits(work), (client) =>
    client.query<{ key: string | null; at: string }>(
      `select t.ctid::text as at, (
         select string_agg(concat(a.attname, '=', to_jsonb(t) ->> a.attname::text), ', ' order by a.attnum)
         from pg_catalog.pg_index i
         join pg_catalog.pg_attribute a on a.attrelid = i.indrelid and a.attnum = any (i.indkey)
         where i.indrelid = t.tableoid and i.indisprimary) as key
       from ${partition.target} as t
       where t.ctid = any (array(select unnest($1::tid[])))${partition.only}
       order by t.ctid limit 1`,
      [ctidArray(ctids)],
    ),
  );
  return rows[0]?.key ?? `ctid ${rows[0]?.at ?? ctids[0]}`;
}
