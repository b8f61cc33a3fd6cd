// From a recorded run to the order of another like it.
import type { RunOrder } from '../../app/execute-run.ts';
import { jobOf } from '../../app/job-manifest.ts';
import { backfillOf } from '../../app/why/remedies.ts';
import { withDatabase } from '../../app/with-database.ts';
import { UsageError } from '../../errors.ts';
import { findRuns, type RunRecord } from '../../postgres/records.ts';
import { type RecordedOrder, readOrder } from '../../postgres/reruns.ts';
import type { Ordered } from '../../runner/ports.ts';
import { REDACTED } from '../../runner/redact.ts';
import { readArguments } from '../terminal/arguments.ts';
import { checkRunId, theOne } from '../terminal/one-run.ts';
import type { LogFlags } from '../terminal/run-terminal.ts';
import { cronJobOf } from './cronjob-of.ts';
import { RERUN_ARGUMENTS } from './rerun-arguments.ts';
import { readRunFlags } from './run-arguments.ts';

/** What comes of it: a run to be executed here, or a manifest to be printed. */
type Again =
  | { readonly order: RunOrder; readonly log: LogFlags; readonly env: NodeJS.ProcessEnv }
  | { readonly manifest: object };

/**
 * Reads what a run did.
 * @throws {UsageError} there is no such run, it still runs, or its record doesn't hold all of what it did
 */
export async function orderAgain(rawArgs: readonly string[], env: NodeJS.ProcessEnv): Promise<Again> {
  const { args, repeated } = readArguments(rawArgs, RERUN_ARGUMENTS, 'run-job rerun');
  checkRunId(args.run);
  if (args.cronjob !== undefined && args.emit === undefined) throw new UsageError('--cronjob needs --emit=job');
  const { run, recorded } = await withDatabase(env, 'rerun', async (connection) => {
    const one = theOne(await findRuns(connection, args.run), args.run);
    const order = await readOrder(connection, one.id);
    if (order === undefined) throw new UsageError(`the record of run ${one.id} is gone`);
    return { run: one, recorded: order };
  });
  if (run.status === 'running') {
    throw new UsageError(`run ${run.id} (${run.name}) still runs; run-job cancel ${run.id} ends it`);
  }
  if (run.status === 'missed') {
    throw new UsageError(
      `${run.id} is no run: it says that the slot ${run.scheduledAt.toISOString()} of ${run.name} was missed; ${backfillOf(run.name, run.scheduledAt)} does it`,
    );
  }
  const flags = readRunFlags({ args: args as never, repeated });
  const order = orderLike(run, recorded, flags);
  if (args.emit === undefined) {
    const log = { level: args['log-level'], format: args['log-format'] };
    return { order, log, env: { ...env, ...shardVariables(run) } };
  }
  const cronJob = await cronJobOf(
    args.cronjob,
    recorded.cronJob,
    `run ${run.id} (${run.name}) belongs to no CronJob that is known: give one by kubectl get cronjob <name> -o json | run-job rerun ${run.id} --emit=job --cronjob=-`,
  );
  return { manifest: jobOf(cronJob, order, run) };
}

type Flags = Pick<RunOrder, 'params' | 'timeoutMs' | 'attempts' | 'locked'>;

function orderLike(run: RunRecord, { ordered, paramsDigest }: RecordedOrder, flags: Flags): RunOrder {
  const changed = flags.params.pairs;
  // A record of before that was kept says what came of them, which most often can be given as well.
  const told: Ordered = ordered ?? { params: (run.params ?? {}) as Record<string, unknown> };
  const json = without(told.params ?? {}, changed);
  const pairs = without(told.pairs ?? {}, changed);
  const secret = [...Object.entries(json), ...Object.entries(pairs)].filter(([, value]) => holdsSecret(value));
  if (secret.length > 0) {
    const names = [...new Set(secret.map(([name]) => name))];
    throw new UsageError(
      `${names.join(', ')} of run ${run.id} holds a secret, which no record keeps: give it by ${names.map((name) => `--param ${name}=…`).join(' ')}`,
    );
  }
  const { command } = ordered ?? {};
  if (command && holdsSecret([command.program, ...command.args])) {
    throw new UsageError(
      `the command line of run ${run.id} holds a secret, which no record keeps: run it anew with run-job exec ${run.name} --scheduled-at=${run.scheduledAt.toISOString()} --force -- …`,
    );
  }
  const timeoutMs = flags.timeoutMs ?? ordered?.timeoutMs;
  const attempts = flags.attempts ?? ordered?.attempts;
  return {
    job: run.job,
    ...(run.name !== run.job && { name: run.name }),
    ...(command && { command }),
    params: { json, pairs: new Map([...Object.entries(pairs), ...changed]) },
    ...(timeoutMs !== undefined && { timeoutMs }),
    ...(attempts !== undefined && { attempts }),
    dryRun: run.dryRun,
    scheduledAt: run.scheduledAt,
    locked: flags.locked,
    forced: true,
    restart: false,
    // What somebody changes on purpose has another digest.
    ...(changed.size === 0 && paramsDigest !== '' && { paramsDigest }),
  };
}

const without = <T>(params: Readonly<Record<string, T>>, names: ReadonlyMap<string, string>): Record<string, T> =>
  Object.fromEntries(Object.entries(params).filter(([name]) => !names.has(name)));

const holdsSecret = (value: unknown): boolean => JSON.stringify(value)?.includes(REDACTED) ?? false;

/** The part of the work that the run did. */
function shardVariables({ shard }: RunRecord): NodeJS.ProcessEnv {
  const sharded = shard.count > 1;
  return {
    RUN_JOB_SHARDS: sharded ? String(shard.count) : undefined,
    JOB_COMPLETION_INDEX: sharded ? String(shard.index) : undefined,
  };
}
