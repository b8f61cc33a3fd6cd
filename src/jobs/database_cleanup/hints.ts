// Says which indexes would make the job cheaper, once, with the statements that create them.
import type { Discovered } from './discover.ts';
import type { Ctx, ForeignKey, Table } from './model.ts';
import { needsScan } from './references.ts';
import { identifier, withoutOnly } from './sql.ts';

/** Says which indexes would help; `due` are the tables that rows are about to be deleted from. */
export function hintAtIndexes({ tables, foreignKeys }: Discovered, due: readonly Table[], ctx: Ctx): void {
  const slow = foreignKeys.filter((key) => needsScan(key) && due.some((table) => table.oid === key.parentOid));
  for (const key of slow) {
    const parent = due.find((table) => table.oid === key.parentOid)?.label;
    ctx.log.warn(
      `for each row that is deleted from ${parent} PostgreSQL reads all of ${key.childLabel} to check ${key.name}: ` +
        `expect it to take long, or create the index first: ${indexOn(key)}`,
      { table: parent, constraint: key.name },
    );
  }
  const statements = [
    ...tables
      .filter((table) => table.partitions.some((partition) => !partition.indexed))
      .map(({ target, partitioned, column }) => {
        const name = identifier(column);
        // A partitioned table can't have its index made concurrently: PostgreSQL locks it while it does.
        return partitioned
          ? `CREATE INDEX ON ${target} (${name}) WHERE ${name} IS NOT NULL;`
          : `CREATE INDEX CONCURRENTLY ON ${withoutOnly(target)} (${name}) WHERE ${name} IS NOT NULL;`;
      }),
    ...foreignKeys
      .filter((key) => !key.indexed && !slow.includes(key) && tables.some((table) => table.oid === key.parentOid))
      .map(indexOn),
  ];
  if (statements.length === 0) return;
  ctx.log.info('hint: without these indexes whole tables are read to find due rows, or the rows that refer to them', {
    statements,
  });
}

function indexOn(key: ForeignKey): string {
  const columns = key.childColumns.map(identifier).join(', ');
  const only = key.child.startsWith('only ');
  return `CREATE INDEX ${only ? 'CONCURRENTLY ' : ''}ON ${withoutOnly(key.child)} (${columns});`;
}
