// One run of a schedule: the process, its way to the database, and what was done to both.
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { type Ended, runJob } from '../support/run-job.ts';
import { startTcpProxy } from '../support/tcp-proxy.ts';
import type { Loss, RecordEvidence, RunEvidence } from './evidence.ts';
import type { Start } from './schedule.ts';
import { now, PLAN_VARIABLE, type Plan } from './work.ts';

const JOBS = fileURLToPath(new URL('jobs', import.meta.url));
const PROGRAM = fileURLToPath(new URL('program.ts', import.meta.url));

/** What the runs of a schedule share. */
export interface RunSettings {
  readonly url: string;
  /** For the marks. */
  readonly folder: string;
  readonly scratchFolder: string;
  readonly limit: number;
  /** The runs whose way to the database is cut. */
  readonly disturbed: ReadonlySet<number>;
  /** The minute since 1970 in which the schedule began. */
  readonly minute: number;
}

/** A run that has been started. */
export interface Played {
  readonly start: Start;
  /** The uid of its Job. */
  readonly uid: string;
  readonly podName: string;
  /** Its id, once it has said it. */
  readonly runId: string | undefined;
  /** Whether it has ended. */
  readonly over: boolean;
  /** Resolves when its job begins; never, where it doesn't. */
  readonly begun: Promise<unknown>;
  /** Resolves when it has ended, however that was. */
  readonly ended: Promise<unknown>;
  kill(): void;
  term(): void;
  cut(): void;
  reconnect(): void;
  silence(): void;
  giveUp(): void;
  /** The connection that holds its lock was ended by somebody else. */
  loses(loss: Loss): void;
  /** All that is left of it, or one sentence why there is nothing to be compared. */
  evidence(record: RecordEvidence | undefined, hasRow: (runId: string) => boolean): Promise<RunEvidence | string>;
}

/** Starts a run behind a proxy of its own. */
export async function startRun(run: number, start: Start, settings: RunSettings, of?: string): Promise<Played> {
  const uid = of ?? `uid-of-${run}`;
  const podName = `pod-${run}`;
  const marks = join(settings.folder, podName);
  // Only where it is needed: a proxy hides for a moment from the server that a process has died.
  const proxy = settings.disturbed.has(run) ? await startTcpProxy(settings.url) : undefined;
  const startedAt = now();
  const running = runJob(commandLine(start, settings.minute), {
    database: { url: proxy?.urlFor(settings.url) ?? settings.url },
    scratchFolder: settings.scratchFolder,
    env: environment(start, { ...settings, uid, podName, marks }),
  });
  let endedAt = 0;
  let runId: string | undefined;
  running.child.once('close', () => {
    endedAt = now();
    cutOffAtEnd = cutOff;
  });
  running
    .waitForLine((line) => typeof line.runId === 'string')
    .then(
      (line) => {
        runId = line.runId as string;
      },
      () => {},
    );
  const begun = running.waitForLine(({ msg }) => msg === 'run started').catch(() => new Promise(() => {}));
  let killedAt: number | undefined;
  let silent = false;
  let cutOff = false;
  let cutOffAtEnd = false;
  const termedAt: number[] = [];
  const losses: Loss[] = [];
  const loseNow = () => void losses.push({ from: now(), to: now() });

  return {
    start,
    uid,
    podName,
    begun,
    get runId() {
      return runId;
    },
    get over() {
      return endedAt !== 0;
    },
    ended: running.done.catch(() => {}).finally(() => proxy?.[Symbol.asyncDispose]()),
    kill() {
      killedAt ??= now();
      running.kill('SIGKILL');
    },
    term() {
      termedAt.push(now());
      running.kill('SIGTERM');
    },
    cut() {
      loseNow();
      cutOff = true;
      proxy?.refuse();
      proxy?.cut();
    },
    reconnect() {
      cutOff = silent;
      if (!silent) proxy?.resume();
    },
    silence() {
      cutOff = true;
      silent = true;
      proxy?.silence();
    },
    giveUp() {
      loseNow();
      proxy?.giveUp();
    },
    loses: (loss) => void losses.push(loss),
    async evidence(record, hasRow) {
      const ended = await running.done.catch((error: Error) => error);
      if (ended instanceof Error) return `run ${run}: ${ended.message}`;
      return {
        run,
        start,
        slot: slotOf(start, uid),
        startedAt,
        endedAt,
        exitCode: ended.exitCode,
        signal: ended.signal,
        summary: ended.lines.findLast(({ status }) => typeof status === 'string') as RunEvidence['summary'],
        termination: ended.termination,
        work: readMarks(marks),
        killedAt,
        termedAt,
        cutOff: cutOffAtEnd,
        losses: [...losses, ...noticed(ended)],
        row: runId !== undefined && hasRow(runId),
        record,
        output: ended.stdout + ended.stderr,
      };
    },
  };
}

function commandLine(start: Start, minute: number): string[] {
  const flags = [
    `--locked=${start.locked}`,
    `--timeout=${start.timeoutMs}ms`,
    ...(start.forced ? ['--force'] : []),
    ...(start.scheduledBy === 'flag'
      ? ['--scheduled-at', new Date(slotMinute(start, minute) * 60_000).toISOString()]
      : []),
  ];
  if (start.kind === 'program') return ['exec', start.name, ...flags, '--', process.execPath, PROGRAM];
  return [start.kind === 'table' ? 'marks_table' : 'marks', '--as', start.name, ...flags];
}

/** Past ones, an hour apart. */
const slotMinute = ({ slot }: Start, minute: number) => minute - 60 * (slot + 1);

function environment(
  start: Start,
  settings: RunSettings & { uid: string; podName: string; marks: string },
): Record<string, string> {
  const { way, workMs, shard, name, scheduledBy } = start;
  return {
    [PLAN_VARIABLE]: JSON.stringify({ marks: settings.marks, way, workMs } satisfies Plan),
    RUN_JOB_DIRS: JOBS,
    POD_NAME: settings.podName,
    WORKER_MAX_CONCURRENT_JOBS: String(settings.limit),
    WORKER_LOCK_WAIT_SECONDS: '20',
    WORKER_LOCK_CHECK_SECONDS: '3',
    WORKER_CONNECT_TIMEOUT_SECONDS: '10',
    WORKER_SHUTDOWN_TIMEOUT_SECONDS: '1',
    RUN_JOB_RECORD_TIMEOUT_SECONDS: '20',
    ...(shard.count > 1 && { RUN_JOB_SHARDS: String(shard.count), JOB_COMPLETION_INDEX: String(shard.index) }),
    ...(scheduledBy === 'cronjob' && { CRONJOB_NAME: name, JOB_NAME: `${name}-${slotMinute(start, settings.minute)}` }),
    ...(scheduledBy === 'uid' && { JOB_UID: settings.uid, JOB_NAME: `${name}-by-hand` }),
  };
}

/** As the product has it: name, scheduled time, shard, and a digest of whose parameters these are, which are the same for all. */
function slotOf({ name, kind, scheduledBy, slot, shard }: Start, uid: string): string | undefined {
  if (scheduledBy === 'start') return undefined;
  const time = scheduledBy === 'uid' ? uid : slot;
  return [name, time, `${shard.index} of ${shard.count}`, kind].join();
}

/** What the run itself has noticed. */
function noticed({ lines }: Ended): Loss[] {
  const ahead = now() - Date.now();
  return lines
    .filter(({ cause, time }) => cause === 'lock_lost' && typeof time === 'string')
    .map(({ time, msg }) => {
      const at = Date.parse(time as string) + ahead;
      return { from: at, to: at, noticed: msg };
    });
}

function readMarks(file: string): RunEvidence['work'] {
  let text: string;
  try {
    text = readFileSync(file, 'utf8');
  } catch {
    return undefined;
  }
  const marks = text
    .trim()
    .split('\n')
    .map((line) => line.split(' '))
    .map(([word, at, fence]) => ({ word, at: Number(at), fence }));
  const [first] = marks;
  const last = marks.at(-1);
  if (!first || !last) return undefined;
  return {
    begin: first.at,
    last: last.at,
    done: marks.find(({ word }) => word === 'done')?.at,
    fence: first.fence === undefined ? undefined : Number(first.fence),
  };
}
