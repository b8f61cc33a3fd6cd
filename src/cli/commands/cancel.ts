// `run-job cancel`: asks a run to end, wherever it runs, and waits until it has.
import { setTimeout as sleep } from 'node:timers/promises';
import { defineCommand } from 'citty';
import { redactorFor } from '../../app/redactor.ts';
import { closeAndTell, type TellOptions } from '../../app/tell-lost.ts';
import { whoAsks } from '../../app/who.ts';
import { withDatabase } from '../../app/with-database.ts';
import { formatDuration, parseDuration } from '../../duration.ts';
import { hasCode, UsageError } from '../../errors.ts';
import { requestCancellation, withdrawCancellation } from '../../postgres/cancellations.ts';
import type { Connection } from '../../postgres/connect.ts';
import { findRuns, type RunRecord } from '../../postgres/records.ts';
import { EXIT } from '../../runner/outcome.ts';
import type { CommandData } from '../command.ts';
import { checkRunId, theOne } from '../terminal/one-run.ts';
import { print } from '../terminal/print.ts';

const POLL_MS = 500;

/** A run that waits for its lock looks every 15 s at the latest. */
const WAITING_RUN_MS = 30_000;

const WHOLE_ID = /^[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}$/i;

export default defineCommand({
  meta: { name: 'cancel', description: 'Ask a run to end, and wait until it has; Kubernetes doesn’t retry it' },
  args: {
    run: {
      type: 'positional',
      required: true,
      description: 'The id of the run, or how it begins or ends; whole if it still waits for its lock',
    },
    why: { type: 'string', valueHint: 'text', description: 'Why, for its record' },
    wait: {
      type: 'string',
      valueHint: '90s',
      default: '90s',
      description: 'How long to wait until it has ended (90s)',
    },
  },
  async run({ args, data }) {
    const { env } = data as CommandData;
    checkRunId(args.run);
    const waitMs = parseDuration(args.wait);
    if (waitMs === undefined) throw new UsageError('--wait must be a duration such as 90s or 10m');
    const asked = { by: whoAsks(), why: args.why === undefined ? undefined : redactorFor(env).text(args.why) };
    const found = await withDatabase(env, 'cancel', (connection) => findRuns(connection, args.run));
    if (found.length === 0 && WHOLE_ID.test(args.run)) return cancelWaiting(args.run.toLowerCase(), asked, waitMs, env);
    const run = theOne(found, args.run);
    const title = `run ${run.id} (${run.name})`;
    const state = await withDatabase(env, 'cancel', async (connection, { config }) => {
      if (run.status !== 'running' && run.endedAt !== undefined) throw ended(run);
      if (await close(connection, run.id, { config, env })) return 'dead';
      const [now = run] = await findRuns(connection, run.id);
      if (now.endedAt !== undefined) throw ended(now);
      await requestCancellation(connection, run.id, asked);
      return 'asked';
    });
    if (state === 'dead') {
      print(`${title} was dead already; its record says lost now\n`);
      return EXIT.ok;
    }
    print(`${title} is asked to end\n`);
    return tellEnd(await waitForEnd(run.id, waitMs, env), title, waitMs);
  },
});

/** Whether the run was dead, and its record is closed now; who is told of it that it checked in with. */
async function close(connection: Connection, id: string, options: TellOptions): Promise<boolean> {
  const { dead, problems } = await closeAndTell(connection, id, options);
  for (const problem of problems) print(`${redactorFor(options.env).text(problem)}\n`);
  return dead;
}

const ended = ({ id, name, status, endedAt, scheduledAt }: RunRecord): UsageError =>
  new UsageError(
    status === 'missed'
      ? `${id} is no run: it says that the slot ${scheduledAt.toISOString()} of ${name} was missed; there is nothing to cancel`
      : `run ${id} (${name}) has ended already: ${status}${endedAt ? ` at ${endedAt.toISOString()}` : ''}; there is nothing to cancel`,
  );

/** A run that waits has no record and no connection: it answers when it looks for its lock the next time, or there is none. */
async function cancelWaiting(
  id: string,
  asked: Parameters<typeof requestCancellation>[2],
  waitMs: number,
  env: NodeJS.ProcessEnv,
): Promise<number> {
  await withDatabase(env, 'cancel', (connection) => requestCancellation(connection, id, asked));
  print(`no run ${id} is recorded; if it waits for its lock, it looks within ${formatDuration(WAITING_RUN_MS)}\n`);
  let run = await waitForRecord(id, env);
  if (run === undefined) {
    await withDatabase(env, 'cancel', (connection) => withdrawCancellation(connection, id));
    [run] = await withDatabase(env, 'cancel', (connection) => findRuns(connection, id));
  }
  if (run === undefined) throw new UsageError(`no run has the id ${id}; run-job history lists those that have begun`);
  return tellEnd(await waitForEnd(id, waitMs, env), `run ${id} (${run.name})`, waitMs);
}

/** The run as soon as it has ended, or died; undefined when the time is up before. */
async function waitForEnd(id: string, waitMs: number, env: NodeJS.ProcessEnv): Promise<RunRecord | undefined> {
  return poll(waitMs, env, id, (run) => run !== undefined && run.status !== 'running');
}

const waitForRecord = (id: string, env: NodeJS.ProcessEnv): Promise<RunRecord | undefined> =>
  poll(WAITING_RUN_MS, env, id, (run) => run !== undefined);

/** Looks until something is seen; a database that is away for a while is waited for, since the request stands. */
async function poll(
  waitMs: number,
  env: NodeJS.ProcessEnv,
  id: string,
  seen: (run: RunRecord | undefined) => boolean,
): Promise<RunRecord | undefined> {
  const until = performance.now() + waitMs;
  for (;;) {
    try {
      const run = await withDatabase(env, 'cancel', async (connection, { config }) => {
        const [record] = await findRuns(connection, id);
        if (record?.status === 'lost' && record.endedAt === undefined) await close(connection, id, { config, env });
        return record;
      });
      if (seen(run)) return run;
    } catch (error) {
      if (!hasCode(error, 'ERR_RUN_JOB_UNAVAILABLE')) throw error;
    }
    if (performance.now() >= until) return undefined;
    await sleep(POLL_MS);
  }
}

function tellEnd(run: RunRecord | undefined, title: string, waitMs: number): number {
  if (run === undefined) {
    print(`${title} hasn't ended after ${formatDuration(waitMs)}; the request stands\n`);
    return EXIT.locked;
  }
  if (run.status === 'cancelled') {
    print(`${title} is cancelled\n`);
    return EXIT.ok;
  }
  if (run.status === 'lost') {
    print(`${title} has died; its record says lost\n`);
    return EXIT.ok;
  }
  print(`${title} ended by itself before it saw that: ${run.status}, exit code ${run.exitCode}\n`);
  return EXIT.failed;
}
