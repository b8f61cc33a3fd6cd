// Where a batch looks: a range of the table's blocks, or rows that an index has found.
//
// The key that batches walk along is the rows' physical place (ctid). Every table has it, with or without a primary key; it is unique;
// each block is read once, in order, so the last batch costs what the first did; and a DELETE by it needs no other index. Its
// weakness is a row that is updated while the job runs: it moves, perhaps to where the walk has been. Such a row is due still, and
// the next run takes it.
import type { Shard } from '../../job.ts';

/** Blocks `from` up to, and not including, `to`. */
export interface Blocks {
  readonly kind: 'blocks';
  readonly from: number;
  readonly to: number;
  /** The highest place within a block that is looked at; any that a row can have, unless said. Version 14 and later don't need it. */
  readonly highest?: number;
}

/** Rows by their ctid, as PostgreSQL writes it. */
export interface Rows {
  readonly kind: 'rows';
  readonly ctids: readonly string[];
}

export type Place = Blocks | Rows;

/** A shard takes whole stripes of this many blocks (2 MB), so that all shards agree on them however the table grows meanwhile. */
export const STRIPE_BLOCKS = 256;

/** The parts of a table of `blocks` blocks that belong to the shard. `oid` spreads small tables over the shards. */
export function* partsOf(shard: Shard, oid: string, blocks: number): Generator<Blocks> {
  if (shard.count === 1) {
    yield { kind: 'blocks', from: 0, to: blocks };
    return;
  }
  const first = (shard.index - (Number(oid) % shard.count) + shard.count) % shard.count;
  for (let stripe = first; stripe * STRIPE_BLOCKS < blocks; stripe += shard.count) {
    const from = stripe * STRIPE_BLOCKS;
    yield { kind: 'blocks', from, to: Math.min(from + STRIPE_BLOCKS, blocks) };
  }
}

/** The same as a condition on the row `t`; empty when everything belongs to the shard. */
export function partCondition(shard: Shard, oid: string): string {
  if (shard.count === 1) return '';
  const stripe = `(t.ctid::text::point)[0]::bigint / ${STRIPE_BLOCKS}`;
  return ` and (${stripe} + ${Number(oid) % shard.count}) % ${shard.count} = ${shard.index}`;
}

/** Cuts parts into places of as many blocks as `size` says at that moment. */
export function* inSteps(parts: Iterable<Blocks>, size: () => number): Generator<Blocks> {
  for (const part of parts) {
    for (let from = part.from; from < part.to; ) {
      const to = Math.min(part.to, from + Math.max(1, Math.floor(size())));
      yield { ...part, from, to };
      from = to;
    }
  }
}

/** What a place's condition depends on. */
interface PlaceServer {
  readonly version: number;
  readonly blockSize: number;
}

/** Version 13 has no scan of a ctid range: there a condition names every place that a row can have in its blocks. */
export const scansRanges = (server: PlaceServer): boolean => server.version >= 140_000;

/** The condition on `t.ctid`, with its one value if it has one. */
export function placeCondition(place: Place, server: PlaceServer): { sql: string; values: string[] } {
  // ARRAY(SELECT …) hides the list's length from the planner, which would rather scan the table than fetch many rows by ctid.
  if (place.kind === 'rows') {
    return { sql: 't.ctid = any (array(select unnest($1::tid[])))', values: [ctidArray(place.ctids)] };
  }
  if (scansRanges(server)) {
    return { sql: `t.ctid >= '(${place.from},0)'::tid and t.ctid < '(${place.to},0)'::tid`, values: [] };
  }
  const highest = place.highest ?? Math.floor((server.blockSize - 24) / 28);
  return {
    sql: `t.ctid = any (array(
      select format('(%s,%s)', b, o)::tid
      from generate_series(${place.from}, ${place.to - 1}) as b, generate_series(1, ${highest}) as o))`,
    values: [],
  };
}

/** ctids as the text of a tid[]. */
export const ctidArray = (ctids: readonly string[]): string => `{${ctids.map((ctid) => `"${ctid}"`).join(',')}}`;

/** Two halves of a place, or nothing when it can't be less. */
export function halves(place: Place): [Place, Place] | undefined {
  if (place.kind === 'rows') {
    const middle = place.ctids.length >> 1;
    if (middle === 0) return undefined;
    return [
      { kind: 'rows', ctids: place.ctids.slice(0, middle) },
      { kind: 'rows', ctids: place.ctids.slice(middle) },
    ];
  }
  const middle = (place.from + place.to) >> 1;
  if (middle === place.from) return undefined;
  return [
    { ...place, to: middle },
    { ...place, from: middle },
  ];
}
