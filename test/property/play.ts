// Plays a schedule with the built executable and a real PostgreSQL, and gathers what is left of it.
import { mkdtempSync } from 'node:fs';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import pg from 'pg';
import type { PostgresServer } from '../support/postgres-server.ts';
import { runToEnd } from '../support/run-job.ts';
import type { Evidence, Loss, RecordEvidence } from './evidence.ts';
import { type Played, type RunSettings, startRun } from './run.ts';
import type { Schedule, Start, Step } from './schedule.ts';
import { now } from './work.ts';

/** How long a step waits for the job of its run to begin. */
const BEGIN_MS = 3_000;

/** When the server gives up a host that has fallen silent: sooner than it does in earnest, and later than the run promises to be over. */
const GIVE_UP_MS = 14_000;

/** The number of the first of the runs that come after the schedule's own. */
const FIRST_LAST_RUN = 100;

/** Where schedules are played. */
export interface Stage {
  /** The server is restarted: nobody else may use it meanwhile. */
  readonly server: PostgresServer;
  /** A database that is migrated. */
  readonly template: string;
  readonly scratchFolder: string;
}

let databases = 0;

/** Plays the schedule; resolves when all of its runs have ended, and each name has run once more. */
export async function play(schedule: Schedule, { server, template, scratchFolder }: Stage): Promise<Evidence> {
  databases += 1;
  const database = `schedule_${databases}`;
  await query(server.url, `create database ${database} template ${template}`);
  const url = server.urlOf(database);
  await query(url, 'create table work (run_id uuid primary key)');

  const folder = mkdtempSync(join(scratchFolder, 'schedule-'));
  const settings: RunSettings = {
    url,
    folder,
    scratchFolder,
    limit: schedule.limit,
    disturbed: new Set(
      schedule.steps.flatMap((step) => (step.kind === 'cut' || step.kind === 'partition' ? [step.run] : [])),
    ),
    minute: Math.floor(Date.now() / 60_000),
  };
  const actors = new Actors(settings, server);
  for (const step of schedule.steps) {
    await sleep(step.afterMs);
    await actors.act(step);
  }
  await actors.settled();
  const names = new Set(schedule.steps.flatMap((step) => (step.kind === 'start' ? [step.start.name] : [])));
  for (const [at, name] of [...names].entries()) await actors.start(FIRST_LAST_RUN + at, lastRun(name));
  await actors.settled();

  const records = await query<RecordEvidence & { pod_name: string }>(url, 'select * from run_job.runs');
  const rows = await query<{ run_id: string }>(url, 'select run_id from work');
  const locks = await query<{ count: string }>(
    url,
    `select count(*) from pg_locks where locktype = 'advisory' and database = (select oid from pg_database where datname = current_database())`,
  );
  const problems = [...actors.problems];
  if (locks[0]?.count !== '0') problems.push(`${locks[0]?.count} locks are held when everybody has gone`);
  const runs = [];
  for (const run of actors.runs.values()) {
    const record = records.find(({ pod_name }) => pod_name === run.podName);
    const evidence = await run.evidence(record, (runId) => rows.some(({ run_id }) => run_id === runId));
    if (typeof evidence === 'string') problems.push(evidence);
    else runs.push(evidence);
  }
  await query(server.url, `drop database ${database} with (force)`);
  return { limit: schedule.limit, runs, problems };
}

/** Finds the dead, and shows that the name isn't locked for good. */
const lastRun = (name: Start['name']): Start => ({
  name,
  kind: 'job',
  scheduledBy: 'start',
  slot: 0,
  shard: { index: 0, count: 1 },
  locked: 'wait',
  forced: false,
  timeoutMs: 30_000,
  way: 'works',
  workMs: 50,
});

/** Who acts in a schedule: its runs, and those that disturb them. */
class Actors {
  readonly runs = new Map<number, Played>();
  readonly problems: string[] = [];
  readonly #settings: RunSettings;
  readonly #server: PostgresServer;
  /** What goes on beside the steps. */
  readonly #tasks: Promise<unknown>[] = [];
  /** What `unlock` has said, and between when. */
  readonly #unlocks: (Loss & { readonly stdout: string })[] = [];

  constructor(settings: RunSettings, server: PostgresServer) {
    this.#settings = settings;
    this.#server = server;
  }

  async act(step: Step): Promise<void> {
    switch (step.kind) {
      case 'start':
        return this.start(step.run, step.start);
      case 'retry': {
        const before = this.runs.get(step.of);
        if (before) this.#beside(before.ended.then(() => this.start(step.run, before.start, before.uid)));
        return;
      }
      case 'restart':
        return this.#restart(step.mode, step.forMs);
      case 'unlock':
        return this.#unlock(step.name);
    }
    const run = this.runs.get(step.run);
    if (step.begun) await Promise.race([run?.begun, run?.ended, sleep(BEGIN_MS)]);
    if (!run || run.over) return;
    switch (step.kind) {
      case 'kill':
        return run.kill();
      case 'term':
        return run.term();
      case 'cut':
        run.cut();
        return this.#beside(sleep(step.forMs).then(() => run.reconnect()));
      case 'partition':
        run.silence();
        return this.#beside(sleep(GIVE_UP_MS).then(() => run.giveUp()));
    }
  }

  async start(run: number, start: Start, uid?: string): Promise<void> {
    const played = await startRun(run, start, this.#settings, uid);
    this.runs.set(run, played);
  }

  /** Resolves when nothing goes on any more. */
  async settled(): Promise<void> {
    // A retry begins a run when another has ended.
    for (let known = -1; known !== this.#tasks.length + this.runs.size; ) {
      known = this.#tasks.length + this.runs.size;
      await Promise.all([...this.#tasks, ...[...this.runs.values()].map(({ ended }) => ended)]);
    }
    this.#blame();
  }

  async #restart(mode: 'fast' | 'immediate', forMs: number): Promise<void> {
    const from = now();
    await this.#server.stop(mode);
    for (const run of this.runs.values()) if (!run.over) run.loses({ from, to: now() });
    await sleep(forMs);
    await this.#server.start();
  }

  /** It says whose connections it has ended. */
  async #unlock(name: string): Promise<void> {
    const from = now();
    const { url, scratchFolder } = this.#settings;
    const { exitCode, stdout, stderr } = await runToEnd(['unlock', name, '--yes'], {
      database: { url },
      scratchFolder,
    });
    // Of a name that no run has had yet nothing is known.
    if (exitCode !== 0 && !(exitCode === 64 && stderr.includes('Nothing is known by the name')))
      this.problems.push(`unlock ${name} exits with ${exitCode}: ${stdout}${stderr}`);
    this.#unlocks.push({ from, to: now(), stdout });
  }

  /** A run may say its id only after its lock has been taken from it. */
  #blame(): void {
    for (const { stdout, ...when } of this.#unlocks.splice(0)) {
      for (const run of this.runs.values()) {
        if (run.runId !== undefined && stdout.includes(run.runId)) run.loses(when);
      }
    }
  }

  #beside(task: Promise<unknown>): void {
    this.#tasks.push(task);
  }
}

/** One query on a connection of its own; returns the rows. */
export async function query<Row extends pg.QueryResultRow>(connectionString: string, sql: string): Promise<Row[]> {
  const client = new pg.Client({ connectionString });
  await client.connect();
  try {
    return (await client.query<Row>(sql)).rows;
  } finally {
    await client.end();
  }
}
