// Pauses of names, as people make and end them.
import type { Pause } from '../runner/decisions.ts';
import type { Connection } from './connect.ts';
import { type DecisionsRow, IN_FORCE, PAUSE, toPause } from './decisions-sql.ts';
import type { Queries } from './queries.ts';

/** One that has ended by itself makes room for the next. */
const SETTLE = 'UPDATE run_job.pauses SET ended_at = until WHERE name = $1 AND ended_at IS NULL AND until <= now()';

/** A name that is paused already stays paused since then, for the new reason. */
const BEGIN = `
INSERT INTO run_job.pauses (name, until, why, paused_by) VALUES ($1, $2, $3, $4)
ON CONFLICT (name) WHERE ended_at IS NULL
DO UPDATE SET until = excluded.until, why = excluded.why, paused_by = excluded.paused_by, failures = NULL
RETURNING since < now() AS changed, ${PAUSE} AS pause`;

const END = `
UPDATE run_job.pauses SET ended_at = now(), ended_by = $2 WHERE name = $1 AND ${IN_FORCE} RETURNING ${PAUSE} AS pause`;

const currentOf = (which: string) =>
  `SELECT name, ${PAUSE} AS pause FROM run_job.pauses WHERE ${IN_FORCE}${which} ORDER BY name`;

type Row = { readonly pause: NonNullable<DecisionsRow['pause']> };

/** What somebody decides. */
export interface NewPause {
  readonly name: string;
  readonly until?: Date | undefined;
  readonly why: string;
  readonly by: string;
}

/** Pauses a name; `changed` says whether it was paused already. */
export async function pauseName(
  connection: Connection,
  { name, until, why, by }: NewPause,
): Promise<{ pause: Pause; changed: boolean }> {
  await connection.query(SETTLE, [name]);
  const { rows } = await connection.query<Row & { changed: boolean }>(BEGIN, [name, until ?? null, why, by]);
  const [row] = rows;
  if (row === undefined) throw new Error('PostgreSQL gave no answer to the statement that pauses a name.');
  return { pause: toPause(row.pause), changed: row.changed };
}

/** Ends the pause of a name, and returns it; undefined where the name isn't paused. */
export async function resumeName(connection: Connection, name: string, by: string): Promise<Pause | undefined> {
  const { rows } = await connection.query<Row>(END, [name, by]);
  const [row] = rows;
  return row && toPause(row.pause);
}

/** The pauses that are in force, by name; only that of one name where it is given. */
export async function currentPauses(connection: Queries, name?: string): Promise<Map<string, Pause>> {
  const of = name === undefined ? [] : [name];
  const text = currentOf(name === undefined ? '' : ' AND name = $1');
  const { rows } = await connection.query<Row & { name: string }>(text, of);
  return new Map(rows.map(({ name, pause }) => [name, toPause(pause)]));
}

/** Every name that somebody has scheduled, or paused at some time. */
export async function decidedNames(connection: Connection): Promise<string[]> {
  const { rows } = await connection.query<{ name: string }>(
    'SELECT name FROM run_job.schedules WHERE valid_to IS NULL UNION SELECT name FROM run_job.pauses ORDER BY name',
  );
  return rows.map(({ name }) => name);
}
