// Notices what nobody else has, and sends all that is due: what `run-job notify` does now and then, and the console while it runs.

import type { Logger } from '../job.ts';
import { takeUntold } from '../postgres/check-ins.ts';
import { mayRecord } from '../postgres/console-reads.ts';
import { closeLost, noteOverdue } from '../postgres/notifications.ts';
import { currentPauses } from '../postgres/pausing.ts';
import type { Queries } from '../postgres/queries.ts';
import type { Config } from './config.ts';
import { databaseNow, noticeMissed } from './missed-slots.ts';
import { sendDue } from './send-due.ts';
import { tellLost } from './tell-lost.ts';

/** The longest that all of it may take, in milliseconds: it is started again soon. */
const LIMIT_MS = 60_000;

export interface Looked {
  readonly lost: number;
  readonly missed: number;
  readonly sent: number;
  readonly unsent: number;
  readonly problems: readonly string[];
}

export interface LookOptions {
  readonly config: Config;
  readonly env: NodeJS.ProcessEnv;
  readonly queries: Queries;
  /** Whether records of dead runs are closed; a role that may not do so only sends. */
  readonly closes: boolean;
  /** Ends it early. */
  readonly stop?: AbortSignal;
}

/** What is to be said is in what we return. */
const silentLog: Logger = { debug() {}, info() {}, warn() {}, error() {} };

/** @throws {UnavailableError | ConfigError} the database can't be asked */
export async function lookAndNotify(options: LookOptions): Promise<Looked> {
  const { queries, closes, stop } = options;
  const timeUp = AbortSignal.timeout(LIMIT_MS);
  const signal = stop === undefined ? timeUp : AbortSignal.any([timeUp, stop]);
  const lost = closes ? await closeLost(queries) : [];
  const left = closes && options.config.checkIns.length > 0 ? await takeUntold(queries) : [];
  // Also where we are to stop: nobody else tells of those whose records this has closed.
  const telling = tellLost(options, [...lost, ...left], timeUp, left).catch((error: Error) => [
    `who was lost could not be looked up: ${error.message}`,
  ]);
  const { recorded, late } = await noticeMissed(queries, await databaseNow(queries), undefined, undefined, {
    record: await mayRecord(queries),
  });
  const paused = await currentPauses(queries);
  await noteOverdue(
    queries,
    [...late].flatMap(([name, [at]]) => (at === undefined || paused.has(name) ? [] : [{ name, at }])),
  );
  let sent = 0;
  let unsent = 0;
  const problems = new Set<string>();
  const silent = new Set<string>();
  // What can't be sent now isn't due again before its time.
  for (let more = true; more && !signal.aborted; ) {
    const batch = await sendDue({ ...options, log: silentLog, signal }, silent);
    sent += batch.sent;
    unsent += batch.unsent;
    for (const problem of batch.problems) problems.add(problem);
    more = batch.sent + batch.unsent > 0;
  }
  for (const problem of await telling) problems.add(problem);
  return { lost: lost.length, missed: recorded, sent, unsent, problems: [...problems] };
}
