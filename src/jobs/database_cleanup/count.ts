// Counts what is due, and refuses tables whose due rows look like live ones; several small tables share a round trip.
import type { QueryResult } from 'pg';
import { PermanentError } from '../../errors.ts';
import { isAncient, questionConventions } from './conventions.ts';
import type { Table } from './model.ts';
import { fail, readTogether } from './reading.ts';
import { shardCondition } from './shards.ts';
import { statementSpan } from './trace.ts';
import { tallyOf, type Work } from './work.ts';

/**
 * So much is looked at together at most: for as long as that takes, nobody can alter any of the tables, and each takes some of the
 * server's locks.
 */
const MOST_BLOCKS = 1_000;
const MOST_PARTITIONS = 100;

/** A table that could be counted, and how many of its rows are due. */
export interface CountedTable {
  readonly table: Table;
  readonly due: number;
}

/**
 * Counts; a table that can't be counted, or is refused, has failed.
 * @param dueByPartition is told the due rows of each partition, by its oid
 */
export async function countTables(
  work: Work,
  tables: readonly Table[],
  dueByPartition: Map<string, number>,
): Promise<CountedTable[]> {
  const counted: CountedTable[] = [];
  for (const some of together(tables)) {
    const names = some.map(({ label }) => label).join(', ');
    const counts = await work.ctx.span('database_cleanup.count', statementSpan('SELECT', names), () =>
      countSome(work, some, dueByPartition),
    );
    counted.push(...counts);
  }
  return counted;
}

const blocksOf = ({ partitions }: Table): number => partitions.reduce((total, { blocks }) => total + blocks, 0);

function* together(tables: readonly Table[]): Generator<Table[]> {
  let some: Table[] = [];
  let [blocks, partitions] = [0, 0];
  for (const table of tables) {
    blocks += blocksOf(table);
    partitions += table.partitions.length;
    if (some.length > 0 && (blocks > MOST_BLOCKS || partitions > MOST_PARTITIONS)) {
      yield some;
      some = [];
      blocks = blocksOf(table);
      partitions = table.partitions.length;
    }
    some.push(table);
  }
  if (some.length > 0) yield some;
}

async function countSome(
  work: Work,
  tables: readonly Table[],
  dueByPartition: Map<string, number>,
): Promise<CountedTable[]> {
  for (const table of tables) if (table.problem) fail(work, table, new Error(table.problem));
  const counts = await readTogether(
    work,
    tables.map((table) => ({ table, statements: countStatements(work, table) })),
  );
  const open = tables.filter((table) => !work.failures.has(table.oid));
  const counted = open.map((table) => ({ table, ...addUp(work, table, counts.get(table) ?? [], dueByPartition) }));
  for (const { table, due } of counted)
    if (due > 0 && table.obstacle) fail(work, table, new PermanentError(table.obstacle));
  const questions = counted
    .filter(({ due }) => due > 0)
    .map((count) => ({ table: count.table, ...questionConventions(work.ctx.params, count.table, count) }));
  const answers = await readTogether(work, questions);
  for (const { table, refuse } of questions) {
    if (work.failures.has(table.oid)) continue;
    try {
      refuse(answers.get(table) ?? []);
    } catch (error) {
      fail(work, table, error);
    }
  }
  return counted.filter(({ table }) => !work.failures.has(table.oid)).map(({ table, due }) => ({ table, due }));
}

/** What was counted in one partition. */
export interface Count {
  readonly due: number;
  readonly ours: number;
  readonly ancient: boolean;
}

const NONE: Count = { due: 0, ours: 0, ancient: false };

/** A statement for each partition, so that none waits for a plan over all of them. */
export function countStatements({ ctx }: Work, table: Table): string[] {
  return table.partitions.map((partition) => {
    const part = shardCondition(ctx.shard, partition.oid);
    const ours = part === '' ? 'count(*)' : `count(*) filter (where true${part})`;
    return `select count(*)::float8 as due, ${ours}::float8 as ours,
         coalesce(bool_or(${isAncient(table, 't')}), false) as ancient
       from ${partition.target} as t where ${table.due('t')}${partition.only}`;
  });
}

function addUp(work: Work, table: Table, results: readonly QueryResult<Count>[], dueByPartition: Map<string, number>) {
  const tally = tallyOf(work, table);
  let due = 0;
  let ancient = false;
  for (const [at, partition] of table.partitions.entries()) {
    const count = results[at]?.rows[0] ?? NONE;
    dueByPartition.set(partition.oid, count.due);
    due += count.due;
    tally.matched += count.ours;
    ancient ||= count.ancient;
  }
  return { due, ancient };
}
