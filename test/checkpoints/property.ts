// A job that copies rows is killed, cut off and fought over at random: each row arrives exactly once. No vitest in here.
import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import pg from 'pg';
import { EXECUTABLE } from '../support/built.ts';
import { startTcpProxy } from '../support/tcp-proxy.ts';

/** What happens to the runs of one slot. */
export interface Play {
  /** Leads to a migrated database in which nothing has been copied. */
  readonly url: string;
  /** Straight to the server, to look. */
  readonly direct: string;
  readonly jobs: string;
  readonly slot: readonly string[];
  readonly seed: number;
  readonly rows: number;
  readonly batch: number;
  /** How many runs are ended before one may end by itself. */
  readonly kills: number;
  /**
   * - `kill`: SIGKILL at a random moment
   * - `fight`: the lock's connection of a run is ended while another run waits for it, and then goes on beside it
   * - `cut`: all connections of a run are cut at a random moment, between two of its messages
   */
  readonly by: 'kill' | 'fight' | 'cut';
  /** One batch in so many is rolled back after its checkpoint was saved. */
  readonly rollBackOneIn: number;
}

/** What came of it. */
export interface Played {
  readonly copied: number;
  readonly distinct: number;
  readonly runs: number;
  /** How many runs got to copy something. */
  readonly workers: number;
  readonly exitCodes: Readonly<Record<string, number>>;
  readonly checkpoints: number;
}

/** Numbers in [0, 1) that follow from a seed (mulberry32). */
function randomOf(seed: number): () => number {
  let state = seed;
  return () => {
    state = (state + 0x6d2b79f5) | 0;
    let t = Math.imul(state ^ (state >>> 15), 1 | state);
    t = (t + Math.imul(t ^ (t >>> 7), 61 | t)) ^ t;
    return ((t ^ (t >>> 14)) >>> 0) / 2 ** 32;
  };
}

/** Plays it to the end of the slot. */
export async function play(what: Play): Promise<Played> {
  const random = randomOf(what.seed);
  const look = new pg.Client(what.direct);
  await look.connect();
  const folder = mkdtempSync(join(tmpdir(), 'run-job-play-'));
  const exitCodes: Record<string, number> = {};
  let runs = 0;
  const start = (url: string) => {
    runs += 1;
    const args = [
      'copies_rows',
      ...what.slot,
      '--param',
      `batch=${what.batch}`,
      '--param',
      `rollBackOneIn=${what.rollBackOneIn}`,
    ];
    const child = spawn(process.execPath, [EXECUTABLE, ...args], {
      cwd: folder,
      stdio: 'ignore',
      env: {
        PATH: process.env.PATH,
        DATABASE_URL: url,
        RUN_JOB_DIRS: what.jobs,
        RUN_JOB_TERMINATION_LOG: join(folder, 'termination-log'),
        WORKER_LOCK_WAIT_SECONDS: '60',
        WORKER_CONNECT_TIMEOUT_SECONDS: '20',
        WORKER_SHUTDOWN_TIMEOUT_SECONDS: '1',
        RUN_JOB_RECORD_TIMEOUT_SECONDS: '2',
      },
    });
    const ended = once(child, 'close').then(([code, signal]) => {
      const end = String(signal ?? code);
      exitCodes[end] = (exitCodes[end] ?? 0) + 1;
      return end;
    });
    return { child, ended };
  };
  const copied = async (): Promise<number> =>
    (await look.query<{ count: number }>('SELECT count(*)::integer AS count FROM target')).rows[0]?.count ?? 0;
  /** Resolves a random moment after a run has copied something, or when it has ended. */
  const amidst = async (ended: Promise<string>, before: number) => {
    let over = false;
    void ended.then(() => {
      over = true;
    });
    while (!over && (await copied()) === before) await sleep(2);
    if (!over) await sleep(random() * 25);
  };

  let waiting: ReturnType<typeof start> | undefined;
  try {
    for (let kill = 0; kill < what.kills; kill += 1) {
      const before = await copied();
      if (before >= what.rows) break;
      if (what.by === 'kill') {
        const { child, ended } = start(what.url);
        await amidst(ended, before);
        child.kill('SIGKILL');
        await ended;
      } else if (what.by === 'cut') {
        await using proxy = await startTcpProxy(what.url);
        const { child, ended } = start(proxy.urlFor(what.url));
        await amidst(ended, before);
        proxy.refuse();
        proxy.cut();
        await ended;
        child.kill('SIGKILL');
      } else {
        const first = waiting ?? start(what.url);
        await amidst(first.ended, before);
        waiting = start(what.url);
        await sleep(random() * 100);
        await look.query(END_A_LOCK);
        await first.ended;
      }
    }
    await waiting?.ended;
    for (let last = ''; last !== '0'; ) last = await start(what.url).ended;
    const { rows } = await look.query<Omit<Played, 'runs' | 'exitCodes'>>(RESULT);
    return { ...(rows[0] as Played), runs, exitCodes };
  } finally {
    await look.end();
    rmSync(folder, { recursive: true, force: true });
  }
}

/** Ends the session that holds a run's lock, as an administrator or a failover would. */
const END_A_LOCK = `
SELECT pg_terminate_backend(pid) FROM pg_locks
WHERE locktype = 'advisory' AND granted AND database = (SELECT oid FROM pg_database WHERE datname = current_database())
LIMIT 1`;

const RESULT = `
SELECT count(*)::integer AS copied, count(DISTINCT id)::integer AS distinct, count(DISTINCT run_id)::integer AS workers,
  (SELECT count(*)::integer FROM run_job.checkpoints) AS checkpoints
FROM target`;
