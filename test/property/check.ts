// What has to hold after any schedule. Each function returns a sentence for each time it doesn't.
import type { Evidence, RunEvidence } from './evidence.ts';
import { mayOverlap, worked } from './model.ts';

/** Everything that doesn't hold. */
export function violationsOf(evidence: Evidence): string[] {
  const { runs, problems } = evidence;
  return [
    ...problems,
    ...twoAtOnce(runs),
    ...overTheLimit(evidence),
    ...fencesThatShrink(runs),
    ...runs.flatMap((run) => ofOne(run, runs)),
  ];
}

const ofOne = (run: RunEvidence, runs: readonly RunEvidence[]) => [
  ...lies(run, runs),
  ...doneAgain(run, runs),
  ...disagreements(run),
  ...groundless(run),
];

/** Of the runs that exclude each other, one works on after another has begun, and nothing explains it. */
function twoAtOnce(runs: readonly RunEvidence[]): string[] {
  return worked(runs).flatMap((first) =>
    worked(runs)
      .filter((second) => excludeEachOther(first, second))
      .filter((second) => first.work.begin < second.work.begin && second.work.begin < first.work.last)
      .filter((second) => !mayOverlap(first, second.work.begin))
      .map(
        (second) =>
          `two at once: run ${first.run} worked for ${ms(first.work.last - second.work.begin)} more when run ${second.run} had begun` +
          `${tellLosses(first, second.work.begin)}`,
      ),
  );
}

/** Of two runs that the lock kept apart, the later one has the larger fence. */
function fencesThatShrink(runs: readonly RunEvidence[]): string[] {
  return worked(runs).flatMap((first) =>
    worked(runs)
      .filter((second) => excludeEachOther(first, second) && first.work.last < second.work.begin)
      .filter((second) => first.work.fence !== undefined && second.work.fence !== undefined)
      .filter((second) => Number(second.work.fence) <= Number(first.work.fence))
      .map((second) => `the fence of run ${second.run} isn't above that of run ${first.run}, which had worked before`),
  );
}

/** Shards of one count run beside each other, unless they are the same; all else of one name doesn't. */
function excludeEachOther({ start: a, run }: RunEvidence, { start: b, run: other }: RunEvidence): boolean {
  if (run === other || a.name !== b.name) return false;
  return a.shard.count !== b.shard.count || a.shard.index === b.shard.index;
}

function overTheLimit({ runs, limit }: Evidence): string[] {
  return worked(runs)
    .map((run) => ({
      run,
      others: worked(runs).filter(
        (other) =>
          other.run !== run.run &&
          other.work.begin <= run.work.begin &&
          run.work.begin < other.work.last &&
          !mayOverlap(other, run.work.begin),
      ),
    }))
    .filter(({ others }) => others.length >= limit)
    .map(
      ({ run, others }) =>
        `over the limit: run ${run.run} began beside ${others.length} others, and ${limit} may be at once`,
    );
}

/** Exit 0 says that the work is done: by this run, or by another of the same slot, or that a person didn't want it. */
function lies(run: RunEvidence, runs: readonly RunEvidence[]): string[] {
  const { exitCode, summary, work, start, slot } = run;
  if (exitCode !== 0) return [];
  if (summary?.status === 'succeeded') {
    if (work?.done === undefined) return [`run ${run.run} exits with 0, and its work isn't done`];
    if (start.kind === 'table' && !run.row) return [`run ${run.run} exits with 0, and its row isn't there`];
    const lost = run.losses.find(({ from, to }) => work.begin <= from && to + NOTICED_MS < Number(work.done));
    if (lost)
      return [`run ${run.run} exits with 0, and had lost its lock ${ms(work.done - lost.to)} before its work was done`];
    return [];
  }
  const reason = summary?.status === 'skipped' ? summary.reason : undefined;
  const byPerson = start.locked === 'skip' && reason === 'locked';
  const done = runs.some(
    (other) => other.slot === slot && other.work?.done !== undefined && other.work.done < run.endedAt,
  );
  if (byPerson || (reason === 'slot_succeeded' && slot !== undefined && done)) return [];
  return [`run ${run.run} exits with 0 as ${summary?.status} (${summary?.reason}), and nobody has done its work`];
}

/** How soon a run that isn't blocked has heard of a lost lock, even on a busy machine. */
const NOTICED_MS = 2_000;

/** What has been told as done isn't done again. */
function doneAgain(run: RunEvidence, runs: readonly RunEvidence[]): string[] {
  const { slot, exitCode, summary, start, endedAt } = run;
  if (slot === undefined || start.forced || exitCode !== 0 || summary?.status !== 'succeeded') return [];
  return worked(runs)
    .filter((other) => other.slot === slot && !other.start.forced && other.startedAt > endedAt)
    .map((other) => `done again: run ${other.run} works for the slot that run ${run.run} has told as done`);
}

/** Exit code, last line, termination message and record say the same. */
function disagreements(run: RunEvidence): string[] {
  const { summary, termination, record, exitCode, signal, killedAt } = run;
  const says = (what: string) => [
    `run ${run.run}: ${what}; exit code ${exitCode ?? signal}, last line ${tell(summary)}, message ${tell(termination)}, ` +
      `record ${record ? `${record.status} ${record.exit_code}` : 'none'}`,
  ];
  if (record?.status === 'running') return says('its record is still open');
  if (killedAt !== undefined && signal === 'SIGKILL') {
    // It may have been killed between what it decided and what it wrote, but what it wrote is what it decided.
    if (record === undefined || record.status === 'lost') return [];
    return same(termination, record) ? [] : says('killed, and its record says what its message does not');
  }
  // Before its first instruction nobody listens for a signal, and nothing has happened.
  if (signal === 'SIGTERM' && run.output === '' && !run.work && !record) return [];
  if (!summary || !termination) return says('it ended by itself without a word');
  // The watchdog has no exit code of its own.
  const code = signal === 'SIGKILL' ? 137 : exitCode;
  if (summary.exitCode !== code || termination.exitCode !== code) return says('the exit code is told otherwise');
  if (summary.status !== termination.status) return says('last line and message differ');
  if (unrecordable(run)) return [];
  if (!record) return says('there is no record');
  return same(summary, record) ? [] : says('the record says otherwise');
}

const same = (told: RunEvidence['termination'], record: NonNullable<RunEvidence['record']>) =>
  told?.status === record.status && told.exitCode === record.exit_code;

/**
 * Whether the run couldn't have recorded its end: a second signal doesn't wait for the database, the watchdog waits for it only briefly, and a
 * run may have had no way to it from before it ended, or never have reached it. docs/decisions/history.md lists them.
 */
function unrecordable({ termedAt, summary, record, cutOff, signal, losses, endedAt, output }: RunEvidence): boolean {
  const open = record === undefined || record.status === 'lost';
  if (!open) return false;
  // It has tried for as long as it may, and says so: with a way to the database that has never been cut, that is long enough.
  if (output.includes('recording the end of the run failed') && losses.length > 0) return true;
  if (cutOff || termedAt.length > 1 || (record === undefined && summary?.status === 'unavailable')) return true;
  return signal === 'SIGKILL' && losses.some(({ to }) => to > endedAt - AWAY_MS);
}

/** How long the server may have been away after it was stopped, and what it takes to come back. */
const AWAY_MS = 8_000;

/** A lock is only lost when somebody takes it, or the other side falls silent. */
function groundless({ run, losses }: RunEvidence): string[] {
  const given = losses.filter(({ noticed }) => noticed === undefined);
  return losses
    .filter(({ noticed }) => noticed !== undefined && !noticed.includes('fell silent'))
    .filter(({ from }) => !given.some((loss) => loss.from <= from + 100))
    .map(({ noticed }) => `run ${run} says that it has lost its lock, which nobody took: ${noticed}`);
}

function tellLosses({ losses, killedAt }: RunEvidence, at: number): string {
  const before = losses.filter(({ from }) => from < at).map(({ to }) => `its lock was taken ${ms(at - to)} before`);
  if (killedAt !== undefined) before.push(`it was killed ${ms(at - killedAt)} before`);
  return before.length > 0 ? ` (${before.join(', ')})` : '';
}

const ms = (value: number) => `${value.toFixed(0)} ms`;

const tell = (summary: RunEvidence['termination']) => (summary ? `${summary.status} ${summary.exitCode}` : 'none');
