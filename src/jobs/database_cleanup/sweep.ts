// One walk over a table (or over the parts of it that an earlier walk left), batch by batch.
import { setTimeout as sleep } from 'node:timers/promises';
import { type BatchSubject, NOTHING, type Outcome, runBatch, sum } from './batch.ts';
import { adaptiveBatchSize } from './batch-size.ts';
import { throughIndex } from './index-walk.ts';
import type { Leaf, Table } from './model.ts';
import { type Blocks, inSteps, type Place, scansRanges } from './places.ts';
import { withDueRows } from './stripes.ts';
import { mustStop, reportProgress, tallyOf, type Work } from './work.ts';

/** What a walk covers: parts of the table's blocks, or what the index finds under a condition on `t`. */
export type Route =
  | { readonly kind: 'blocks'; readonly parts: Iterable<Blocks> }
  | { readonly kind: 'index'; readonly condition: string };

/** What a walk left behind. */
export interface Swept extends Outcome {
  /** Where rows stay that another walk may find free; only known of a walk over blocks. */
  readonly leftovers: readonly Blocks[];
}

/** While others write, no batch is longer than they notice, and each is followed by a rest of so many times its length. */
const GIVING_WAY_TARGET_MS = 2;
const GIVING_WAY_REST = 9;
/**
 * A commit alone may take longer than that. Up to so long a batch isn't made smaller than so many rows: it would hurt others no less,
 * and never be done.
 */
const GIVING_WAY_LEAST = { ms: 20, rows: 250 };

/** A careful batch keeps its rows' places in memory. */
const MAX_CAREFUL_ROWS = 20_000;

/** How a walk counts. */
export interface Walk {
  /** What an earlier walk over the same rows found: this one's counts take their place. */
  readonly again?: Outcome | undefined;
  /** False on a walk over what other shards count as theirs: only what it deletes is counted. */
  readonly ours: boolean;
  /** Awaited before each batch. */
  readonly rest: () => Promise<void>;
}

/** Beyond so many, neighbouring leftovers are taken together: memory stays flat. */
const MAX_LEFTOVERS = 10_000;

/** Walks along the route; stops between batches when the run must. */
export async function sweep(work: Work, subject: BatchSubject, route: Route, walk: Walk): Promise<Swept> {
  const { table, leaf } = subject;
  const { params, signal } = work.ctx;
  const size = adaptiveBatchSize({
    first: params.batchSize,
    most: subject.careful ? Math.min(params.maxBatchSize, MAX_CAREFUL_ROWS) : params.maxBatchSize,
  });
  const tally = tallyOf(work, table);
  const startedAt = performance.now();
  tally.blocked -= walk.again?.blocked ?? 0;
  tally.skippedLocked -= walk.again?.skipped ?? 0;
  const leftovers: Blocks[] = [];
  let total: Outcome = NOTHING;
  try {
    for await (const place of await places(work, table, leaf, route, () => size.rows)) {
      if (mustStop(work)) break;
      await walk.rest();
      const batchStartedAt = performance.now();
      const outcome = await runBatch(work, subject, place);
      const tookMs = performance.now() - batchStartedAt;
      const giveWay = params.giveWay && work.traffic.busy;
      if (giveWay) {
        const least = tookMs < GIVING_WAY_LEAST.ms ? GIVING_WAY_LEAST.rows : 1;
        size.took(tookMs, Math.min(GIVING_WAY_TARGET_MS, params.batchTarget), least);
      } else {
        size.took(tookMs, params.batchTarget);
      }
      total = sum(total, outcome);
      if (walk.ours) {
        tally.blocked += outcome.blocked;
        tally.skippedLocked += outcome.skipped;
        if (!walk.again) tally.kept += outcome.kept;
      }
      if (place.kind === 'blocks' && outcome.blocked + outcome.skipped > 0) leave(leftovers, place);
      reportProgress(work);
      const restMs = Math.max(params.pause, giveWay ? tookMs * GIVING_WAY_REST : 0);
      if (restMs > 0) await sleep(restMs, undefined, { signal }).catch(() => undefined);
    }
  } finally {
    tally.durationMs += performance.now() - startedAt;
  }
  return { ...total, leftovers };
}

async function places(
  work: Work,
  table: Table,
  leaf: Leaf,
  route: Route,
  rows: () => number,
): Promise<Iterable<Place> | AsyncIterable<Place>> {
  if (route.kind === 'index') return throughIndex(work, table, leaf, route.condition, rows);
  const parts = scansRanges(work.server) ? route.parts : await withDueRows(work, table, leaf, route.parts);
  return inSteps(parts, () => rows() / leaf.rowsPerBlock);
}

function leave(leftovers: Blocks[], place: Blocks): void {
  const last = leftovers.at(-1);
  if (last && (last.to === place.from || leftovers.length >= MAX_LEFTOVERS)) {
    leftovers[leftovers.length - 1] = { ...last, to: place.to };
  } else {
    leftovers.push(place);
  }
}
