// Gives the space of deleted rows back to their tables, at the end.
import { tellError } from './database-errors.ts';
import type { Table } from './model.ts';
import { withoutOnly } from './sql.ts';
import { statementSpan } from './trace.ts';
import type { Work } from './work.ts';

/** VACUUM (ANALYZE) of the tables that lost rows. A failure is a warning: the rows are deleted all the same. */
export async function vacuum(work: Work, tables: readonly Table[]): Promise<void> {
  const { ctx } = work;
  for (const table of tables.filter(({ oid }) => (work.tallies.get(oid)?.deleted ?? 0) > 0)) {
    if (ctx.signal.aborted) return;
    try {
      await ctx.span('database_cleanup.vacuum', statementSpan('VACUUM', table.label), () =>
        ctx.postgres.statement(ctx.signal, `vacuum (analyze) ${withoutOnly(table.target)}`),
      );
    } catch (error) {
      if (ctx.signal.aborted) return;
      ctx.log.warn(`${table.label} was not vacuumed: ${tellError(ctx, error)}`, { table: table.label });
    }
  }
}
