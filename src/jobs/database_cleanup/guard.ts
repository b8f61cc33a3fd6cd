// Refuses a run that would delete suspiciously much: a destructive job gone wrong is stopped before its first row.
import { PermanentError } from '../../errors.ts';
import { counted } from './counted.ts';
import { earlierResults } from './earlier-runs.ts';
import type { Plan, TablePlan } from './plan.ts';
import { transaction } from './transaction.ts';
import { readingLimits, type Work } from './work.ts';

/**
 * Compares the plan with the tables' sizes and with what earlier runs found.
 * @throws {PermanentError} with the numbers, when it is too much and `allowLarge` isn't set; a dry run only warns
 */
export async function guard(work: Work, plan: Plan): Promise<void> {
  const { params, log, dryRun } = work.ctx;
  const large = plan.tables.filter(({ due }) => Math.min(due, work.remaining) > params.guardAbove);
  if (params.allowLarge || large.length === 0) return;
  const usual = await dueInEarlierRuns(work);
  const reasons: string[] = [];
  for (const table of large) {
    const reason = (await tooMuchOfTable(work, table)) ?? tooMuchGrowth(work, table, usual.get(table.table.label));
    if (reason) reasons.push(reason);
  }
  if (reasons.length === 0) return;
  const advice = 'nothing was deleted; if this is right, run it once with --param allowLarge=true (or set maxRows)';
  const message = `Refused: ${reasons.join('; ')}; ${advice}`;
  if (!dryRun) throw new PermanentError(message);
  log.warn(`a real run would be refused: ${reasons.join('; ')}`);
}

async function tooMuchOfTable(work: Work, { table, due }: TablePlan): Promise<string | undefined> {
  const { maxFraction } = work.ctx.params;
  const taken = Math.min(due, work.remaining);
  // Other rows are counted only as far as it takes to know, so that the count costs no more than the delete would.
  const enough = Math.min(Math.ceil(taken / Math.max(maxFraction, Number.EPSILON)) - due, Number.MAX_SAFE_INTEGER);
  if (enough <= 0) return undefined;
  const others = await transaction(work.ctx, readingLimits(work), async (client) => {
    const { rows } = await client.query<{ count: number }>(
      `select count(*)::float8 as count from (
         select from ${table.target} as t where (${table.due('t')}) is not true limit ${enough}) as other`,
    );
    return rows[0]?.count ?? 0;
  });
  if (others >= enough) return undefined;
  return `${table.label} would lose ${taken} of its ${due + others} rows (${percent(taken / (due + others))}, and maxFraction is ${percent(maxFraction)})`;
}

const percent = (part: number): string => `${Number((100 * part).toPrecision(3))}%`;

function tooMuchGrowth(work: Work, { table, due }: TablePlan, usual: number | undefined): string | undefined {
  const { maxGrowth, guardAbove } = work.ctx.params;
  if (usual === undefined) return undefined;
  const limit = Math.max(guardAbove, usual * maxGrowth);
  const taken = Math.min(due, work.remaining);
  if (taken <= limit) return undefined;
  return `${table.label} would lose ${counted(taken, 'row', 'rows')}, and in the last runs at most ${usual} were due (maxGrowth is ${maxGrowth})`;
}

/** The most due rows that each table had in an earlier run. */
async function dueInEarlierRuns({ ctx }: Work): Promise<Map<string, number>> {
  const usual = new Map<string, number>();
  for (const result of await earlierResults(ctx)) {
    for (const [label, { due }] of Object.entries(result.tables))
      usual.set(label, Math.max(due, usual.get(label) ?? 0));
    for (const label of result.nothingDue) usual.set(label, usual.get(label) ?? 0);
  }
  return usual;
}
