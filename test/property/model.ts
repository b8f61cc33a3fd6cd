// Who may still work when another has begun: the one whose lock was taken from it, for as long as it was promised to be over by then.
import type { RunEvidence } from './evidence.ts';

/** A run that has worked. */
export type Worked = RunEvidence & { readonly work: NonNullable<RunEvidence['work']> };

/** The runs whose job has begun. */
export function worked(runs: readonly RunEvidence[]): Worked[] {
  return runs.filter((run): run is Worked => run.work !== undefined);
}

/** From the end of the lock's connection until nothing of the run works any more: the grace, the end, and what a busy machine adds. */
export const OVER_MS = 8_000;

/** From the death of run-job until its program is dead. */
export const PROGRAM_MS = 2_000;

/** A run has its lock this long before its job begins, at most. */
const BEGINS_MS = 3_000;

/** Whether `run` may go on working for a moment although another has begun at `at`. */
export function mayOverlap(run: Worked, at: number): boolean {
  const { begin, last } = run.work;
  const lost = run.losses.some(({ from, to }) => begin - BEGINS_MS <= from && from <= at && last <= to + OVER_MS);
  return lost || endsOf(run).some((end) => end <= at && last <= end + PROGRAM_MS);
}

/** When run-job died and left its program to its guardian. */
function endsOf({ start, killedAt, termedAt }: Worked): number[] {
  if (start.kind !== 'program') return [];
  return [...(killedAt === undefined ? [] : [killedAt]), ...termedAt.slice(1)];
}
