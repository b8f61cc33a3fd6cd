// The job from beginning to end: look, count, refuse or delete, tell.
import { ConfigError, hasCode, PermanentError, RetryableError, UnavailableError } from '../../errors.ts';
import { prepareArchives } from './archive.ts';
import { cleanLeftovers } from './clean-component.ts';
import type { ComponentTask } from './component-task.ts';
import { componentsInOrder } from './components.ts';
import { counted } from './counted.ts';
import { isPermanent, tellError } from './database-errors.ts';
import { type Discovered, discover } from './discover.ts';
import { cutoffOf, usualRetentionMs } from './due.ts';
import { lastResumeAt } from './earlier-runs.ts';
import { guard } from './guard.ts';
import { hintAtIndexes } from './hints.ts';
import type { Ctx, Refusal, Table } from './model.ts';
import { makePlan, type Plan, tellPlan } from './plan.ts';
import { countUntold, keep, markDone, startKeeping, withDone } from './progress.ts';
import { lagWatch } from './replication.ts';
import { makeResult, type Result } from './result.ts';
import { readServer } from './server.ts';
import { cleanGroup, firstGroup, startSharedPace } from './small-components.ts';
import type { Archive } from './statements.ts';
import { statementSpan, sumsOf } from './trace.ts';
import { transaction } from './transaction.ts';
import { countUndeletable } from './undeletable.ts';
import { vacuum } from './vacuum.ts';
import { mustStop, readingLimits, startWork, type Work } from './work.ts';

/**
 * Runs the cleanup.
 * @throws {PermanentError} the guard refuses, or a parameter means nothing that exists
 * @throws {ConfigError} the database is a read-only replica
 * @throws {UnavailableError} the database went away
 * @throws {PermanentError | RetryableError} some tables failed: the message names them all, and the result is what was done
 */
export async function cleanup(ctx: Ctx): Promise<Result> {
  const saved = await ctx.checkpoint.load();
  const server = { ...(await readServer(ctx)), ...(saved && { base: new Date(saved.base) }) };
  if (!ctx.dryRun && (server.readOnly || server.inRecovery)) {
    throw new ConfigError(
      server.inRecovery
        ? 'DATABASE_URL points at a read-only replica; point it at the primary'
        : 'The database only takes read-only transactions (default_transaction_read_only); let this role write',
    );
  }
  const work = startWork(ctx, server, saved);
  const cutoff = cutoffOf(server.base, usualRetentionMs(ctx.params));
  const found = await transaction(ctx, readingLimits(work), (client) => discover(client, ctx, server));
  if (found.tables.length === 0) {
    ctx.log.warn(
      `no table in ${ctx.params.schemas.join(', ')} has a column ${ctx.params.column} that says when a row was deleted`,
    );
  }
  const open = found.tables.filter(({ label }) => !work.done.has(label));
  const planned = await ctx.span('database_cleanup.plan', {}, () => makePlan(work, { ...found, tables: open }));
  const plan = withDone(planned, found.tables, work.done);
  countUntold(work, plan, saved);
  tellPlan(work, plan);
  const due = plan.tables.filter((table) => table.due > 0).map(({ table }) => table);
  hintAtIndexes(found, due, ctx);
  await guard(work, plan);
  const archives = await prepareArchives(work, due);

  const startedAt = performance.now();
  const resultNow = () => makeResult(work, found.tables, plan, cutoff, startedAt);
  if (!ctx.dryRun) {
    await deleteAll(work, found, plan, archives).catch((error) => Promise.reject(withResult(error, resultNow())));
    // Also where the run goes on to fail, or was asked to stop: another attempt or pod goes on from here.
    await keep(work, plan);
  }
  const result = resultNow();
  if (!ctx.dryRun) tellTables(ctx, result);
  if (!ctx.dryRun && ctx.params.vacuum) await vacuum(work, found.tables);
  if (work.failures.size > 0) throw failureOf(work, found.tables, result);
  return result;
}

/** One line a table, for people. */
function tellTables({ log }: Ctx, { tables }: Result): void {
  for (const [
    label,
    { deleted, matched, blocked, skippedLocked, kept, refusals = [], batches, durationMs },
  ] of Object.entries(tables)) {
    const stayed = [
      blocked > 0 && counted(blocked, 'stays because other rows refer to it', 'stay because other rows refer to them'),
      skippedLocked > 0 && counted(skippedLocked, 'was locked', 'were locked'),
      kept > 0 && `${counted(kept, 'was kept', 'were kept')}: ${refusals.map(tellRefusal).join(', ')}`,
    ].filter(Boolean);
    const due = counted(matched, 'due row', 'due rows');
    const done = `${deleted} of ${due} deleted in ${counted(batches, 'batch', 'batches')} and ${durationMs} ms`;
    log.info(`${label}: ${[done, ...stayed].join('; ')}`, { table: label });
  }
}

const tellRefusal = ({ rows, reason, example }: Omit<Refusal, 'key'>): string =>
  `${rows} because "${reason}"${example === undefined ? '' : `, such as ${example}`}`;

async function deleteAll(
  work: Work,
  { foreignKeys, tables }: Discovered,
  plan: Plan,
  archives: ReadonlyMap<string, Archive>,
): Promise<void> {
  const { ctx } = work;
  const due = plan.tables.filter((table) => table.due > 0).map(({ table }) => table);
  const resumeFrom = new Map(Object.entries({ ...(await lastResumeAt(ctx)), ...work.resumedAt }));
  const nothingDue = plan.tables.filter((table) => table.due === 0).map(({ table }) => table);
  markDone(work, nothingDue);
  const byOid = new Map(due.map((table) => [table.oid, table]));
  const components = componentsInOrder(
    due.map((table) => table.oid),
    foreignKeys.map((key) => ({ before: key.childOid, after: key.parentOid })),
  );
  const takesNone = new Set(
    plan.tables
      .filter(({ effects }) => effects.every(({ onDelete }) => onDelete !== 'cascade'))
      .map(({ table }) => table.oid),
  );
  const componentTasks = components.map(
    ({ nodes, cyclic }): ComponentTask => ({
      tables: nodes.map((oid) => byOid.get(oid) as Table),
      cyclic,
      foreignKeys,
      archives,
      due: plan.dueByPartition,
      takesNone,
      resumeFrom,
      rest: lagWatch(work),
    }),
  );
  const told = async (some: readonly ComponentTask[], step: () => Promise<void>) => {
    const tablesNow = some.flatMap((task) => task.tables);
    const names = tablesNow.map((table) => table.label).join(', ');
    await ctx.span('database_cleanup.table', statementSpan('DELETE', names), async (span) => {
      work.span = span;
      await step();
      for (const table of tablesNow) await countUndeletable(work, table);
      span.setAttributes(sumsOf(work, tablesNow));
    });
    if (mustStop(work)) return;
    for (const task of some) markDone(work, task.tables);
  };
  const pace = startSharedPace(work);
  const keepBefore = startKeeping(work, plan, componentTasks);
  for (let at = 0; at < componentTasks.length && !mustStop(work); ) {
    const group = firstGroup(work, componentTasks.slice(at), pace);
    await keepBefore(at, at + group.length);
    at += group.length;
    await told(
      group.map(({ component }) => component),
      () => cleanGroup(work, group, pace),
    );
  }
  if (ctx.shard.count === 1) return;
  // Only rows that due rows can refer to may have been left because of another shard.
  const cleaned = new Set(tables.map((table) => table.oid));
  const referredTo = new Set(foreignKeys.filter((key) => cleaned.has(key.childOid)).map((key) => key.parentOid));
  const leftovers = componentTasks.filter((each) => each.tables.some((table) => referredTo.has(table.oid)));
  const keepBeforeLeftovers = startKeeping(work, plan, leftovers);
  for (const [at, task] of leftovers.entries()) {
    if (mustStop(work)) return;
    await keepBeforeLeftovers(at, at + 1);
    await told([task], () => cleanLeftovers(work, task));
  }
}

/** A database that goes away in the middle takes nothing back of what was committed. */
function withResult(error: unknown, result: Result): unknown {
  return hasCode(error, 'ERR_RUN_JOB_UNAVAILABLE')
    ? new UnavailableError(error.message, { cause: error, result })
    : error;
}

function failureOf(work: Work, tables: readonly Table[], result: Result): Error {
  const errors = [...work.failures.values()];
  const named = tables
    .filter((table) => work.failures.has(table.oid))
    .map((table) => `${table.label}: ${tellError(work.ctx, work.failures.get(table.oid))}`);
  const message =
    `${named.length} of ${counted(tables.length, 'table', 'tables')} failed; ${work.ctx.dryRun ? 'nothing is deleted in a dry run' : counted(result.totals.deleted, 'row was deleted', 'rows were deleted')}. ` +
    named.join('; ');
  const cause = new AggregateError(errors, 'the failures of the tables');
  // A trouble with rights, rules or definitions stays until somebody mends it: another attempt would only repeat it.
  const lasting = errors.every(
    (error) =>
      hasCode(error, 'ERR_RUN_JOB_PERMANENT') ||
      isPermanent(work.ctx, error) ||
      tables.some((table) => table.problem === error.message),
  );
  return lasting ? new PermanentError(message, { cause, result }) : new RetryableError(message, { cause, result });
}
