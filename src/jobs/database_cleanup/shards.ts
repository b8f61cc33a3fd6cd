// Which blocks of a table belong to which shard.
import type { Shard } from '../../job.ts';
import type { BlockRange } from './scope.ts';

/** A shard takes whole extents of so many blocks (2 MB), so that all shards agree on them however the table grows meanwhile. */
export const EXTENT_BLOCKS = 256;

/** The block ranges of a table of `blocks` blocks that belong to the shard. `oid` spreads small tables over the shards. */
export function* rangesOfShard(shard: Shard, oid: string, blocks: number): Generator<BlockRange> {
  if (shard.count === 1) {
    yield { kind: 'blocks', from: 0, to: blocks };
    return;
  }
  const first = (shard.index - (Number(oid) % shard.count) + shard.count) % shard.count;
  for (let extent = first; extent * EXTENT_BLOCKS < blocks; extent += shard.count) {
    const from = extent * EXTENT_BLOCKS;
    yield { kind: 'blocks', from, to: Math.min(from + EXTENT_BLOCKS, blocks) };
  }
}

/** Whether a row, by its ctid, belongs to the shard. */
export function isOfShard(shard: Shard, oid: string, ctid: string): boolean {
  const extent = Math.floor(Number(ctid.slice(1, ctid.indexOf(','))) / EXTENT_BLOCKS);
  return (extent + Number(oid)) % shard.count === shard.index;
}

/** The same as a condition on the row `t`; empty when everything belongs to the shard. */
export function shardCondition(shard: Shard, oid: string): string {
  if (shard.count === 1) return '';
  const extent = `(t.ctid::text::point)[0]::bigint / ${EXTENT_BLOCKS}`;
  return ` and (${extent} + ${Number(oid) % shard.count}) % ${shard.count} = ${shard.index}`;
}
