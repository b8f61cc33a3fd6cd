// Counts what is due, table by table, before anything is deleted.
import type { ClientBase } from 'pg';
import { asUnavailable } from './database-errors.ts';
import type { Discovered } from './discover.ts';
import { countBlocked, countEffects, type Effect, type Schema } from './effects.ts';
import type { Partition, Table } from './model.ts';
import { shardCondition } from './shards.ts';
import { statementSpan } from './trace.ts';
import { transaction } from './transaction.ts';
import { readingLimits, tallyOf, type Work } from './work.ts';

/** What a run would do to one table. */
export interface TablePlan {
  readonly table: Table;
  /** Due rows of the whole table, whatever part of it is ours. */
  readonly due: number;
  readonly effects: readonly Effect[];
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
  const plans: TablePlan[] = [];
  const schema: Schema = {
    tables: new Map(tables.map((table) => [table.oid, table])),
    foreignKeys,
    allowCascade: ctx.params.allowCascade,
  };
  for (const table of tables) {
    ctx.signal.throwIfAborted();
    try {
      if (table.problem) throw new Error(table.problem);
      plans.push(
        await ctx.span('database_cleanup.count', statementSpan('SELECT', table.label), () =>
          transaction(ctx.postgres, readingLimits(work), (client) =>
            planTable(client, work, table, schema, dueByPartition),
          ),
        ),
      );
    } catch (error) {
      const unavailable = asUnavailable(error);
      if (unavailable) throw unavailable;
      work.failures.set(table.oid, error as Error);
      ctx.log.error(`${table.label} can't be cleaned: ${(error as Error).message}`, { table: table.label });
    }
  }
  return { tables: plans, dueByPartition };
}

async function planTable(
  client: ClientBase,
  work: Work,
  table: Table,
  schema: Schema,
  dueByPartition: Map<string, number>,
): Promise<TablePlan> {
  const tally = tallyOf(work, table);
  let due = 0;
  for (const partition of table.partitions) {
    const count = await countDue(client, work, table, partition);
    dueByPartition.set(partition.oid, count.due);
    due += count.due;
    tally.matched += count.ours;
  }
  if (due === 0) return { table, due, effects: [] };
  if (work.ctx.dryRun) tally.blocked = await countBlocked(client, schema, table);
  return { table, due, effects: await countEffects(client, schema, table) };
}

async function countDue(
  client: ClientBase,
  work: Work,
  table: Table,
  partition: Partition,
): Promise<{ due: number; ours: number }> {
  const part = shardCondition(work.ctx.shard, partition.oid);
  const ours = part === '' ? 'count(*)' : `count(*) filter (where true${part})`;
  const { rows } = await client.query<{ due: number; ours: number }>(
    `select count(*)::float8 as due, ${ours}::float8 as ours from ${partition.target} as t where ${table.due('t')}${partition.only}`,
  );
  return rows[0] ?? { due: 0, ours: 0 };
}

/** Says what is about to happen, before it does. */
export function tellPlan(work: Work, plan: Plan): void {
  const { log, params } = work.ctx;
  for (const { table, due, effects } of plan.tables) {
    if (due === 0) continue;
    log.info(`${table.label}: ${due} rows are due`, { table: table.label, due, cutoff: table.cutoff });
    for (const effect of effects) {
      const { rows, constraint } = effect;
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
