// Finds due rows through the index on the column, where they are few in a large table.
import type { Leaf, Table } from './model.ts';
import type { Rows } from './places.ts';
import { identifier, literal } from './sql.ts';
import { transaction } from './transaction.ts';
import { readingLimits, type Work } from './work.ts';

/** ctids that are fetched and held at a time: memory stays flat. */
const CHUNK = 20_000;

/** Reading a row by its place costs about as much as reading so many blocks in a row (random_page_cost). */
const RANDOM_READ_COST = 4;

/** Whether it's cheaper to fetch `due` rows through the index than to read the table through. */
export const indexPays = (leaf: Leaf, due: number): boolean => leaf.indexed && due * RANDOM_READ_COST < leaf.blocks;

/**
 * Due rows in batches of `size` rows: in the order of the index from chunk to chunk, in that of the table within a chunk. Rows that
 * share one time are told apart by their place, so none comes twice. `part` is the shard's condition.
 */
export async function* throughIndex(
  work: Work,
  table: Table,
  leaf: Leaf,
  part: string,
  size: () => number,
): AsyncGenerator<Rows> {
  const column = `t.${identifier(table.column)}`;
  let after = '';
  for (;;) {
    const { rows } = await transaction(work.ctx.postgres, readingLimits(work), (client) =>
      client.query<{ at: string; time: string }>(
        `select t.ctid::text as at, ${column}::text as time from ${leaf.target} as t
         where ${table.due('t')}${leaf.only}${part}${after}
         order by ${column}, t.ctid limit ${CHUNK}`,
      ),
    );
    const ctids = rows.map((row) => row.at).sort(byPlace);
    for (let from = 0; from < ctids.length; ) {
      const to = from + Math.max(1, Math.floor(size()));
      yield { kind: 'rows', ctids: ctids.slice(from, to) };
      from = to;
    }
    const last = rows.at(-1);
    if (rows.length < CHUNK || !last) return;
    after = ` and (${column}, t.ctid) > (${literal(last.time)}::${table.columnType}, ${literal(last.at)}::tid)`;
  }
}

function byPlace(a: string, b: string): number {
  const [blockA = 0, rowA = 0] = a.slice(1, -1).split(',').map(Number);
  const [blockB = 0, rowB = 0] = b.slice(1, -1).split(',').map(Number);
  return blockA - blockB || rowA - rowB;
}
