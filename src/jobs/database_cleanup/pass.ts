// One pass over a partition (or over the block ranges of it that an earlier pass left), batch by batch.
import { runBatch } from './batch.ts';
import type { BatchSubject } from './batch-subject.ts';
import { extentsWithDueRows } from './due-extents.ts';
import { ctidsByIndex } from './index-scan.ts';
import { NOTHING, type Outcome, sum } from './outcome.ts';
import { startPace } from './pace.ts';
import { withoutRefusals } from './refusal-sums.ts';
import { type BlockRange, ctidsInSteps, inSteps, inStepsBack, type Scope, scansRanges } from './scope.ts';
import { countStaying, mustStop, reportProgress, tallyOf, type Work } from './work.ts';

/** How a pass comes to its rows: by ranges of blocks, perhaps from the last to the first; through the index, with the shard's condition on `t`; or in a given order. */
export type AccessPath =
  | { readonly kind: 'blocks'; readonly ranges: Iterable<BlockRange>; readonly backwards?: boolean }
  | { readonly kind: 'index'; readonly condition: string }
  | { readonly kind: 'ctids'; readonly ctids: readonly string[] };

/** What became of the rows of a pass. */
export interface PassOutcome extends Outcome {
  /** Where rows stay that another pass may find free, the first block first; only known of a pass over blocks. */
  readonly leftovers: readonly BlockRange[];
}

/** A careful batch keeps its rows' ctids in memory, and one of rows that refer to each other the server's hash of them. */
const MAX_CAREFUL_ROWS = 20_000;

/** How a pass counts. */
export interface PassOptions {
  /** What an earlier pass over the same rows found: this one's counts replace those. */
  readonly again?: Outcome | undefined;
  /** False for a pass over what other shards count as theirs: only what it deletes is counted. */
  readonly ours: boolean;
  /** Awaited before each batch. */
  readonly rest: () => Promise<void>;
  /** Whether so much is enough: the rest is left over. */
  readonly until?: (total: Outcome) => boolean;
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
  const { maxBatchSize } = work.ctx.params;
  const pace = startPace(work, {
    most: subject.careful || subject.ownKeys.length > 0 ? Math.min(maxBatchSize, MAX_CAREFUL_ROWS) : maxBatchSize,
    scans: subject.scans,
  });
  const tally = tallyOf(work, subject.table);
  const startedAt = performance.now();
  tally.blocked -= options.again?.blocked ?? 0;
  tally.skippedLocked -= options.again?.skipped ?? 0;
  tally.kept -= options.again?.kept ?? 0;
  tally.refusals = withoutRefusals(tally.refusals, options.again?.refusals ?? []);
  work.refused = { rows: 0, ms: 0 };
  work.slowRows = 0;
  const leftovers: BlockRange[] = [];
  let total: Outcome = NOTHING;
  try {
    for await (const scope of await scopes(work, subject, accessPath, () => pace.rows)) {
      if (mustStop(work)) break;
      await options.rest();
      const batchStartedAt = performance.now();
      const outcome = await runBatch(work, subject, scope);
      const tookMs = performance.now() - batchStartedAt;
      total = sum(total, outcome);
      if (options.ours) countStaying(tally, outcome);
      if (scope.kind === 'blocks' && outcome.blocked + outcome.skipped + outcome.kept > 0) remember(leftovers, scope);
      reportProgress(work);
      if (work.resumeAt.has(subject.partition.oid)) {
        endEarly(work, subject, accessPath);
        break;
      }
      if (options.until?.(total)) {
        leftovers.splice(0, leftovers.length, { kind: 'blocks', from: 0, to: subject.partition.blocks });
        break;
      }
      await pace.afterBatch(tookMs, outcome.deleted);
    }
  } finally {
    tally.durationMs += performance.now() - startedAt;
  }
  return { ...total, leftovers: leftovers.toSorted((a, b) => a.from - b.from) };
}

/** So many rows were refused that the rest of the pass is left to the next run: it goes on there, and comes to all rows in time. */
function endEarly({ ctx, resumeAt }: Work, { table, partition }: BatchSubject, { kind }: AccessPath): void {
  // By the blocks the next run goes on, and these rows came in another order.
  if (kind !== 'blocks') resumeAt.set(partition.oid, 0);
  const block = resumeAt.get(partition.oid);
  ctx.log.warn(`${partition.name}: refused rows took enough of this run; the next one goes on at block ${block}`, {
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
  if (accessPath.kind === 'ctids') return ctidsInSteps(accessPath.ctids, rows);
  const { ranges, backwards } = accessPath;
  const steps = backwards ? inStepsBack : inSteps;
  return steps(
    scansRanges(work.server) ? ranges : await extentsWithDueRows(work, table, partition, ranges),
    () => rows() / partition.rowsPerBlock,
  );
}

function remember(leftovers: BlockRange[], range: BlockRange): void {
  const last = leftovers.at(-1);
  const touches = last?.to === range.from || last?.from === range.to;
  if (last && (touches || leftovers.length >= MAX_LEFTOVERS)) {
    const [from, to] = [Math.min(last.from, range.from), Math.max(last.to, range.to)];
    leftovers[leftovers.length - 1] = { ...last, from, to };
  } else {
    leftovers.push(range);
  }
}
