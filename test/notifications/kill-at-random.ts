// Kills runs at random moments, and says which notifications there should be then, and which there are.
import { setTimeout as sleep } from 'node:timers/promises';
import type { TestDatabase } from '../support/database.ts';
import { type RunOptions, runJob, runToEnd } from '../support/run-job.ts';

export interface KilledAtRandom {
  /** How many runs have a record that says how they ended. */
  readonly records: number;
  /** The key of each change of these records, in their order; sorted. */
  readonly expected: readonly string[];
  /** The keys of the outbox, sorted. */
  readonly keys: readonly string[];
}

/** How long the runs that were killed last may take to be found dead, in milliseconds. */
const FOUND_MS = 30_000;

/** @param rounds how many runs there are, of which two in three fail where they aren't killed before */
export async function killAtRandom(
  rounds: number,
  { database, ...options }: RunOptions & { readonly database: TestDatabase },
): Promise<KilledAtRandom> {
  const env = { ...options.env, WORKER_LOCK_WAIT_SECONDS: '30' };
  const run = { ...options, database, env };
  const { tookMs } = await runToEnd(['noop', '--as', 'nightly'], run);
  for (let round = 0; round < rounds; round += 1) {
    const args = round % 3 === 2 ? ['noop'] : ['throws', '--param', 'kind=error'];
    await using running = runJob([...args, '--as', 'nightly'], run);
    // From about when it connects to after its end: the moment is what is tried here.
    await Promise.race([sleep(tookMs * (0.6 + Math.random())), running.done]);
    running.kill('SIGKILL');
    await running.done;
  }
  const until = performance.now() + FOUND_MS;
  for (let open = 1; open > 0 && performance.now() < until; ) {
    await database.query('update run_job.notifications set next_try_at = now() where done_at is null');
    await runToEnd(['notify'], run);
    const [left] = await database.query<{ open: number }>(
      `select ((select count(*) from run_job.runs where status = 'running')
         + (select count(*) from run_job.notifications where done_at is null))::integer as open`,
    );
    open = left?.open ?? 0;
  }
  const records = await database.query<{ id: string; status: string }>(
    `select id, status from run_job.runs where status <> 'running' order by coalesce(fence, 0), started_at`,
  );
  const outbox = await database.query<{ key: string }>('select key from run_job.notifications');
  return {
    records: records.length,
    expected: changesOf(records).sort(),
    keys: outbox.map(({ key }) => key).sort(),
  };
}

/** What is to be told of these runs: when the name begins to fail, and when it is well again. */
function changesOf(records: readonly { readonly id: string; readonly status: string }[]): string[] {
  const changes: string[] = [];
  let failing = false;
  for (const { id, status } of records) {
    if (status === 'skipped') continue;
    if (status === 'succeeded' && failing) changes.push(`recovered:${id}`);
    if (status !== 'succeeded' && !failing) changes.push(`${status === 'lost' ? 'lost' : 'failed'}:${id}`);
    failing = status !== 'succeeded';
  }
  return changes;
}
