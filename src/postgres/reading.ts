// What node-postgres needs of a session to read and write values truly, whatever the server, the database or the role is set to.
import type { QueryResult } from 'pg';

/** What of a connection it takes to look at its settings, and to change them. */
interface Session {
  /** The settings that the server tells by itself. */
  readonly reported: ReadonlyMap<string, string>;
  /** The server's process, as the other side told it. */
  readonly processID: number | null;
  ask(text: string, values: readonly unknown[], timeoutMs: number): Promise<QueryResult>;
}

/**
 * Settings that change what PostgreSQL sends or takes, to what node-postgres knows; `extra_float_digits` only when floats would be
 * rounded. PgBouncer follows neither, and refuses them when a connection begins, so that they are set where the session is ours alone,
 * and for each transaction where it isn't.
 */
const NEEDED = {
  IntervalStyle: { value: 'postgres', harm: 'intervals are misread' },
  extra_float_digits: { value: '1', harm: 'floats are rounded' },
  array_nulls: { value: 'on', harm: "a null in an array is stored as the text 'NULL'" },
} as const;

type Setting = keyof typeof NEEDED;

/** Would end a connection that a pool keeps idle, and with it whatever is asked of it at that moment. Older servers don't have it. */
const IDLE_TIMEOUT = 'idle_session_timeout';

/**
 * DateStyle is told by the server when the connection begins, so that to ask costs nothing; poolers follow a change of it. Only the
 * format: the order of day and month, by which a job's own texts are read, stays as the database has it, which it wouldn't be if
 * the connection began with a DateStyle.
 */
export async function readDatesTruly(session: Session, timeoutMs: number): Promise<void> {
  const style = session.reported.get('DateStyle');
  if (style !== undefined && !style.startsWith('ISO')) await session.ask('SET DateStyle TO ISO', [], timeoutMs);
}

/**
 * Sets the rest of what node-postgres needs, and lets an idle connection live. The process that the server told us is the one that we work on, unless a pooler has made
 * its number up: then the session is somebody else's next, and nothing is set.
 * @returns the settings that are wrong, and were left so
 */
export async function readTruly(session: Session, timeoutMs: number): Promise<Setting[]> {
  const names = Object.keys(NEEDED) as Setting[];
  const ours = `pg_backend_pid() = ${Number(session.processID ?? 0)}`;
  const { rows } = await session.ask(
    `SELECT name, CASE WHEN ${ours} THEN set_config(name, value, false) END IS NOT NULL AS set
     FROM (VALUES ${names.map((name) => `('${name}', '${NEEDED[name].value}')`).join()}, ('${IDLE_TIMEOUT}', '0')) AS needed (name, value)
     WHERE CASE name WHEN 'extra_float_digits' THEN current_setting(name)::integer < 1 ELSE current_setting(name, true) <> value END`,
    [],
    timeoutMs,
  );
  return (rows as { name: Setting | typeof IDLE_TIMEOUT; set: boolean }[])
    .filter(({ set }) => !set)
    .map(({ name }) => name)
    .filter((name) => name !== IDLE_TIMEOUT);
}

/** The statements that set them for one transaction. */
export const setLocally = (settings: readonly Setting[]): string[] =>
  settings.map((name) => `SET LOCAL ${name} TO '${NEEDED[name].value}'`);

/** What is told of settings that were left wrong. */
export function misreading(settings: readonly Setting[]): string {
  const harm = settings.map((name) => `${NEEDED[name].harm} (${name})`).join(', ');
  const remedy = settings.map((name) => `SET ${name} = ${NEEDED[name].value}`).join(', ');
  return `outside of ctx.postgres.transaction ${harm}: a pooler is between us and a database or role with these settings, which it doesn't follow; ALTER ROLE ... IN DATABASE ... ${remedy}`;
}
