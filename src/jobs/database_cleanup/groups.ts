// Deletes locked rows of which some are refused, group by group in one transaction: a savepoint before each takes back no more than it.
import type { QueryResult } from 'pg';
import type { Transaction } from '../../job.ts';
import type { BatchSubject, Groups } from './batch-subject.ts';
import { isReferred, isRefusedRow, violatedConstraint } from './database-errors.ts';
import { NOTHING, type Outcome, sum } from './outcome.ts';
import { type AskExample, heldBack, keptSilently, refusalOf } from './refusals.ts';
import { blockOf, scopeSql } from './scope.ts';
import { deleteLocked } from './statements.ts';
import type { Work } from './work.ts';

/** The rows of a group at most. */
const MOST_ROWS = 64;
/** PostgreSQL keeps so many subtransactions of a session at hand, and with more of them everybody's snapshots take longer. */
const MOST_GROUPS = 60;
/**
 * So many rows are refused in one pass, or as many as take the time of so many batches; then it ends, and the next run goes on where it
 * stood.
 */
const MAX_REFUSALS = 1_000;
const MAX_REFUSED_BATCHES = 40;
/** By so much groups shrink when a row of one is refused, and grow when none is. */
const SHRINK = 4;
const GROW = 2;

/** All of these rows, in groups. */
export const inGroups = (ctids: readonly string[]): Groups => ({ rows: MOST_ROWS, rest: [...ctids] });

/**
 * Deletes rows that the transaction has locked, as many groups as the time of a batch allows.
 * @returns what became of those that it came to; the others are put back to the rest
 * @throws {Error} PostgreSQL's error, when it isn't about a row
 */
export async function deleteInGroups(
  client: Transaction,
  work: Work,
  subject: BatchSubject,
  groups: Groups,
  held: readonly string[],
): Promise<Outcome> {
  const { ctx, server } = work;
  const endAt = performance.now() + ctx.params.batchTarget;
  let outcome = NOTHING;
  let at = 0;
  // What ends the last group, in the same round trip as the next statement.
  let ending = '';
  const end = async () => {
    if (ending !== '') await client.query(ending);
    ending = '';
  };
  const ask: AskExample = async (text, values) => {
    await end();
    return client.query(text, values);
  };
  for (let tried = 0; at < held.length; tried += 1) {
    if (work.resumeAt.has(subject.partition.oid)) break;
    if (tried > 0 && (tried === MOST_GROUPS || performance.now() > endAt)) break;
    const group = held.slice(at, at + groups.rows);
    const statement = deleteLocked(subject, scopeSql({ kind: 'ctids', ctids: group }, server));
    const startedAt = performance.now();
    try {
      const answer = await client.query(`${ending}SAVEPOINT "group";\n${statement}`);
      // node-postgres gives a result for each statement of such a text.
      const result = (answer as unknown as QueryResult<{ deleted: number }>[]).at(-1);
      const deleted = result?.rows[0]?.deleted ?? 0;
      // A trigger that keeps every row may do something else instead, such as marking them deleted anew: nothing of it stays.
      ending = deleted === 0 ? BACK : RELEASE;
      outcome = sum(outcome, await deletedOf(ask, work, subject, group, deleted));
      groups.rows = Math.min(MOST_ROWS, groups.rows * GROW);
    } catch (error) {
      if (!isRefusedRow(ctx, error)) throw error;
      work.refused.ms += performance.now() - startedAt;
      ending = BACK;
      if (group.length > 1) {
        groups.rows = Math.ceil(group.length / SHRINK);
        continue;
      }
      outcome = sum(outcome, await refused(ask, work, subject, group[0] as string, error));
    }
    at += group.length;
  }
  await end();
  groups.rest.unshift(...held.slice(at));
  return outcome;
}

const RELEASE = 'RELEASE "group";\n';
const BACK = `ROLLBACK TO "group"; ${RELEASE}`;

/** What became of a group, of which so many rows were deleted. */
async function deletedOf(
  ask: AskExample,
  work: Work,
  subject: BatchSubject,
  group: readonly string[],
  deleted: number,
): Promise<Outcome> {
  const stayed = group.length - deleted;
  const outcome = { ...NOTHING, due: group.length, deleted };
  if (!subject.mayKeep || stayed === 0) return { ...outcome, blocked: heldBack(subject.table, stayed) };
  return { ...outcome, kept: stayed, refusals: [await keptSilently(ask, work, subject, group, stayed)] };
}

/** What became of a row that was refused. */
async function refused(
  ask: AskExample,
  work: Work,
  subject: BatchSubject,
  ctid: string,
  error: unknown,
): Promise<Outcome> {
  const { ctx } = work;
  if (endsPass(work, blockOf(ctid))) work.resumeAt.set(subject.partition.oid, blockOf(ctid));
  ctx.log.debug('row refused', { table: subject.table.label, ctid, error: String(error) });
  const setsDefault = subject.defaultKeys.includes(violatedConstraint(error) ?? '');
  if (isReferred(ctx, error) && !setsDefault) return { ...NOTHING, due: 1, blocked: 1 };
  return { ...NOTHING, due: 1, kept: 1, refusals: [await refusalOf(ask, work, subject, ctid, error)] };
}

/** Counts a row that was refused, and says whether that is enough. The next run begins with its block, so that one block is always done. */
function endsPass({ ctx, refused }: Work, block: number): boolean {
  refused.rows += 1;
  refused.from ??= block;
  const tooLong = refused.ms >= MAX_REFUSED_BATCHES * ctx.params.batchTarget && block !== refused.from;
  return tooLong || refused.rows >= MAX_REFUSALS;
}
