// The runner's History in PostgreSQL: one row of run_job.runs a run.
import type { PreviousRun, Shard } from '../job.ts';
import type { Closable, History, RunEnd, RunStart, Slot } from '../runner/ports.ts';
import { endColumns, startColumns } from './rows.ts';
import {
  CLOSE_LOST,
  insert,
  outdated,
  PREVIOUS,
  PRUNE,
  PRUNE_TIMES,
  SCHEDULED_TIME,
  SUCCEEDED,
  update,
} from './run-sql.ts';
import type { Server } from './server.ts';
import { Session } from './session.ts';
import { failureOf, SQLSTATE } from './sqlstate.ts';

/** How the history is kept. */
export interface HistoryOptions {
  /** How long `end` and `record` go on trying while the server can't be reached, in milliseconds. */
  readonly endWithinMs: number;
}

/** Opens the history: begins to connect at once, and throws what goes wrong from the first call. */
export function openHistory(server: Server, options: HistoryOptions): History & Closable {
  const session = new Session(server);
  session.warm();
  return new PostgresHistory(session, options.endWithinMs);
}

class PostgresHistory implements History, Closable {
  readonly #session: Session;
  readonly #endWithinMs: number;
  #begun: RunStart | undefined;

  constructor(session: Session, endWithinMs: number) {
    this.#session = session;
    this.#endWithinMs = endWithinMs;
  }

  async scheduledTimeOf(jobUid: string, startedAt: Date): Promise<Date> {
    const { rows } = await this.#session.ask(SCHEDULED_TIME, [jobUid, startedAt]);
    return (rows as { scheduled_at: Date }[])[0]?.scheduled_at ?? startedAt;
  }

  async succeeded(slot: Slot): Promise<{ runId: string; endedAt: Date } | undefined> {
    const { name, scheduledAt, shard, paramsDigest } = slot;
    const { rows } = await this.#session.ask(SUCCEEDED, [name, scheduledAt, shard.index, shard.count, paramsDigest]);
    const [row] = rows as { id: string; ended_at: Date }[];
    return row && { runId: row.id, endedAt: row.ended_at };
  }

  async start(run: RunStart, keepDays?: number): Promise<{ lost: string[]; outdated: boolean }> {
    this.#begun = run;
    const begin = insert(startColumns(run));
    const days = `$${begin.values.length + 1}::integer`;
    // The id is the statement's first value, the name its third.
    const { rows } = await this.#session.ask(
      `WITH ${CLOSE_LOST}, begun AS (${begin.text})
      SELECT ARRAY(SELECT id FROM lost) AS lost, EXISTS (SELECT FROM run_job.runs WHERE ${outdated(days)}) AS outdated`,
      [...begin.values, keepDays],
    );
    const [row] = rows as { lost: string[]; outdated: boolean }[];
    return { lost: row?.lost ?? [], outdated: row?.outdated ?? false };
  }

  async end(id: string, end: RunEnd): Promise<void> {
    await this.#keep(end, async (columns) => {
      const { text, values } = update(id, columns);
      const { rowCount } = await this.#session.ask(text, values, this.#endWithinMs);
      // A failover to a standby that lagged behind may have lost the row.
      if (rowCount === 0 && this.#begun?.id === id) await this.#insert(this.#begun, columns);
    });
  }

  async record(run: RunStart, end: RunEnd): Promise<void> {
    await this.#keep(end, (columns) => this.#insert(run, columns));
  }

  async prune(days: number): Promise<number> {
    await this.#session.ask(PRUNE_TIMES, [days]);
    let pruned = 0;
    for (;;) {
      const { rowCount } = await this.#session.ask(PRUNE.text, [days, PRUNE.batch]);
      pruned += rowCount ?? 0;
      if ((rowCount ?? 0) < PRUNE.batch) return pruned;
    }
  }

  async previousRuns(name: string, shard: Shard, limit: number): Promise<PreviousRun[]> {
    const { rows } = await this.#session.ask(PREVIOUS, [name, shard.index, shard.count, limit]);
    return (rows as { id: string; scheduled_at: Date; result: unknown }[]).map((row) => ({
      runId: row.id,
      scheduledAt: row.scheduled_at,
      result: row.result,
    }));
  }

  close(): Promise<void> {
    return this.#session.close();
  }

  async #insert(run: RunStart, columns: Record<string, unknown>): Promise<void> {
    const { text, values } = insert({ ...startColumns(run), ...columns });
    await this.#session.ask(text, values, this.#endWithinMs);
  }

  /** Writes how a run ended, in other words where PostgreSQL refuses the first ones: no record is lost over its details. */
  async #keep(end: RunEnd, write: (columns: Record<string, unknown>) => Promise<void>): Promise<void> {
    const columns = endColumns(end);
    try {
      await write(columns);
    } catch (error) {
      const { code = '', message } = error as Error & { code?: string };
      // Another run of this slot has succeeded since ours began, which its lost lock made possible.
      if (code === SQLSTATE.uniqueViolation) await write({ ...columns, reason: 'slot_succeeded' });
      // A result too large or too deep to be stored.
      else if (failureOf(error)?.kind === 'invalid')
        await write({ ...columns, result: JSON.stringify({ unrecordable: message }) });
      else throw error;
    }
  }
}
