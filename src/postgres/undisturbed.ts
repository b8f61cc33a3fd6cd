// A transaction that no timeout of the server, the database or the role ends.
import type { Queries } from './queries.ts';

/**
 * What would end a session or a transaction that waits. Settings that this version of PostgreSQL doesn't have (14 and 17 brought some)
 * are left out.
 */
const TIMEOUTS = {
  idle_in_transaction_session_timeout: '0',
  idle_session_timeout: '0',
  transaction_timeout: '0',
  lock_timeout: '0',
};

/**
 * Does `work` in a transaction, all of it or nothing.
 * @param beginning SQL that begins it, such as that of `begin`
 * @param end how it ends when all went well: a dry run takes back what it did
 */
export async function inTransaction<T>(
  connection: Queries,
  beginning: string,
  work: () => Promise<T>,
  end: 'COMMIT' | 'ROLLBACK' = 'COMMIT',
): Promise<T> {
  try {
    await connection.query(beginning);
    const done = await work();
    await connection.query(end);
    return done;
  } catch (error) {
    await connection.query('ROLLBACK').catch(() => {});
    throw error;
  }
}

/**
 * SQL that begins a transaction. READ COMMITTED, since a stricter level would keep a snapshot and hold VACUUM back. The settings are
 * local to it, since behind a pooler the server's connection is somebody else's next.
 * @param statementMs how long one of its statements may take on the server; 0 for no limit
 */
export function begin(statementMs: number, settings: Readonly<Record<string, string>> = {}): string {
  const all = { ...TIMEOUTS, ...settings, statement_timeout: String(Math.ceil(statementMs)) };
  return `BEGIN ISOLATION LEVEL READ COMMITTED;
SELECT set_config(name, value, true)
FROM (VALUES ${Object.entries(all)
    .map(([name, value]) => `('${name}', '${value}')`)
    .join()}) AS setting (name, value)
WHERE current_setting(name, true) IS NOT NULL`;
}
