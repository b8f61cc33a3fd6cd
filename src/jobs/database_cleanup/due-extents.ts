// For PostgreSQL 13, which has no scan of a ctid range: finds the extents that have due rows, before a pass names each ctid in them.
import type { Partition, Table } from './model.ts';
import type { BlockRange } from './scope.ts';
import { EXTENT_BLOCKS } from './shards.ts';
import { transaction } from './transaction.ts';
import { readingLimits, type Work } from './work.ts';

/**
 * What of these block ranges has due rows, in ranges of at most an extent. One scan of the table tells; to look at all ctids that
 * every block can have costs some thirty scans, and a run that is cut short would never get beyond what earlier runs have cleaned.
 */
export async function extentsWithDueRows(
  work: Work,
  table: Table,
  partition: Partition,
  ranges: Iterable<BlockRange>,
): Promise<BlockRange[]> {
  const { rows } = await transaction(work.ctx, readingLimits(work), (client) =>
    client.query<{ extent: number; highest: number }>(
      `select floor((t.ctid::text::point)[0] / ${EXTENT_BLOCKS}) as extent, max((t.ctid::text::point)[1]) as highest
       from ${partition.target} as t where ${table.due('t')}${partition.only} group by 1`,
    ),
  );
  const highestOf = new Map(rows.map(({ extent, highest }) => [extent, highest]));
  const found: BlockRange[] = [];
  for (const range of ranges) {
    for (let from = range.from; from < range.to; ) {
      const extent = Math.floor(from / EXTENT_BLOCKS);
      const to = Math.min(range.to, (extent + 1) * EXTENT_BLOCKS);
      const highest = highestOf.get(extent);
      if (highest !== undefined) found.push({ kind: 'blocks', from, to, highest });
      from = to;
    }
  }
  return found;
}
