// Rows that refer to each other in a cycle: none can go alone, but all can go in one statement, since constraints are checked at its end.
import type { Transaction } from '../../job.ts';
import { tellOwnTransaction } from './committed.ts';
import type { ComponentTask } from './component-task.ts';
import { isContention, isRefusedRow } from './database-errors.ts';
import type { ForeignKey, Partition, Table } from './model.ts';
import { blockedCondition, holdsBack, needsScan, refers } from './references.ts';
import { inSteps, scopeSql } from './scope.ts';
import { PLANS_AS_USUAL, removal } from './statements.ts';
import { tellBatch } from './trace.ts';
import { transaction, watched } from './transaction.ts';
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
  const inner = innerKeys(work, component);
  if (inner.length === 0) return;
  const { ctx } = work;
  const hash = inner.some(({ key }) => needsScan(key)) || outsideKeys(work, component).some(needsScan);
  const limits = { ...work.limits, seek: !hash, hash };
  let seeds = 1;
  let tooLarge = 0;
  for (const range of inSteps([{ kind: 'blocks', from: 0, to: partition.blocks }], () => STEP_BLOCKS)) {
    const { condition } = scopeSql(range, work.server);
    for (let after: string | null = '(0,0)'; after !== null; ) {
      if (mustStop(work)) return;
      await component.rest();
      const startedAt = performance.now();
      const attempt: Attempt = { after, seeds, last: null, cut: false, wrote: false };
      let refused = false;
      try {
        const deleted = await transaction(ctx, limits, (client) =>
          deleteClosures(
            client,
            work,
            component,
            lockClosures(work, component, table, partition, condition, attempt),
            attempt,
          ),
        );
        count(work, component, deleted, performance.now() - startedAt);
      } catch (error) {
        if (!(error instanceof RefusedInCycle || isRefusedRow(ctx, error) || isContention(ctx, error))) throw error;
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
        ctx.log.warn(`${table.label}: rows stay that more than ${MAX_REACHED} rows refer to, directly or not`);
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
  client: Transaction,
  work: Work,
  component: ComponentTask,
  find: string,
  attempt: Attempt,
): Promise<readonly Deleted[]> {
  const [result] = await watched(client, work.traffic, find);
  const found = result?.rows[0] as { last: string | null; cut: boolean; closures: Row[] | null } | undefined;
  const { last = null, cut = false } = found ?? {};
  const closures = found?.closures ?? [];
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
  { after, seeds }: Attempt,
): string {
  const steps = innerKeys(work, component).map((inner) =>
    needsScan(inner.key) ? stepByJoin(component, inner) : stepByRow(component, inner),
  );
  const locks = component.tables.map(
    (member, tbl) => `free_${tbl} as materialized (
      select ${tbl} as tbl, t.tableoid as rel, t.ctid::text as at from ${member.target} as t
      where ${inList('reached', tbl)} and ${member.due('t')}${heldFromOutside(work, component, member)}
      for update of t skip locked)`,
  );
  return `with recursive seed as materialized (
      select t.tableoid as rel, t.ctid as at from ${partition.target} as t
      where ${inRange} and t.ctid > '${after}'::tid and (${table.due('t')}) is true${partition.only} order by t.ctid limit ${seeds}),
    closure (seed, tbl, rel, at) as (
      select at::text, ${component.tables.indexOf(table)}, rel, at::text from seed
      union
      -- The closure may be named only once.
      (with r as materialized (select * from closure) ${steps.join(' union all ')})),
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
  const newReferences = innerKeys(work, component).map(({ key, parent, child }) => {
    const condition = `${refers(key, 't', 'c')} and (${isListed('closures', child, 'c')}) is not true`;
    const parentTable = component.tables[parent] as Table;
    return `select from ${parentTable.target} as t ${childWhere(key, condition)}
      where ${inList('closures', parent)}`;
  });
  const outside = component.tables.flatMap((member, tbl) =>
    outsideKeys(work, component, member).map(
      (key) => `select from ${member.target} as t ${childWhere(key, refers(key, 't', 'c'))}
        where ${inList('closures', tbl)}`,
    ),
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
    safe as materialized (select not exists (${[...newReferences, ...outside].join(' union all ')}) and ${PLANS_AS_USUAL} as ok),
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

/** The keys by which rows from outside the component may hold back rows of its tables, or of this one of them. */
function outsideKeys(work: Work, component: ComponentTask, table?: Table): ForeignKey[] {
  const parents = table ? [table] : component.tables;
  return component.foreignKeys.filter(
    (key) =>
      parents.some(({ oid }) => oid === key.parentOid) &&
      holdsBack(key, work.ctx.params.allowCascade) &&
      !component.tables.some((member) => member.oid === key.childOid),
  );
}

/** That no row from outside the component refers to this one: one condition a key, which the planner can turn into a join. */
const heldFromOutside = (work: Work, component: ComponentTask, table: Table): string =>
  outsideKeys(work, component, table)
    .map((key) => ` and not (${blockedCondition([key], table, 't')})`)
    .join('');

/** The keys between the component's own tables, with the positions of the two tables. */
type InnerKey = ReturnType<typeof innerKeys>[number];

/** From the rows `r` to those that refer to them, which an index finds for each. */
function stepByRow(component: ComponentTask, { key, parent, child }: InnerKey): string {
  const { target } = component.tables[parent] as Table;
  return `select r.seed, e.tbl, e.rel, e.at from r cross join lateral (
    select ${child} as tbl, c.tableoid as rel, c.ctid::text as at
    from ${target} as p join ${key.child} as c on ${refers(key, 'p', 'c')}
    where r.tbl = ${parent} and p.tableoid = r.rel and p.ctid = r.at::tid offset 0) e`;
}

/** The same where no index finds them: all of this level by one join, so that the child is read once for it. */
function stepByJoin(component: ComponentTask, { key, parent, child }: InnerKey): string {
  const { target } = component.tables[parent] as Table;
  return `select r.seed, ${child}, c.tableoid, c.ctid::text
    from r join ${target} as p on p.tableoid = r.rel and p.ctid = r.at::tid join ${key.child} as c on ${refers(key, 'p', 'c')}
    where r.tbl = ${parent} and p.ctid = any (array(select x.at::tid from r x where x.tbl = ${parent}))`;
}

/** The child's rows `c` for which a condition holds that compares them with the row `t`: looked up for each, or joined where no index is. */
const childWhere = (key: ForeignKey, condition: string): string =>
  needsScan(key)
    ? `join ${key.child} as c on ${condition}`
    : `cross join lateral (select from ${key.child} as c where ${condition} offset 0) as c`;

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
