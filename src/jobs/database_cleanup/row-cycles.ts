// Rows that refer to each other in a cycle: none can go alone, but all can go in one statement, since constraints are checked at its end.
import type { ClientBase } from 'pg';
import { tellOwnTransaction } from './batch.ts';
import type { ComponentTask } from './component-task.ts';
import { isContention, isRefusedRow } from './database-errors.ts';
import type { Partition, Table } from './model.ts';
import { blockedCondition, holdsBack, refers } from './references.ts';
import { inSteps, scopeCondition } from './scope.ts';
import { removal } from './statements.ts';
import { tellBatch } from './trace.ts';
import { transaction } from './transaction.ts';
import { countDeleted, mustStop, tallyOf, type Work } from './work.ts';

/** How many rows are looked at together at most, each with all that refers to it, directly or not. */
const MAX_SEEDS = 100;
/** So many rows that refer to seeds are followed at most, since the server keeps them in memory, each once for each seed. */
const MAX_REACHED = 200_000;
/** After so many rows with more than that, no further ones are tried: each try costs as much again. */
const MAX_TOO_LARGE = 3;
const STEP_BLOCKS = 256;

/** A row: which of the component's tables it is in, and its ctid. */
interface Row {
  readonly tbl: number;
  readonly rel: string;
  readonly at: string;
}

/**
 * Deletes the due rows of a partition together with the rows that refer to them, where all of those are due too and nothing else
 * refers to any of them. What is left over is blocked for good.
 */
export async function deleteRowCycles(
  work: Work,
  component: ComponentTask,
  table: Table,
  partition: Partition,
): Promise<void> {
  if (component.tables.some((other) => work.failures.has(other.oid))) return;
  if (innerKeys(work, component).length === 0) return;
  let seeds = 1;
  let tooLarge = 0;
  for (const range of inSteps([{ kind: 'blocks', from: 0, to: partition.blocks }], () => STEP_BLOCKS)) {
    const find = lockClosures(work, component, table, partition, scopeCondition(range, work.server).sql);
    for (let after: string | null = '(0,0)'; after !== null; ) {
      if (mustStop(work)) return;
      await component.rest();
      const startedAt = performance.now();
      const attempt: Attempt = { after, seeds, last: null, cut: false, wrote: false };
      let refused = false;
      try {
        const deleted = await transaction(work.ctx.postgres, work.limits, (client) =>
          deleteClosures(client, work, component, find, attempt),
        );
        count(work, component, deleted, performance.now() - startedAt);
      } catch (error) {
        if (!(error instanceof RefusedInCycle || isRefusedRow(error) || isContention(error))) throw error;
        refused = true;
      } finally {
        if (attempt.wrote) await tellOwnTransaction(work, component.tables);
      }
      // Fewer rows are tried together, until only those stay that are refused themselves, or that too many refer to.
      if ((refused || attempt.cut) && seeds > 1) {
        seeds = Math.ceil(seeds / 4);
        continue;
      }
      if (attempt.cut) tooLarge += 1;
      if (tooLarge >= MAX_TOO_LARGE) {
        work.ctx.log.warn(`${table.label}: rows stay that more than ${MAX_REACHED} rows refer to, directly or not`);
        return;
      }
      if (!refused) seeds = Math.min(MAX_SEEDS, seeds * 2);
      after = attempt.last;
    }
  }
}

/** So many due rows behind a ctid; and, once they are found, the last of them. */
interface Attempt {
  readonly after: string;
  readonly seeds: number;
  last: string | null;
  /** Whether more rows refer to them than were followed. */
  cut: boolean;
  /** Whether rows were locked or deleted. */
  wrote: boolean;
}

/** So many rows of one of the component's tables. */
interface Deleted {
  readonly tbl: number;
  readonly deleted: number;
}

async function deleteClosures(
  client: ClientBase,
  work: Work,
  component: ComponentTask,
  find: string,
  attempt: Attempt,
): Promise<readonly Deleted[]> {
  const values = [attempt.after, attempt.seeds];
  const found = await client.query<{ last: string | null; cut: boolean; closures: Row[] | null }>(find, values);
  const { last = null, cut = false } = found.rows[0] ?? {};
  const closures = found.rows[0]?.closures ?? [];
  Object.assign(attempt, { last, cut });
  attempt.wrote = attempt.last !== null;
  if (cut || closures.length === 0 || closures.length > work.remaining) return [];
  const { rows } = await client.query<Deleted>(deleteRows(work, component), [
    closures.map((row) => row.tbl),
    closures.map((row) => row.rel),
    closures.map((row) => row.at),
  ]);
  const deleted = rows.reduce((total, row) => total + row.deleted, 0);
  // A trigger that kept one row of a cycle would leave references to rows that are gone.
  if (deleted > 0 && deleted < closures.length) throw new RefusedInCycle();
  return rows;
}

class RefusedInCycle extends Error {}

function count(work: Work, component: ComponentTask, deleted: readonly Deleted[], tookMs: number): void {
  for (const row of deleted) {
    const table = component.tables[row.tbl];
    if (!table || row.deleted === 0) continue;
    const tally = tallyOf(work, table);
    tally.blocked = Math.max(0, tally.blocked - row.deleted);
    tally.batches += 1;
    tally.durationMs += tookMs;
    tally.longestBatchMs = Math.max(tally.longestBatchMs, tookMs);
    tellBatch(work, table, row.deleted, tookMs);
    countDeleted(work, table, row.deleted);
  }
}

/**
 * From each due row ("seed") follows the references backwards to every row that would have to go with it; locks those that may go; and
 * returns the rows of the seeds all of whose rows may. UNION ends at rows that a seed has reached already, so cycles end.
 */
function lockClosures(
  work: Work,
  component: ComponentTask,
  table: Table,
  partition: Partition,
  inRange: string,
): string {
  const steps = innerKeys(work, component).map(({ key, parent, child }) => {
    const parentTable = component.tables[parent] as Table;
    return `select ${child} as tbl, c.tableoid as rel, c.ctid::text as at
      from ${parentTable.target} as p join ${key.child} as c on ${refers(key, 'p', 'c')}
      where r.tbl = ${parent} and p.tableoid = r.rel and p.ctid = r.at::tid`;
  });
  const locks = component.tables.map(
    (member, tbl) => `free_${tbl} as materialized (
      select ${tbl} as tbl, t.tableoid as rel, t.ctid::text as at from ${member.target} as t
      where ${inList('reached', tbl)} and ${member.due('t')} and not (${outsideCondition(work, component, member)})
      for update of t skip locked)`,
  );
  return `with recursive seed as materialized (
      select t.tableoid as rel, t.ctid as at from ${partition.target} as t
      where ${inRange} and t.ctid > $1::tid and (${table.due('t')}) is true${partition.only} order by t.ctid limit $2),
    closure (seed, tbl, rel, at) as (
      select at::text, ${component.tables.indexOf(table)}, rel, at::text from seed
      union
      select r.seed, e.tbl, e.rel, e.at from closure r cross join lateral (${steps.join(' union all ')}) e),
    -- The limit ends the recursion, which only goes on as far as it is read.
    reached as materialized (select * from closure limit ${MAX_REACHED + 1}),
    ${locks.join(', ')},
    free as materialized (${component.tables.map((_, tbl) => `select * from free_${tbl}`).join(' union all ')}),
    held_back as materialized (
      select distinct r.seed from reached r where ((r.tbl, r.rel, r.at) in (select tbl, rel, at from free)) is not true)
    select
      (select at::text from seed order by at desc limit 1) as last,
      (select count(*) > ${MAX_REACHED} from reached) as cut,
      (select json_agg(k) from (
        select distinct tbl, rel::text as rel, at from reached where seed not in (select seed from held_back)) k) as closures`;
}

/**
 * Deletes the rows ($1 tables, $2 table oids, $3 ctids), which are locked, in one statement; or none of them, when somebody has come
 * to refer to one of them before it was locked.
 */
function deleteRows(work: Work, component: ComponentTask): string {
  const newReferences = innerKeys(work, component).map(
    ({ key, parent, child }) => `select from ${(component.tables[parent] as Table).target} as t join ${key.child} as c
      on ${refers(key, 't', 'c')}
      where ${inList('closures', parent)}
        and (${isListed('closures', child, 'c')}) is not true`,
  );
  const outside = component.tables.map(
    (member, tbl) =>
      `select from ${member.target} as t where ${inList('closures', tbl)} and (${outsideCondition(work, component, member)})`,
  );
  const deletes = component.tables.map((member, tbl) =>
    removal(
      `delete from ${member.target} as t
         where ${inList('closures', tbl)} and ${member.due('t')} and (select ok from safe)`,
      component.archives.get(member.oid),
      `_${tbl}`,
    ),
  );
  const counts = component.tables.map((_, tbl) => `select ${tbl} as tbl, count(*)::int as deleted from gone_${tbl}`);
  return `with closures as materialized (
      select * from unnest($1::int[], $2::oid[], $3::text[]) as k (tbl, rel, at)),
    safe as materialized (select not exists (${[...newReferences, ...outside].join(' union all ')}) as ok),
    ${deletes.join(', ')}
    ${counts.join(' union all ')}`;
}

/** The keys between the component's own tables that hold rows back, with the positions of the two tables. */
function innerKeys(work: Work, component: ComponentTask) {
  return component.foreignKeys.flatMap((key) => {
    const parent = component.tables.findIndex((table) => table.oid === key.parentOid);
    const child = component.tables.findIndex((table) => table.oid === key.childOid);
    return parent >= 0 && child >= 0 && holdsBack(key, work.ctx.params.allowCascade) ? [{ key, parent, child }] : [];
  });
}

/** Whether a row from outside the component refers to this one. */
function outsideCondition(work: Work, component: ComponentTask, table: Table): string {
  const keys = component.foreignKeys.filter(
    (key) =>
      key.parentOid === table.oid &&
      holdsBack(key, work.ctx.params.allowCascade) &&
      !component.tables.some((member) => member.oid === key.childOid),
  );
  return blockedCondition(keys, table, 't');
}

/** The row `t` is one of the list's; the list's ctids find it. */
function inList(list: string, tbl: number): string {
  return `t.ctid = any (array(select x.at::tid from ${list} x where x.tbl = ${tbl})) and (${isListed(list, tbl, 't')}) is true`;
}

/**
 * Whether a row is one of the list's. With IS TRUE or IS NOT TRUE around it the planner looks it up in a hash table; it would otherwise
 * join, and read the list, which it takes to be short, once for each row.
 */
const isListed = (list: string, tbl: number, alias: string): string =>
  `(${alias}.tableoid, ${alias}.ctid::text) in (select x.rel, x.at from ${list} x where x.tbl = ${tbl})`;
