// What earlier runs of this job tell in their results.
import type { Ctx } from './model.ts';
import { readResult, type StoredResult } from './result.ts';

/** How many earlier runs are looked at. */
const RUNS = 10;

/** The results of the last runs, newest first. Dry runs deleted nothing and say nothing of what is usual. */
export async function earlierResults(ctx: Ctx): Promise<StoredResult[]> {
  const runs = await ctx.previousRuns(RUNS);
  return runs.flatMap((run) => {
    const result = readResult(run.result);
    return result && !result.dryRun ? [result] : [];
  });
}

/** Where the last run that says so wants the next one to go on, also one in which a table failed: by the partition's name. */
export async function lastResumeAt(ctx: Ctx): Promise<Readonly<Record<string, number>>> {
  for (const { result } of await ctx.previousRuns(RUNS, { ended: 'anyhow' })) {
    const stored = readResult(result);
    if (stored && !stored.dryRun) return stored.resumeAt;
  }
  return {};
}
