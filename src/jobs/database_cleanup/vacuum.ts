// Gives the space of deleted rows back to their tables, at the end.
import { tellError } from './database-errors.ts';
import type { Table } from './model.ts';
import { withoutOnly } from './sql.ts';
import { statementSpan } from './trace.ts';
import { transaction } from './transaction.ts';
import { readingLimits, type Work } from './work.ts';

/** VACUUM (ANALYZE) of the tables that lost rows. A failure is a warning: the rows are deleted all the same. */
export async function vacuum(work: Work, tables: readonly Table[]): Promise<void> {
  const { ctx, server } = work;
  for (const table of tables.filter(({ oid }) => (work.tallies.get(oid)?.deleted ?? 0) > 0)) {
    if (ctx.signal.aborted) return;
    try {
      // PostgreSQL itself only sends a notice, and leaves the table out.
      if (!(await mayVacuum(work, table)))
        throw new Error(`the role ${server.role} neither owns it nor may maintain it`);
      await ctx.span('database_cleanup.vacuum', statementSpan('VACUUM', table.label), () =>
        ctx.postgres.statement(ctx.signal, `vacuum (analyze) ${withoutOnly(table.target)}`),
      );
    } catch (error) {
      if (ctx.signal.aborted) return;
      ctx.log.warn(`${table.label} was not vacuumed: ${tellError(ctx, error)}`, { table: table.label });
    }
  }
}

/** Whether the role owns the table and all its partitions, or their database, or was granted MAINTAIN on them, which came with version 17. */
async function mayVacuum(work: Work, { partitions }: Table): Promise<boolean> {
  const maintain = work.server.version >= 170_000 ? `or has_table_privilege(c.oid, 'MAINTAIN')` : '';
  const { rows } = await transaction(work.ctx, readingLimits(work), (client) =>
    client.query<{ may: boolean }>(
      `select coalesce(bool_and(pg_has_role(c.relowner, 'USAGE') or pg_has_role(d.datdba, 'USAGE') ${maintain}), true) as may
       from pg_catalog.pg_class c join pg_catalog.pg_database d on d.datname = current_database()
       where c.oid = any ($1::oid[])`,
      [partitions.map(({ oid }) => oid)],
    ),
  );
  return rows[0]?.may ?? true;
}
