// Finds due rows through the index on the column, where they are few in a large table.
import type { Partition, Table } from './model.ts';
import { type CtidList, ctidsInSteps } from './scope.ts';
import { identifier, literal } from './sql.ts';
import { transaction } from './transaction.ts';
import { readingLimits, type Work } from './work.ts';

/** ctids that are fetched and held at a time: memory stays flat. */
const FETCH_ROWS = 20_000;

/** Reading a row by its ctid costs about as much as reading so many blocks in a row (random_page_cost). */
const RANDOM_READ_COST = 4;

/** Whether it's cheaper to fetch `due` rows through the index than to read the table through. */
export const indexPays = (partition: Partition, due: number): boolean =>
  partition.indexed && due * RANDOM_READ_COST < partition.blocks;

/**
 * Due rows in batches of `size` rows: in the order of the index from fetch to fetch, in that of the table within a fetch. Rows that
 * share one time are told apart by their ctid, so none comes twice. `part` is the shard's condition.
 */
export async function* ctidsByIndex(
  work: Work,
  table: Table,
  partition: Partition,
  part: string,
  size: () => number,
): AsyncGenerator<CtidList> {
  const column = `t.${identifier(table.column)}`;
  let after = '';
  for (;;) {
    const { rows } = await transaction(work.ctx, readingLimits(work), (client) =>
      client.query<{ at: string; time: string }>(
        `select t.ctid::text as at, ${column}::text as time from ${partition.target} as t
         where ${table.due('t')}${partition.only}${part}${after}
         order by ${column}, t.ctid limit ${FETCH_ROWS}`,
      ),
    );
    const ctids = rows.map((row) => row.at).sort(byCtid);
    yield* ctidsInSteps(ctids, size);
    const last = rows.at(-1);
    if (rows.length < FETCH_ROWS || !last) return;
    after = ` and (${column}, t.ctid) > (${literal(last.time)}::${table.columnType}, ${literal(last.at)}::tid)`;
  }
}

function byCtid(a: string, b: string): number {
  const [blockA = 0, rowA = 0] = a.slice(1, -1).split(',').map(Number);
  const [blockB = 0, rowB = 0] = b.slice(1, -1).split(',').map(Number);
  return blockA - blockB || rowA - rowB;
}
