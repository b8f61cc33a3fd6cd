// Counts what is due, table by table, before anything is deleted.
import type { QueryResult } from 'pg';
import { PermanentError } from '../../errors.ts';
import type { Transaction } from '../../job.ts';
import { type Blocked, countBlocked } from './blocked.ts';
import type { Schema } from './closure.ts';
import { isAncient, refuseConventions } from './conventions.ts';
import { asUnavailable, isContention, tellError } from './database-errors.ts';
import type { Discovered } from './discover.ts';
import { actsOnOthers, countEffects, type Effect } from './effects.ts';
import type { Table } from './model.ts';
import { shardCondition } from './shards.ts';
import { statementSpan } from './trace.ts';
import { transaction, undo } from './transaction.ts';
import { readingLimits, tallyOf, type Work } from './work.ts';

/** What a run would do to one table. */
export interface TablePlan {
  readonly table: Table;
  /** Due rows of the whole table, whatever part of it is ours. */
  readonly due: number;
  readonly effects: readonly Effect[];
  /** How many due rows of our part will stay because others refer to them; only counted in a dry run. */
  readonly blocked?: Blocked | undefined;
}

export interface Plan {
  readonly tables: readonly TablePlan[];
  /** Due rows of each partition, by its oid. */
  readonly dueByPartition: ReadonlyMap<string, number>;
}

/** Counts; a table that can't be counted has failed, and the others go on. */
export async function makePlan(work: Work, { tables, foreignKeys }: Discovered): Promise<Plan> {
  const { ctx } = work;
  const dueByPartition = new Map<string, number>();
  const counted: { table: Table; due: number }[] = [];
  for (const table of tables) {
    const due = await ctx.span('database_cleanup.count', statementSpan('SELECT', table.label), () =>
      read(work, table, (client) => countTable(client, work, table, dueByPartition)),
    );
    if (due === undefined) continue;
    if (due > 0 && table.published) await foreseeRefusal(work, table);
    if (!work.failures.has(table.oid)) counted.push({ table, due });
  }
  // The due rows of a table that failed stay, and hold back what they refer to.
  const schema: Schema = {
    tables: new Map(counted.map(({ table }) => [table.oid, table])),
    foreignKeys,
    allowCascade: ctx.params.allowCascade,
  };
  const due = counted.filter((each) => each.due > 0).map(({ table }) => table);
  const blocked = ctx.dryRun
    ? await countBlocked(schema, due, ctx.shard, (table, step) => read(work, table, step))
    : undefined;
  const plans: TablePlan[] = [];
  for (const each of counted) {
    const { table } = each;
    const effects =
      each.due === 0 || !actsOnOthers(schema, table)
        ? []
        : await read(work, table, (client) => countEffects(client, schema, table));
    if (effects && !work.failures.has(table.oid)) plans.push({ ...each, effects, blocked: blocked?.get(table.oid) });
  }
  for (const plan of plans) tallyOf(work, plan.table).blocked = plan.blocked?.rows ?? 0;
  return { tables: plans, dueByPartition };
}

/** One step that reads for a table, in a transaction of its own; undefined when the table has failed, now or before. */
async function read<T>(work: Work, table: Table, step: (client: Transaction) => Promise<T>): Promise<T | undefined> {
  const { ctx, failures } = work;
  ctx.signal.throwIfAborted();
  if (failures.has(table.oid)) return undefined;
  try {
    if (table.problem) throw new Error(table.problem);
    return await transaction(ctx, readingLimits(work), step);
  } catch (error) {
    ctx.signal.throwIfAborted();
    const unavailable = asUnavailable(ctx, error);
    if (unavailable) throw unavailable;
    failures.set(table.oid, error as Error);
    ctx.log.error(`${table.label} can't be cleaned: ${tellError(ctx, error)}`, { table: table.label });
    return undefined;
  }
}

/**
 * Has PostgreSQL say beforehand whether it would delete published rows: it refuses where a publication's rows or columns are chosen by
 * columns that don't identify a row. To explain a statement looks at that as to run it does.
 */
async function foreseeRefusal(work: Work, table: Table): Promise<void> {
  // A standby takes no lock that writers take.
  if (work.server.inRecovery) return;
  const statement = `explain delete from ${table.target} as t where ${table.due('t')}`;
  await read(work, table, (client) =>
    client.query(statement).catch((error) => {
      if (isContention(work.ctx, error)) undo(undefined);
      throw error;
    }),
  );
}

async function countTable(
  client: Transaction,
  work: Work,
  table: Table,
  dueByPartition: Map<string, number>,
): Promise<number> {
  const tally = tallyOf(work, table);
  let due = 0;
  let ancient = false;
  const counts = await countDue(client, work, table);
  for (const [at, partition] of table.partitions.entries()) {
    const count = counts[at] ?? NONE;
    dueByPartition.set(partition.oid, count.due);
    due += count.due;
    tally.matched += count.ours;
    ancient ||= count.ancient;
  }
  if (due > 0 && table.obstacle) throw new PermanentError(table.obstacle);
  await refuseConventions(client, work.ctx.params, table, { due, ancient });
  return due;
}

/** What was counted in one partition. */
interface Count {
  readonly due: number;
  readonly ours: number;
  readonly ancient: boolean;
}

const NONE: Count = { due: 0, ours: 0, ancient: false };

/** Counts in each partition by a statement of its own, so that none waits for a plan over all of them; in one round trip. */
async function countDue(client: Transaction, { ctx }: Work, table: Table): Promise<Count[]> {
  const statements = table.partitions.map((partition) => {
    const part = shardCondition(ctx.shard, partition.oid);
    const ours = part === '' ? 'count(*)' : `count(*) filter (where true${part})`;
    return `select count(*)::float8 as due, ${ours}::float8 as ours,
         coalesce(bool_or(${isAncient(table, 't')}), false) as ancient
       from ${partition.target} as t where ${table.due('t')}${partition.only}`;
  });
  if (statements.length === 0) return [];
  // node-postgres gives one result for one statement, and a list of them for more.
  const results: QueryResult<Count> | QueryResult<Count>[] = await client.query<Count>(statements.join(';\n'));
  return [results].flat().map(({ rows }) => rows[0] ?? NONE);
}

/** Says what is about to happen, before it does. */
export function tellPlan(work: Work, plan: Plan): void {
  const { log, params } = work.ctx;
  for (const { table, due, effects, blocked } of plan.tables) {
    if (due === 0) continue;
    log.info(`${table.label}: ${due} rows are due`, { table: table.label, due, cutoff: table.cutoff });
    if (blocked && (blocked.rows > 0 || blocked.atLeast)) {
      log.info(`${table.label}: ${number(blocked)} of them stay because other rows refer to them`, {
        table: table.label,
      });
    }
    for (const effect of effects) {
      const { constraint } = effect;
      const rows = number(effect);
      if (effect.onDelete !== 'cascade') {
        log.warn(
          `${effect.table}: ${rows} rows will lose their reference (${constraint} ON DELETE ${effect.onDelete.toUpperCase()})`,
        );
      } else if (params.allowCascade) {
        log.warn(`${effect.table}: ${rows} rows that aren't due will go too (${constraint} ON DELETE CASCADE)`);
      } else {
        log.warn(
          `${effect.table}: ${rows} rows that aren't due would go too (${constraint} ON DELETE CASCADE); ` +
            `the rows of ${table.label} that they refer to stay, unless allowCascade is set`,
        );
      }
    }
    const triggers = table.triggers.map((trigger) => trigger.name);
    if (triggers.length > 0) log.info(`${table.label}: deleting fires ${[...new Set(triggers)].join(', ')}`);
  }
}

const number = ({ rows, atLeast }: { rows: number; atLeast?: boolean }): string =>
  `${atLeast ? 'at least ' : ''}${rows}`;
