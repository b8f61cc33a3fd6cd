// Gives the space of deleted rows back to their tables, at the end.
import { tellError } from './database-errors.ts';
import type { Table } from './model.ts';
import { statementSpan } from './trace.ts';
import type { Work } from './work.ts';

/** VACUUM (ANALYZE) of the tables that lost rows. A failure is a warning: the rows are deleted all the same. */
export async function vacuum(work: Work, tables: readonly Table[]): Promise<void> {
  const { ctx } = work;
  for (const table of tables.filter(({ oid }) => (work.tallies.get(oid)?.deleted ?? 0) > 0)) {
    if (ctx.signal.aborted) return;
    const target = table.target.replace('only ', '');
    // The comment finds the statement again: VACUUM may take long, can't run in a transaction with a timeout of its own, and a
    // pooler may have sent it anywhere.
    const mark = `/* run-job ${ctx.runId} */`;
    const cancel = () =>
      void ctx.postgres
        .query(
          `select pg_cancel_backend(pid) from pg_catalog.pg_stat_activity
           where state = 'active' and usename = current_user and query like $1`,
          [`${mark} vacuum %`],
        )
        .catch(() => undefined);
    ctx.signal.addEventListener('abort', cancel, { once: true });
    try {
      await ctx.span('database_cleanup.vacuum', statementSpan('VACUUM', table.label), () =>
        ctx.postgres.query(`${mark} vacuum (analyze) ${target}`),
      );
    } catch (error) {
      ctx.log.warn(`${table.label} was not vacuumed: ${tellError(error)}`, { table: table.label });
    } finally {
      ctx.signal.removeEventListener('abort', cancel);
    }
  }
}
