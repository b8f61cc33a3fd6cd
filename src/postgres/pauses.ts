// Which names are paused, for whoever looks.
import type { Connection } from './connect.ts';
import { hasPauses } from './slots.ts';

/** A name that isn't to run. */
export interface PauseInForce {
  readonly name: string;
  readonly since: Date;
  /** When it ends by itself; until somebody resumes the name unless set. */
  readonly until?: Date;
  readonly why: string;
  readonly by?: string;
}

/** The pauses in force, by name; none where the schema doesn't know any yet. */
export async function pausesInForce(connection: Connection): Promise<Map<string, PauseInForce>> {
  if (!(await hasPauses(connection))) return new Map();
  const { rows } = await connection.query<{
    name: string;
    since: Date;
    until: Date | null;
    why: string;
    by: string | null;
  }>(
    `SELECT name, since, until, why, paused_by AS by FROM run_job.pauses
     WHERE ended_at IS NULL AND (until IS NULL OR until > clock_timestamp())`,
  );
  return new Map(
    rows.map(({ until, by, ...pause }) => [
      pause.name,
      { ...pause, ...(until !== null && { until }), ...(by !== null && { by }) },
    ]),
  );
}
