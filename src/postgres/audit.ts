// Who did what by the buttons of the console.
import type { Queries } from './queries.ts';

/** What somebody did. */
export interface AuditEntry {
  readonly who: string;
  readonly action: 'pause' | 'resume' | 'cancel';
  readonly name: string;
  readonly runId?: string | undefined;
  readonly why?: string | undefined;
}

/** Writes it down. */
export async function recordAction(connection: Queries, { who, action, name, runId, why }: AuditEntry): Promise<void> {
  await connection.query('INSERT INTO run_job.audit (who, action, name, run_id, why) VALUES ($1, $2, $3, $4, $5)', [
    who,
    action,
    name,
    runId ?? null,
    why ?? null,
  ]);
}

/** What was done to a name, the newest first, ten at most. */
export async function actionsOn(connection: Queries, name: string): Promise<(AuditEntry & { readonly at: Date })[]> {
  const { rows } = await connection.query<AuditEntry & { at: Date }>(
    'SELECT at, who, action, name, run_id AS "runId", why FROM run_job.audit WHERE name = $1 ORDER BY at DESC LIMIT 10',
    [name],
  );
  return rows;
}
