// Tells services outside how a run goes. Loaded only where there is one to tell.
import { setTimeout as sleep } from 'node:timers/promises';
import type { CheckInEvent } from '../checkins/event.ts';
import { identify } from '../checkins/id.ts';
import { isLast, kindOfEnd } from '../checkins/kind.ts';
import type { Logger } from '../job.ts';
import { claimFailure, claimSuccess, jobSoFar, type LostRun, settleUntold } from '../postgres/check-ins.ts';
import type { Queries } from '../postgres/queries.ts';
import { inTime } from '../runner/limited.ts';
import type { Alerts, OutgoingRequest, RunEnd, RunStart, Slot, Started } from '../runner/ports.ts';
import { endText } from './alert-text.ts';
import { type CheckInQueue, NO_ANSWER, openQueues } from './check-in-queue.ts';
import type { Config } from './config.ts';
import { lostEvents } from './lost-events.ts';

/** What the alerts of one run are opened with. */
export interface AlertsOptions {
  readonly config: Config;
  readonly env: NodeJS.ProcessEnv;
  readonly runId: string;
  /** Absent of a run without a database. */
  readonly queries: Queries | undefined;
  readonly log: Logger;
}

/** How long it may take to write down what has been sent, once the time to send is over. */
const SETTLE_MS = 250;

/** How late a run may begin where nobody said. */
const LATE_AFTER_MS = 15 * 60_000;

/** Opens them. Never throws: an address that can't be used is a warning. */
export function openAlerts(options: AlertsOptions): Alerts {
  const { config, env, log } = options;
  const queues = openQueues(config, env, (problem) => log.warn(problem));
  return new RunAlerts(queues, options);
}

class RunAlerts implements Alerts {
  readonly #queues: readonly CheckInQueue[];
  readonly #options: AlertsOptions;
  readonly #over = new AbortController();
  /** What has to be looked up, one thing after the other; what is found is in the queues then. */
  #looking: Promise<void> = Promise.resolve();
  #notifying: Promise<void> = Promise.resolve();
  /** Until it is written down which lost runs have been told of; where it isn't, the next who looks tells once more. */
  #settling: Promise<void> = Promise.resolve();
  readonly #unnotified: string[] = [];
  #run: RunStart | undefined;
  #started: Started | undefined;

  constructor(queues: readonly CheckInQueue[], options: AlertsOptions) {
    this.#queues = queues;
    this.#options = options;
  }

  checkInId({ name, scheduledAt, shard }: Slot): string | undefined {
    if (this.#queues.length === 0) return undefined;
    const { runId, config } = this.#options;
    return identify({ name, scheduledAt, shards: shard.count, jobUid: config.place.jobUid, runId });
  }

  begun(run: RunStart, started: Started): void {
    this.#run = run;
    this.#started = started;
    if (run.dryRun || this.#queues.length === 0) return;
    const { notifyTimeoutMs } = this.#options.config;
    const signal = AbortSignal.any([this.#over.signal, AbortSignal.timeout(notifyTimeoutMs)]);
    this.#look(async () => {
      // The lost ones first: what is told later says how things are now.
      if (started.lost.length > 0) await this.#tellLost(run, started.lost, signal);
      if (started.checkIn?.first ?? true) this.#tell({ ...this.#eventOf(run), kind: 'start', text: 'started' }, signal);
    });
  }

  ifKilled(doing: string): readonly OutgoingRequest[] {
    const run = this.#run;
    if (run === undefined || run.dryRun) return [];
    const again = !isLast(run, this.#started?.checkIn?.failures);
    const event: CheckInEvent = {
      ...this.#eventOf(run),
      kind: again ? 'log' : 'failure',
      status: 'timed_out',
      exitCode: 137,
      text: `the process was killed while ${doing}${again ? ', to be tried again' : ''}`,
    };
    return this.#queues.flatMap(({ service }) => service.request(event) ?? []);
  }

  ended(run: RunStart, end: RunEnd, started: Started | undefined, recorded: Promise<boolean>): void {
    this.#run = run;
    this.#started ??= started;
    if (run.dryRun) return;
    void recorded.then((told) => {
      if (told) this.#notifying = this.#notify();
    });
    if (this.#queues.length === 0) return;
    this.#look(async () => {
      const kind = await this.#kindOf(run, end, recorded);
      if (kind === undefined) return;
      const event: CheckInEvent = {
        ...this.#eventOf(run),
        kind,
        status: end.status,
        exitCode: end.exitCode,
        // It would be taken for the Job's, of which this run may be the last of several.
        ...(this.#started?.checkIn?.first !== false && { durationMs: end.durationMs }),
        text: endText(end, kind === 'log'),
      };
      this.#tell(event, this.#over.signal);
    });
  }

  async flush(budgetMs: number): Promise<readonly string[]> {
    // A start that hangs leaves some of the time for the end.
    const half = setTimeout(() => {
      for (const queue of this.#queues) queue.giveUpStart();
    }, budgetMs / 2);
    const all = async () => {
      await this.#looking;
      await this.#notifying;
      await Promise.all(this.#queues.map((queue) => queue.idle));
      await this.#settling;
    };
    await inTime(budgetMs, all());
    clearTimeout(half);
    this.#over.abort(new Error(NO_ANSWER));
    // What was given up by this is in the lists a turn later; what has been sent is still to be written down.
    await Promise.race([this.#notifying, sleep(SETTLE_MS)]);
    await new Promise((turn) => setImmediate(turn));
    return [...this.#queues.flatMap((queue) => queue.untold()), ...this.#unnotified];
  }

  /** What is due, of this run or of others; what isn't sent in time is for the next who looks. */
  async #notify(): Promise<void> {
    const { config, env, log, queries } = this.#options;
    if (config.notify.targets.length === 0 || !queries) return;
    try {
      const { sendDue } = await import('./send-due.ts');
      const { problems } = await sendDue({ config, env, queries, log, signal: this.#over.signal });
      this.#unnotified.push(...problems);
    } catch (error) {
      this.#unnotified.push(`what there is to be notified of could not be read (${(error as Error).message})`);
    }
  }

  #look(step: () => Promise<void>): void {
    this.#looking = this.#looking.then(step).catch((error) => {
      this.#options.log.warn('what is told of this run could not be looked up; the outcome stands', { error });
    });
  }

  #tell(event: CheckInEvent, signal: AbortSignal): void {
    for (const queue of this.#queues) queue.push(event, signal);
  }

  /** What the end is told as: mostly clear by itself, and else to be looked up once it is recorded. */
  async #kindOf(run: RunStart, end: RunEnd, recorded: Promise<boolean>): Promise<CheckInEvent['kind'] | undefined> {
    const begun = this.#started?.checkIn;
    const kind = kindOfEnd(run, end, begun?.failures);
    const { queries } = this.#options;
    const sharded = run.slot.shard.count > 1 && (kind === 'success' || kind === 'failure');
    const unclear = run.place.jobUid !== undefined && begun === undefined && (kind === undefined || kind === 'log');
    if (!queries || !(sharded || unclear) || !(await recorded)) return sharded && kind === 'success' ? undefined : kind;
    if (unclear) {
      const { failures, succeeded } = await jobSoFar(queries, run);
      // An earlier pod of this very Job has done the work, and was killed before anybody heard of it.
      if (kind === undefined) return succeeded && run.slot.shard.count === 1 ? 'success' : undefined;
      return kindOfEnd(run, end, failures);
    }
    const claimed = kind === 'success' ? claimSuccess(queries, run) : claimFailure(queries, run.checkIn ?? '');
    return (await claimed) ? kind : undefined;
  }

  /** Those of other Jobs have failed; those of this one are what it is tried again for. */
  async #tellLost(run: RunStart, ids: readonly string[], signal: AbortSignal): Promise<void> {
    const { queries, config } = this.#options;
    if (!queries) return;
    const again = ({ jobUid }: LostRun) => jobUid !== null && jobUid === run.place.jobUid;
    for (const event of await lostEvents(queries, ids, config.environment, again)) this.#tell(event, signal);
    const told = Promise.all(this.#queues.map((queue) => queue.idle));
    this.#settling = told.then(() => settleUntold(queries, ids)).catch(() => undefined);
  }

  #eventOf(run: RunStart): Omit<CheckInEvent, 'kind' | 'text'> {
    const { slot, place, startedAt, deadline, retries } = run;
    const { environment, schedule } = this.#options.config;
    const known = this.#started?.schedule ?? schedule;
    const runMs = deadline === undefined ? LATE_AFTER_MS : deadline.getTime() - startedAt.getTime();
    return {
      id: run.checkIn ?? '',
      name: slot.name,
      job: run.job,
      runId: run.id,
      scheduledAt: slot.scheduledAt,
      host: place.podName ?? place.host,
      environment,
      traceId: run.traceId,
      ...(known && {
        monitor: {
          cron: known.cron,
          timeZone: known.timeZone,
          lateAfterMs: LATE_AFTER_MS,
          deadlineMs: runMs * (retries + 1),
          tags: [],
        },
      }),
    };
  }
}
