// The statements of a batch, as SQL.
import type { ForeignKey, Partition, Table } from './model.ts';
import { type Blocked, blockedBy } from './references.ts';
import type { ScopeSql } from './scope.ts';
import { identifier } from './sql.ts';

/** What a batch's statements are about. */
export interface Subject {
  readonly table: Table;
  readonly partition: Partition;
  /** How to tell the rows that others refer to; undefined when nothing can refer to any. */
  readonly blocked: Blocked | undefined;
  /** The keys that hold rows back, of all tables that refer to this one. */
  readonly keys: readonly ForeignKey[];
  /** Those of them by which rows of the table refer to rows of the table that may go in the same statement. */
  readonly ownKeys: readonly ForeignKey[];
  readonly archive: Archive | undefined;
  /** Whether a DELETE may run statements of others: by triggers, or by the actions of keys. */
  readonly runsOthers: boolean;
}

/** Where deleted rows are copied to. */
export interface Archive {
  /** The archive table as SQL. */
  readonly target: string;
  /** The columns that are copied, as SQL. */
  readonly columns: readonly string[];
  /** The column that is set to the time of the delete, as SQL; undefined when the table has one of that name itself. */
  readonly stampColumn: string | undefined;
}

/**
 * Deletes what is due in a scope where nothing can refer to the rows; the number of rows that it affects or returns is that of the
 * rows deleted, which costs less than to return and count them.
 * DELETE locks each row as it comes and, where somebody has just changed it, looks at `due` again under the lock: a restored row
 * stays. It may wait for a lock, so it runs with a short lock_timeout, and a batch that meets one is done by `lock` and
 * `deleteLocked`. This is what makes the job nearly as fast as a plain DELETE: locking each row first costs as much as deleting it.
 */
export function deleteAtOnce(subject: Subject, scope: ScopeSql): string {
  const { table, partition, archive } = subject;
  const where = `where ${scope.condition} and ${isDue(table)}${partition.only}`;
  if (!archive) return `delete from ${partition.target} as t ${where}`;
  return withArchive(subject, where, (gone) => `with ${gone} select from gone`);
}

/**
 * The same where others may refer to the rows: deletes those that nobody refers to, and counts the rest. A row that somebody refers
 * to after this statement's snapshot fails the constraint's own check, and the batch is done by `lock` and `deleteLocked`.
 */
export function deleteUnblocked(subject: Subject, scope: ScopeSql): string {
  const { table, partition } = subject;
  const where = `where t.ctid = any (array(select at from due where not blocked)) and ${isDue(table)}${partition.only}`;
  return withArchive(
    subject,
    `${where}${subject.runsOthers ? ` and ${PLANS_AS_USUAL}` : ''}`,
    (gone) => `${candidates(subject, scope)}, ${gone}
      select ${COUNTS}, (select count(*)::int from gone) as deleted from due`,
  );
}

/**
 * The first step where care is needed: locks the due rows that nobody refers to.
 * FOR UPDATE is the lock that DELETE takes, and it keeps new references out (they need FOR KEY SHARE); SKIP LOCKED leaves out what
 * anybody else works on; `due` is looked at again under the lock.
 */
export function lock(subject: Subject, scope: ScopeSql, most: number | undefined): string {
  const { table, partition } = subject;
  const limit = most === undefined ? '' : ` limit ${most}`;
  // Of rows that can only go together the limit may take some.
  const alone = most === undefined ? subject : { ...subject, ownKeys: [] };
  return `${candidates(alone, scope)},
    held as materialized (
      select t.ctid as at from ${partition.target} as t
      where t.ctid = any (array(select at from due where not blocked${limit})) and ${isDue(table)}${partition.only}
      for update of t skip locked)
    select ${COUNTS}, array(select at::text from held) as held from due`;
}

/**
 * The second step: deletes the rows that are locked, which are the scope, unless somebody came to refer to one before its lock. A statement of its
 * own for its own snapshot: PostgreSQL would notice a new reference under NO ACTION, but under CASCADE it would take the new row.
 */
export function deleteLocked(subject: Subject, scope: ScopeSql): string {
  const { table, partition, blocked, ownKeys } = subject;
  if (blocked?.referred || ownKeys.length > 0) return deleteUnblocked(subject, scope);
  const free = blocked === undefined ? '' : ` and not (${blocked.condition})`;
  const where = `where ${scope.condition} and ${isDue(table)}${partition.only}${free}${subject.runsOthers ? ` and ${PLANS_AS_USUAL}` : ''}`;
  return withArchive(subject, where, (gone) => `with ${gone} select count(*)::int as deleted from gone`);
}

/**
 * True. What the planner is told (`Planning`) is meant for our own statement, which is planned by the time that this is computed: before
 * its first row is deleted. What triggers run then is planned as it would be for anybody, and kept by PostgreSQL for the session.
 */
export const PLANS_AS_USUAL = `(select set_config('enable_seqscan', 'on', true) || set_config('enable_nestloop', 'on', true)) is not null`;

const COUNTS = 'count(*)::int as due, (count(*) filter (where due.blocked))::int as blocked';

/**
 * The condition that the row `t` is due, in a form that no index matches: with statistics from before a mass delete the planner would
 * fetch all due rows of the table through the index, once in every batch, in the belief that there are none.
 */
const isDue = (table: Table): string => `(${table.due('t')}) is true`;

/** WITH and the CTE `due`: the due rows of the scope, and whether others refer to them. */
function candidates(subject: Subject, scope: ScopeSql): string {
  const { table, partition, blocked, ownKeys } = subject;
  if (ownKeys.length > 0 && scope.holds !== undefined) return candidatesTogether(subject, scope, scope.holds);
  const rows = (columns: string) => `select t.ctid as at, ${blocked?.condition ?? 'false'} as blocked${columns}
      from ${partition.target} as t where ${scope.condition} and ${isDue(table)}${partition.only}`;
  if (!blocked?.referred) return `with due as materialized (${rows('')})`;
  return `with found as materialized (${rows(blocked.columns)}),
    referred as materialized (${blocked.referred('found')}),
    due as materialized (
      select f.at, f.blocked or r.at is not null as blocked from found f left join referred r on r.at = f.at)`;
}

/**
 * The same where rows of the scope refer to each other: those go together, since PostgreSQL looks for rows that refer to what is gone
 * at the end of the statement. A row is blocked when a row refers to it that isn't one of the scope's due rows; and then every row
 * is that it refers to, and so on.
 */
function candidatesTogether(subject: Subject, scope: ScopeSql, holds: string): string {
  return `with recursive ${linked(subject, scope, holds)},
    -- The planner takes an array to be short, so it hashes this once, and not anew in each step what the last has found.
    link as materialized (select * from unnest(array(select child from links), array(select parent from links)) l (child, parent)),
    staying (at) as (
      select at from found where blocked
      union
      select l.parent from staying s join link l on l.child = s.at),
    due as materialized (select f.at, f.at in (select s.at from staying s) as blocked from found f)`;
}

/**
 * The CTEs `found`, the due rows of the scope, and whether rows refer to them that aren't among those; and `links`, which of them refer
 * to which.
 */
function linked({ table, partition, keys, ownKeys }: Subject, scope: ScopeSql, holds: string): string {
  const own = `c.tableoid = ${partition.oid}::oid and ${holds} and ${table.due('c')}`;
  const blocked = blockedBy(keys, table, own);
  const referred = blocked?.referred ? ` or t.at in (${blocked.referred('looked')})` : '';
  const columns = ownKeys.flatMap((key, nth) =>
    key.parentColumns.flatMap((column, at) => [
      `t.${identifier(column)} as to_${nth}_${at}`,
      `t.${identifier(key.childColumns[at] as string)} as from_${nth}_${at}`,
    ]),
  );
  const links = ownKeys.map((key, nth) => {
    const refers = key.operators.map(
      (operator, at) => `p.to_${nth}_${at}${key.collations[at]} ${operator} c.from_${nth}_${at}`,
    );
    return `select c.at as child, p.at as parent from looked c join looked p on ${refers.join(' and ')} where c.at <> p.at`;
  });
  return `looked as materialized (
      select t.ctid as at, ${blocked?.condition ?? 'false'} as blocked, ${columns.join(', ')}${blocked?.columns ?? ''}
      from ${partition.target} as t where ${scope.condition} and ${isDue(table)}${partition.only}),
    found as materialized (select t.at, t.blocked${referred} as blocked from looked t),
    links as materialized (${links.join(' union all ')})`;
}

/** Reads the due rows of a scope, whether rows refer to them that aren't among those, and to which of them they refer. */
export function readLinks(subject: Subject, scope: ScopeSql): string | undefined {
  if (scope.holds === undefined) return undefined;
  return `with ${linked(subject, scope, scope.holds)}
    select f.at::text as at, f.blocked, coalesce(l.parents, '{}') as parents
    from found f left join (select child, array_agg(parent::text) as parents from links group by child) l on l.child = f.at`;
}

function withArchive({ partition, archive }: Subject, where: string, around: (gone: string) => string): string {
  return around(removal(`delete from ${partition.target} as t ${where}`, archive, ''));
}

/**
 * How many rows of these tables the transaction has deleted so far, by whatever way, by PostgreSQL's own count; it may begin at any
 * number. Null when that can't be relied on: nothing is counted, or a trigger for each row (1) before (2) a delete (8) may do something
 * else instead.
 */
export function deletesOf(oids: readonly string[]): string {
  const tables = `unnest('{${oids.join()}}'::oid[])`;
  return `select case when current_setting('track_counts')::bool
      and bool_and(c.relam = (select oid from pg_catalog.pg_am where amname = 'heap'))
      and not bool_or(exists (select from pg_catalog.pg_trigger g where g.tgrelid = c.oid and not g.tgisinternal and (g.tgtype & 11) = 11))
    then sum(pg_catalog.pg_stat_get_xact_tuples_deleted(c.oid))::float8 end as deletes
    from pg_catalog.pg_class c
    where c.relkind = 'r' and c.oid in (
      select o from ${tables} o union select p.relid from ${tables} o, pg_catalog.pg_partition_tree(o) p)`;
}

/** How many due rows the scope has. */
export function countDue({ table, partition }: Subject, scope: ScopeSql): string {
  return `select count(*)::int as due from ${partition.target} as t where ${scope.condition} and ${isDue(table)}${partition.only}`;
}

/**
 * How many due rows are left in the scope, how many of those a BEFORE trigger has kept, and the first of these: a row for which it answered
 * with null is locked by this transaction, and there still.
 */
export function keptByTrigger({ table, partition }: Subject, scope: ScopeSql): string {
  const kept = 't.xmax = pg_current_xact_id()::xid';
  return `select count(*)::int as "left", (count(*) filter (where ${kept}))::int as kept, (min(t.ctid) filter (where ${kept}))::text as first
    from ${partition.target} as t where ${scope.condition} and ${isDue(table)}${partition.only}`;
}

/**
 * How many rows of the partition the transaction has inserted, changed and deleted so far, by PostgreSQL's own count; it may begin at any
 * number. Null where nothing is counted.
 */
export function writesTo({ partition: { oid } }: Subject): string {
  const sum = ['inserted', 'updated', 'deleted'].map(
    (what) => `pg_catalog.pg_stat_get_xact_tuples_${what}(${oid}::oid)`,
  );
  return `select case when current_setting('track_counts')::bool then (${sum.join(' + ')})::float8 end as writes`;
}

/** CTEs `gone` and, with an archive, `copied` (their names followed by `suffix`) around a DELETE of the rows `t`. */
export function removal(remove: string, archive: Archive | undefined, suffix: string): string {
  if (!archive) return `gone${suffix} as (${remove} returning 1)`;
  const columns = [...archive.columns, ...(archive.stampColumn ? [archive.stampColumn] : [])];
  const values = [...archive.columns, ...(archive.stampColumn ? ['now()'] : [])];
  return `gone${suffix} as (${remove} returning t.*),
    copied${suffix} as (insert into ${archive.target} (${columns.join(', ')}) select ${values.join(', ')} from gone${suffix})`;
}
