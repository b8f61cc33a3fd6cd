// For PostgreSQL 13, which has no scan of a ctid range: finds where in a table due rows are, before a walk names each place there.
import type { Leaf, Table } from './model.ts';
import { type Blocks, STRIPE_BLOCKS } from './places.ts';
import { transaction } from './transaction.ts';
import { readingLimits, type Work } from './work.ts';

/**
 * What of these parts has due rows, in pieces of at most a stripe. One scan of the table tells; to look at all places that a row can
 * have in every block costs some thirty scans, and a run that is cut short would never get beyond what earlier runs have cleaned.
 */
export async function withDueRows(work: Work, table: Table, leaf: Leaf, parts: Iterable<Blocks>): Promise<Blocks[]> {
  const { rows } = await transaction(work.ctx.postgres, readingLimits(work), (client) =>
    client.query<{ stripe: number; highest: number }>(
      `select floor((t.ctid::text::point)[0] / ${STRIPE_BLOCKS}) as stripe, max((t.ctid::text::point)[1]) as highest
       from ${leaf.target} as t where ${table.due('t')}${leaf.only} group by 1`,
    ),
  );
  const highestOf = new Map(rows.map(({ stripe, highest }) => [stripe, highest]));
  const found: Blocks[] = [];
  for (const part of parts) {
    for (let from = part.from; from < part.to; ) {
      const stripe = Math.floor(from / STRIPE_BLOCKS);
      const to = Math.min(part.to, (stripe + 1) * STRIPE_BLOCKS);
      const highest = highestOf.get(stripe);
      if (highest !== undefined) found.push({ kind: 'blocks', from, to, highest });
      from = to;
    }
  }
  return found;
}
