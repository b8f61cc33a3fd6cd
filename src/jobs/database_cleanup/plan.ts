// What a run would do to each table, known before anything is deleted.
import { type Blocked, countBlocked } from './blocked.ts';
import type { Schema } from './closure.ts';
import { countTables } from './count.ts';
import { counted } from './counted.ts';
import { isContention } from './database-errors.ts';
import type { Discovered } from './discover.ts';
import { actsOnOthers, countEffects, type Effect } from './effects.ts';
import type { Table } from './model.ts';
import { read } from './reading.ts';
import { undo } from './transaction.ts';
import { tallyOf, type Work } from './work.ts';

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
  for (const each of await countTables(work, tables, dueByPartition)) {
    const { table, due } = each;
    if (due > 0 && table.published) await foreseeRefusal(work, table);
    if (!work.failures.has(table.oid)) counted.push(each);
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

/** Says what is about to happen, before it does. */
export function tellPlan(work: Work, plan: Plan): void {
  const { log, params } = work.ctx;
  for (const { table, due, effects, blocked } of plan.tables) {
    if (due === 0) continue;
    log.info(`${table.label}: ${counted(due, 'row is due', 'rows are due')}`, {
      table: table.label,
      due,
      cutoff: table.cutoff,
    });
    if (blocked && (blocked.rows > 0 || blocked.atLeast)) {
      const stay = told(
        blocked,
        'of them stays because other rows refer to it',
        'of them stay because other rows refer to them',
      );
      log.info(`${table.label}: ${stay}`, { table: table.label });
    }
    for (const effect of effects) {
      const { constraint } = effect;
      const others = told(effect, "row that isn't due", "rows that aren't due");
      if (effect.onDelete !== 'cascade') {
        log.warn(
          `${effect.table}: ${told(effect, 'row will lose its reference', 'rows will lose their reference')} (${constraint} ON DELETE ${effect.onDelete.toUpperCase()})`,
        );
      } else if (params.allowCascade) {
        log.warn(`${effect.table}: ${others} will go too (${constraint} ON DELETE CASCADE)`);
      } else {
        log.warn(
          `${effect.table}: ${others} would go too (${constraint} ON DELETE CASCADE); ` +
            `the rows of ${table.label} that they refer to stay, unless allowCascade is set`,
        );
      }
    }
    const triggers = table.triggers.map((trigger) => trigger.name);
    if (triggers.length > 0) log.info(`${table.label}: deleting fires ${[...new Set(triggers)].join(', ')}`);
  }
}

const told = ({ rows, atLeast }: { rows: number; atLeast?: boolean }, one: string, several: string): string =>
  `${atLeast ? 'at least ' : ''}${counted(rows, one, several)}`;
