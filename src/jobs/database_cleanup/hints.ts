// Says which indexes would make the job cheaper, once, with the statements that create them.
import type { Discovered } from './discover.ts';
import type { Ctx } from './model.ts';
import { identifier } from './sql.ts';

export function hintAtIndexes({ tables, foreignKeys }: Discovered, ctx: Ctx): void {
  const statements = [
    ...tables
      .filter((table) => table.partitions.some((partition) => !partition.indexed))
      .map(({ target, partitioned, column }) => {
        const name = identifier(column);
        // A partitioned table can't have its index made concurrently: PostgreSQL locks it while it does.
        return partitioned
          ? `CREATE INDEX ON ${target} (${name}) WHERE ${name} IS NOT NULL;`
          : `CREATE INDEX CONCURRENTLY ON ${target.replace('only ', '')} (${name}) WHERE ${name} IS NOT NULL;`;
      }),
    ...foreignKeys
      .filter((key) => !key.indexed && tables.some((table) => table.oid === key.parentOid))
      .map((key) => {
        const columns = key.childColumns.map(identifier).join(', ');
        const only = key.child.startsWith('only ');
        return `CREATE INDEX ${only ? 'CONCURRENTLY ' : ''}ON ${key.child.replace('only ', '')} (${columns});`;
      }),
  ];
  if (statements.length === 0) return;
  ctx.log.info('hint: without these indexes whole tables are read to find due rows, or the rows that refer to them', {
    statements,
  });
}
