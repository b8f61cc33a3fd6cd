// Cleans tables that refer to each other in a circle, or one table alone.
import type { Shard } from '../../job.ts';
import { type BatchSubject, NOTHING, type Outcome, sum } from './batch.ts';
import { asUnavailable } from './database-errors.ts';
import { indexPays } from './index-walk.ts';
import { deleteKnots } from './knots.ts';
import type { ForeignKey, Leaf, Table } from './model.ts';
import { partCondition, partsOf } from './places.ts';
import { blockedCondition, holdsBack, keysOfLeaf } from './references.ts';
import type { Archive } from './statements.ts';
import { type Route, type Swept, sweep, type Walk } from './sweep.ts';
import { mustStop, tallyOf, type Work } from './work.ts';

/** How often a shard looks at what the others left. */
const ROUNDS = 3;

/** What is cleaned together. */
export interface Job {
  readonly tables: readonly Table[];
  readonly cyclic: boolean;
  readonly foreignKeys: readonly ForeignKey[];
  readonly archives: ReadonlyMap<string, Archive>;
  /** Due rows of each leaf, by its oid. */
  readonly due: ReadonlyMap<string, number>;
  readonly rest: () => Promise<void>;
}

/** One leaf, and what the last walk over it left. */
interface Stretch {
  readonly table: Table;
  readonly subject: BatchSubject;
  readonly byIndex: boolean;
  last: Swept | undefined;
}

/**
 * Deletes the shard's own part. Rows that were locked get a second look; where tables refer to themselves or each other, walks are
 * repeated as long as they get on (a tree goes leaves first), and what is knotted is untied at the end.
 */
export async function cleanOwnPart(work: Work, job: Job): Promise<void> {
  const { shard } = work.ctx;
  const stretches = job.tables.flatMap((table) => table.leaves.map((leaf) => stretchOf(work, job, table, leaf)));
  for (const stretch of stretches) {
    stretch.last = await attempt(work, stretch, routeOf(shard, stretch), { ours: true, rest: job.rest });
  }
  let deleted = stretches.some(({ last }) => (last?.deleted ?? 0) > 0);
  for (let pass = 2; !mustStop(work); pass += 1) {
    const again = stretches.filter(({ last }) => {
      if (!last) return false;
      return (pass === 2 && last.skipped > 0) || (job.cyclic && deleted && last.blocked > 0);
    });
    if (again.length === 0) break;
    deleted = false;
    for (const stretch of again) {
      stretch.last = await walkAgain(work, job, stretch);
      deleted ||= (stretch.last?.deleted ?? 0) > 0;
    }
  }
  if (job.cyclic) await untie(work, job, stretches);
}

/**
 * Deletes what is left of all shards' parts, parents whose children were in another shard's part above all. Whichever shard comes
 * last finds every child gone: so no shard waits for another, and together they delete what one would have.
 */
export async function cleanLeftovers(work: Work, job: Job): Promise<void> {
  const stretches = job.tables.flatMap((table) => table.leaves.map((leaf) => stretchOf(work, job, table, leaf)));
  // What another shard holds at this moment is passed over; a further round comes to it, or finds that it is gone.
  for (let round = 1, more = true; more && round <= ROUNDS && !mustStop(work); round += 1) {
    more = false;
    for (const table of job.tables) Object.assign(tallyOf(work, table), { blocked: 0, skippedLocked: 0 });
    for (const stretch of stretches) {
      const { deleted, skipped } = await walkAllParts(work, job, stretch);
      more ||= deleted + skipped > 0;
    }
    if (job.cyclic) await untie(work, job, stretches);
  }
}

/** Counts what stays in the own part anew. */
async function walkAllParts(work: Work, job: Job, stretch: Stretch): Promise<Outcome> {
  const { count, index: own } = work.ctx.shard;
  const subject = { ...stretch.subject, careful: true };
  let total: Outcome = NOTHING;
  for (let index = 0; index < count && !mustStop(work); index += 1) {
    const route = routeOf({ index, count }, stretch);
    const walk = { ours: index === own, again: NOTHING, rest: job.rest };
    total = sum(total, (await attempt(work, { ...stretch, subject }, route, walk)) ?? NOTHING);
  }
  return total;
}

/** The way through the part of a shard. */
function routeOf(shard: Shard, { byIndex, subject: { leaf } }: Stretch): Route {
  return byIndex
    ? { kind: 'index', condition: partCondition(shard, leaf.oid) }
    : { kind: 'blocks', parts: partsOf(shard, leaf.oid, leaf.blocks) };
}

function stretchOf(work: Work, job: Job, table: Table, leaf: Leaf): Stretch {
  const { allowCascade } = work.ctx.params;
  const keys = keysOfLeaf(job.foreignKeys, leaf).filter((key) => holdsBack(key, allowCascade));
  const due = job.due.get(leaf.oid) ?? 0;
  return {
    table,
    subject: {
      table,
      leaf: { ...leaf, rowsPerBlock: Math.max(leaf.rowsPerBlock, due / Math.max(1, leaf.blocks)) },
      blocked: keys.length > 0 ? blockedCondition(keys, table, 't') : undefined,
      archive: job.archives.get(table.oid),
      // A BEFORE trigger may keep rows, which must be told from rows that are locked. And a cascade must never meet a child that
      // came to be after the look.
      careful:
        table.triggers.some((trigger) => trigger.row && trigger.before) ||
        keys.some((key) => key.onDelete === 'cascade'),
    },
    byIndex: indexPays(leaf, due),
    last: undefined,
  };
}

function walkAgain(work: Work, job: Job, stretch: Stretch): Promise<Swept | undefined> {
  const { table, subject, byIndex, last } = stretch;
  const route: Route = byIndex ? routeOf(work.ctx.shard, stretch) : { kind: 'blocks', parts: last?.leftovers ?? [] };
  return attempt(work, { table, subject: { ...subject, careful: true } }, route, {
    again: last,
    ours: true,
    rest: job.rest,
  });
}

async function untie(work: Work, job: Job, stretches: readonly Stretch[]): Promise<void> {
  for (const { table, subject, last } of stretches) {
    if (mustStop(work)) return;
    if (last && last.blocked === 0) continue;
    await guarded(work, table, () => deleteKnots(work, job, table, subject.leaf));
  }
}

function attempt(
  work: Work,
  { table, subject }: Pick<Stretch, 'table' | 'subject'>,
  route: Route,
  walk: Walk,
): Promise<Swept | undefined> {
  return guarded(work, table, () => sweep(work, subject, route, walk));
}

/** One table's failure doesn't stop the others; a database that went away does. */
async function guarded<T>(work: Work, table: Table, step: () => Promise<T>): Promise<T | undefined> {
  if (work.failures.has(table.oid) || mustStop(work)) return undefined;
  try {
    return await step();
  } catch (error) {
    const unavailable = asUnavailable(error);
    if (unavailable) throw unavailable;
    if (work.ctx.signal.aborted) return undefined;
    const failure = error instanceof Error ? error : new Error(String(error));
    work.failures.set(table.oid, failure);
    work.ctx.log.error(`${table.label} failed; the other tables go on`, { table: table.label, error: failure });
    return undefined;
  }
}
