// One pass over a partition (or over the block ranges of it that an earlier pass left), batch by batch.
import { setTimeout as sleep } from 'node:timers/promises';
import { type BatchSubject, NOTHING, type Outcome, runBatch, sum } from './batch.ts';
import { adaptiveBatchSize } from './batch-size.ts';
import { extentsWithDueRows } from './due-extents.ts';
import { ctidsByIndex } from './index-scan.ts';
import { addRefusals, withoutRefusals } from './refusals.ts';
import { type BlockRange, inSteps, type Scope, scansRanges } from './scope.ts';
import { mustStop, reportProgress, tallyOf, type Work } from './work.ts';

/** How a pass comes to its rows: by ranges of blocks, or through the index, with the shard's condition on `t`. */
export type AccessPath =
  | { readonly kind: 'blocks'; readonly ranges: Iterable<BlockRange> }
  | { readonly kind: 'index'; readonly condition: string };

/** What became of the rows of a pass. */
export interface PassOutcome extends Outcome {
  /** Where rows stay that another pass may find free; only known of a pass over blocks. */
  readonly leftovers: readonly BlockRange[];
}

/** While others write, no batch is longer than they notice, and each is followed by a rest of so many times its length. */
const GIVING_WAY_TARGET_MS = 2;
const GIVING_WAY_REST = 9;
/**
 * A commit alone may take longer than that. Up to so long a batch isn't made smaller than so many rows: it would hurt others no less,
 * and never be done.
 */
const GIVING_WAY_LEAST = { ms: 20, rows: 250 };

/** A careful batch keeps its rows' ctids in memory. */
const MAX_CAREFUL_ROWS = 20_000;

/**
 * Where a child has to be read through, it is so once a batch by us and once a row by PostgreSQL's own check: few rows take long, and
 * in batches of fewer the reading of ours would count.
 */
const SCANNED = { first: 200, least: 50 };

/** How a pass counts. */
export interface PassOptions {
  /** What an earlier pass over the same rows found: this one's counts replace those. */
  readonly again?: Outcome | undefined;
  /** False for a pass over what other shards count as theirs: only what it deletes is counted. */
  readonly ours: boolean;
  /** Awaited before each batch. */
  readonly rest: () => Promise<void>;
}

/** Beyond so many, neighbouring leftovers are taken together: memory stays flat. */
const MAX_LEFTOVERS = 10_000;

/** Runs batch after batch along the access path; stops between two of them when the run must. */
export async function runPass(
  work: Work,
  subject: BatchSubject,
  accessPath: AccessPath,
  options: PassOptions,
): Promise<PassOutcome> {
  const { params, signal } = work.ctx;
  const size = adaptiveBatchSize({
    first: subject.planning.hash ? Math.min(params.batchSize, SCANNED.first) : params.batchSize,
    most: subject.careful ? Math.min(params.maxBatchSize, MAX_CAREFUL_ROWS) : params.maxBatchSize,
  });
  const tally = tallyOf(work, subject.table);
  const startedAt = performance.now();
  tally.blocked -= options.again?.blocked ?? 0;
  tally.skippedLocked -= options.again?.skipped ?? 0;
  tally.kept -= options.again?.kept ?? 0;
  tally.refusals = withoutRefusals(tally.refusals, options.again?.refusals ?? []);
  work.refusals = 0;
  const leftovers: BlockRange[] = [];
  let total: Outcome = NOTHING;
  try {
    for await (const scope of await scopes(work, subject, accessPath, () => size.rows)) {
      if (mustStop(work)) break;
      await options.rest();
      const batchStartedAt = performance.now();
      const outcome = await runBatch(work, subject, scope);
      const tookMs = performance.now() - batchStartedAt;
      const giveWay = params.giveWay && work.traffic.busy;
      const least = subject.planning.hash ? SCANNED.least : 1;
      if (giveWay) {
        const leastNow = tookMs < GIVING_WAY_LEAST.ms ? GIVING_WAY_LEAST.rows : least;
        size.took(tookMs, Math.min(GIVING_WAY_TARGET_MS, params.batchTarget), leastNow);
      } else {
        size.took(tookMs, params.batchTarget, least);
      }
      total = sum(total, outcome);
      if (options.ours) {
        tally.blocked += outcome.blocked;
        tally.skippedLocked += outcome.skipped;
        tally.kept += outcome.kept;
        tally.refusals = addRefusals(tally.refusals, outcome.refusals);
      }
      if (scope.kind === 'blocks' && outcome.blocked + outcome.skipped + outcome.kept > 0) remember(leftovers, scope);
      reportProgress(work);
      if (work.resumeAt.has(subject.partition.oid)) {
        endEarly(work, subject, accessPath);
        break;
      }
      const restMs = Math.max(params.pause, giveWay ? tookMs * GIVING_WAY_REST : 0);
      if (restMs > 0) await sleep(restMs, undefined, { signal }).catch(() => undefined);
    }
  } finally {
    tally.durationMs += performance.now() - startedAt;
  }
  return { ...total, leftovers };
}

/** So many rows were refused that the rest of the pass is left to the next run: it goes on there, and comes to all rows in time. */
function endEarly({ ctx, resumeAt }: Work, { table, partition }: BatchSubject, { kind }: AccessPath): void {
  // The index finds rows in another order than that of the blocks, by which the next run goes on.
  if (kind === 'index') resumeAt.set(partition.oid, 0);
  const block = resumeAt.get(partition.oid);
  ctx.log.warn(`${partition.name}: too many rows were refused one by one; the next run goes on at block ${block}`, {
    table: table.label,
    block,
  });
}

async function scopes(
  work: Work,
  { table, partition }: BatchSubject,
  accessPath: AccessPath,
  rows: () => number,
): Promise<Iterable<Scope> | AsyncIterable<Scope>> {
  if (accessPath.kind === 'index') return ctidsByIndex(work, table, partition, accessPath.condition, rows);
  const { ranges } = accessPath;
  return inSteps(
    scansRanges(work.server) ? ranges : await extentsWithDueRows(work, table, partition, ranges),
    () => rows() / partition.rowsPerBlock,
  );
}

function remember(leftovers: BlockRange[], range: BlockRange): void {
  const last = leftovers.at(-1);
  if (last && (last.to === range.from || leftovers.length >= MAX_LEFTOVERS)) {
    leftovers[leftovers.length - 1] = { ...last, to: range.to };
  } else {
    leftovers.push(range);
  }
}
