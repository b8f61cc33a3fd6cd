// The runner's History in PostgreSQL: one row of run_job.runs a run.
import type { QueryResult } from 'pg';
import type { PreviousRun, PreviousRunsOptions, Shard } from '../job.ts';
import type { Pause } from '../runner/decisions.ts';
import type {
  CheckpointOwner,
  Closable,
  History,
  KnownSchedule,
  Lease,
  RunEnd,
  RunStart,
  Schedule,
  Slot,
  Standing,
  Started,
  Told,
} from '../runner/ports.ts';
import type { Connection } from './connect.ts';
import { type DecisionsRow, PAUSE_AFTER, SCHEDULE, STANDING, toPause } from './decisions-sql.ts';
import { explain } from './explain.ts';
import { HeldLease } from './lease.ts';
import { type Teller, tellLive, withoutLive } from './live.ts';
import { endColumns, startColumns } from './rows.ts';
import {
  insert,
  PREVIOUS,
  PRUNE,
  PRUNE_CHECKPOINTS,
  PRUNE_OTHERS,
  recordRun,
  SCHEDULED_TIME,
  type Statement,
  SUCCEEDED,
  startRun,
  updateOwn,
  withoutCheckpoint,
} from './run-sql.ts';
import type { Server } from './server.ts';
import { mayPassLater, Session } from './session.ts';
import { asTheyAre, inAscii, lacksCharacter, type Spelling } from './spelling.ts';
import { failureOf, isConnectionLost, SQLSTATE } from './sqlstate.ts';

type Ask = (text: string, values: readonly unknown[]) => Promise<QueryResult>;

interface StartedRow {
  readonly lost: string[];
  readonly outdated: boolean;
  readonly fence: string;
  readonly checkpointed: boolean;
  readonly first_of_job?: boolean;
  readonly failed_pods?: number;
  /** Its time as JSON has it. */
  readonly schedule: (Omit<KnownSchedule, 'settledTo'> & { readonly settledTo: string }) | null;
}

/** How the history is kept. */
export interface HistoryOptions {
  /** How long `end` and `record` go on trying while the server can't be reached, in milliseconds. */
  readonly endWithinMs: number;
}

/** How long the server may take to write the end of a run on the connection that holds its lock, before another is tried. */
const END_ON_LEASE_MS = 10_000;

/** Opens the history: begins to connect at once, and throws what goes wrong from the first call. */
export function openHistory(
  server: Server,
  options: HistoryOptions,
  session = new Session(server),
): History & Closable {
  session.warm();
  return new PostgresHistory(session, server, options.endWithinMs);
}

class PostgresHistory implements History, Closable {
  readonly #session: Session;
  readonly #server: Server;
  readonly #endWithinMs: number;
  #begun: RunStart | undefined;
  /** Whether this run has said what it does, so that its end has something to take back. */
  #told = false;

  constructor(session: Session, server: Server, endWithinMs: number) {
    this.#session = session;
    this.#server = server;
    this.#endWithinMs = endWithinMs;
  }

  async scheduledTimeOf(jobUid: string, startedAt: Date): Promise<Date> {
    const { rows } = await this.#session.ask(SCHEDULED_TIME, [jobUid, startedAt]);
    return (rows as { scheduled_at: Date }[])[0]?.scheduled_at ?? startedAt;
  }

  async succeeded(slot: Slot, lease?: Lease): Promise<{ runId: string; endedAt: Date } | undefined> {
    const { name, scheduledAt, shard, paramsDigest } = slot;
    const values = [name, scheduledAt, shard.index, shard.count, paramsDigest];
    const { rows } = await this.#askOn(lease, SUCCEEDED, values);
    const [row] = rows as { id: string; ended_at: Date }[];
    return row && { runId: row.id, endedAt: row.ended_at };
  }

  async start(run: RunStart, keepDays?: number, lease?: Lease): Promise<Started> {
    this.#begun = run;
    const write = (ask: Ask, spelling: Spelling) => {
      const { text, values } = this.#silent(startRun(spelling(startColumns(run)), keepDays, run.checkIn), run.id);
      return ask(text, values);
    };
    const { rows } = await (lease instanceof HeldLease
      ? lease.commit((connection) => this.#startOn(connection, write)).catch(this.#explain)
      : write(this.#ask, asTheyAre).catch((error) => {
          if (!lacksCharacter(error)) throw error;
          return write(this.#ask, inAscii);
        }));
    const [row] = rows as StartedRow[];
    if (row === undefined) throw new Error('PostgreSQL gave no answer to the statement that records the start.');
    const { lost, outdated, checkpointed, schedule } = row;
    return {
      lost,
      outdated,
      checkpointed,
      fence: Number(row.fence),
      ...(schedule && { schedule: { ...schedule, settledTo: new Date(schedule.settledTo) } }),
      ...(row.failed_pods !== undefined && {
        checkIn: { first: row.first_of_job === true, failures: row.failed_pods },
      }),
    };
  }

  async end(id: string, end: RunEnd, lease?: Lease, done?: CheckpointOwner): Promise<void> {
    if (lease instanceof HeldLease && lease.held) {
      try {
        return await this.#endOn(lease, id, end, done);
      } catch {
        // Its connection is gone, and the lock with it. Another may get through; if it was committed after all, nothing is changed.
      }
    }
    await this.#keep(end, (columns, spelling) => this.#update(id, columns, spelling, done, this.#askStubbornly));
  }

  async record(run: RunStart, end: RunEnd): Promise<void> {
    await this.#keep(end, async (columns, spelling) => {
      const writing = recordRun(spelling({ ...startColumns(run), ...columns }), Object.keys(columns));
      const { text, values } = this.#silent(writing, run.id);
      await this.#askPatiently(text, values);
    });
  }

  async tell(run: Teller, told: Told): Promise<void> {
    const { text, values } = tellLive(run, told);
    // While it waits, the run has a connection at hand. While it works, what it asks for must not wait for this.
    const own = this.#begun === undefined ? undefined : new Session(this.#server);
    try {
      await (own ?? this.#session).ask(text, values);
      this.#told = true;
    } catch {
      // Nobody sees it then, and nothing else comes of it.
    }
    await own?.close();
  }

  async prune(days: number, withinMs = Number.POSITIVE_INFINITY): Promise<number> {
    const until = performance.now() + withinMs;
    await this.#session.ask(PRUNE_OTHERS, [days]);
    await this.#session.ask(PRUNE_CHECKPOINTS, [days]);
    let pruned = 0;
    while (performance.now() < until) {
      const { rowCount } = await this.#session.ask(PRUNE.text, [days, PRUNE.batch]);
      pruned += rowCount ?? 0;
      if ((rowCount ?? 0) < PRUNE.batch) break;
    }
    return pruned;
  }

  async previousRuns(
    name: string,
    shard: Shard,
    limit: number,
    { ended = 'succeeded' }: PreviousRunsOptions = {},
  ): Promise<PreviousRun[]> {
    const { rows } = await this.#session.ask(PREVIOUS[ended], [name, shard.index, shard.count, limit]);
    return (rows as { id: string; scheduled_at: Date; result: unknown }[]).map((row) => ({
      runId: row.id,
      scheduledAt: row.scheduled_at,
      result: row.result,
    }));
  }

  async pauseAfter(name: string, failures: number, lease?: Lease): Promise<Pause | undefined> {
    const { rows } = await this.#askOn(lease, PAUSE_AFTER, [name, failures, lease !== undefined]);
    const [row] = rows as Pick<DecisionsRow, 'pause'>[];
    return row?.pause ? toPause(row.pause) : undefined;
  }

  async scheduleOf(name: string, lease: Lease): Promise<Schedule | undefined> {
    const { rows } = await this.#askOn(lease, SCHEDULE, [name]);
    const [row] = rows as { cron: string; time_zone: string; valid_from: Date }[];
    return row && { cron: row.cron, timeZone: row.time_zone, since: row.valid_from };
  }

  async standing(name: string, slot: { at: Date } | { upTo: Date }, lease: Lease): Promise<Standing | undefined> {
    const times = 'at' in slot ? [slot.at, null] : [null, slot.upTo];
    const { rows } = await this.#askOn(lease, STANDING, [name, ...times]);
    const [row] = rows as { at: Date; succeeded: boolean; status: string | null }[];
    return row && { scheduledAt: row.at, succeeded: row.succeeded, ...(row.status !== null && { status: row.status }) };
  }

  close(): Promise<void> {
    return this.#session.close();
  }

  /** On the connection that holds the locks, where there is one. */
  #askOn(lease: Lease | undefined, text: string, values: readonly unknown[]): Promise<QueryResult> {
    if (!(lease instanceof HeldLease)) return this.#session.ask(text, values);
    return lease.use((connection) => this.#askOnce(connection, text, values)).catch(this.#explain);
  }

  /** In the transaction that holds the locks, which a refused text mustn't end. */
  async #startOn(
    connection: Connection,
    write: (ask: Ask, spelling: Spelling) => Promise<QueryResult>,
  ): Promise<QueryResult> {
    const ask: Ask = (text, values) => this.#askOnce(connection, text, values);
    if (connection.takesAllTexts) return write(ask, asTheyAre);
    await ask('SAVEPOINT run_start', []);
    return write(ask, asTheyAre).catch(async (error) => {
      if (!lacksCharacter(error)) throw error;
      await ask('ROLLBACK TO SAVEPOINT run_start', []);
      return write(ask, inAscii);
    });
  }

  /** In the transaction that holds the locks, so that no moment shows the one without the other. */
  async #endOn(lease: HeldLease, id: string, end: RunEnd, done?: CheckpointOwner): Promise<void> {
    const timeoutMs = Math.min(END_ON_LEASE_MS, this.#server.connectTimeoutMs);
    await lease.releaseWith(async (connection) => {
      await connection.ask(`SET LOCAL statement_timeout = ${timeoutMs}; SAVEPOINT run_end`, [], timeoutMs);
      const ask: Ask = (text, values) => connection.ask(text, values, timeoutMs);
      await this.#keep(end, (columns, spelling) =>
        this.#update(id, columns, spelling, done, ask).catch(async (error) => {
          if (!isConnectionLost(error)) await ask('ROLLBACK TO SAVEPOINT run_end', []);
          throw error;
        }),
      );
    }, timeoutMs);
  }

  /** Closes the record; where a failover to a standby that lagged behind has lost it, it is written anew. */
  async #update(
    id: string,
    columns: Record<string, unknown>,
    spelling: Spelling,
    done: CheckpointOwner | undefined,
    ask: Ask,
  ): Promise<void> {
    const closing = updateOwn(id, spelling(columns));
    const { text, values } = this.#silent(done ? withoutCheckpoint(closing, done) : closing, id);
    const { rowCount } = await ask(text, values);
    if (rowCount !== 0 || this.#begun?.id !== id) return;
    const insertion = insert(spelling({ ...startColumns(this.#begun), ...columns }));
    await ask(insertion.text, insertion.values);
  }

  #silent(statement: Statement, id: string): Statement {
    return this.#told ? withoutLive(statement, id) : statement;
  }

  readonly #ask: Ask = (text, values) => this.#session.ask(text, values);

  readonly #askPatiently: Ask = (text, values) => this.#session.ask(text, values, this.#endWithinMs);

  /** For what would be lost: the end of a run that has worked. */
  readonly #askStubbornly: Ask = (text, values) => this.#session.ask(text, values, this.#endWithinMs, mayPassLater);

  #askOnce(connection: Connection, text: string, values: readonly unknown[]): Promise<QueryResult> {
    return connection.ask(text, values, this.#server.connectTimeoutMs);
  }

  readonly #explain = (error: unknown): never => {
    throw explain(error, this.#server);
  };

  /** Writes how a run ended, in other words where PostgreSQL refuses the first ones: no record is lost over its details. */
  async #keep(
    end: RunEnd,
    write: (columns: Record<string, unknown>, spelling: Spelling) => Promise<void>,
  ): Promise<void> {
    let columns: Record<string, unknown> = endColumns(end);
    let spelling = asTheyAre;
    let recordable = true;
    for (;;) {
      try {
        return await write(columns, spelling);
      } catch (error) {
        const { code = '', message } = error as Error & { code?: string };
        if (code === SQLSTATE.uniqueViolation && columns.reason !== 'slot_succeeded') {
          // Another run of this slot has succeeded since ours began, which its lost lock made possible.
          columns = { ...columns, reason: 'slot_succeeded' };
        } else if (lacksCharacter(error) && spelling === asTheyAre) {
          spelling = inAscii;
        } else if (failureOf(error)?.kind === 'invalid' && recordable) {
          // A result too large or too deep to be stored.
          columns = { ...columns, result: JSON.stringify({ unrecordable: message }) };
          recordable = false;
        } else throw error;
      }
    }
  }
}
