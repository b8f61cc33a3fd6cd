// By which plans PostgreSQL answers what our programs ask.
import type { Connection } from '../../src/postgres/connect.ts';

/** The plans of every statement that `ask` runs on this connection, each run once more to be explained. */
export async function plansOf(connection: Connection, ask: () => Promise<unknown>): Promise<string[]> {
  const statements: [string, unknown[] | undefined][] = [];
  const { query } = connection;
  connection.query = ((text: string, values?: unknown[]) => {
    statements.push([text, values]);
    return Reflect.apply(query, connection, [text, values]);
  }) as typeof connection.query;
  try {
    await ask();
  } finally {
    Reflect.deleteProperty(connection, 'query');
  }
  const plans: string[] = [];
  for (const [text, values] of statements) {
    if (!/^\s*(SELECT|WITH)/.test(text)) continue;
    const { rows } = await connection.query<{ 'QUERY PLAN': string }>(`EXPLAIN ${text}`, values);
    plans.push(rows.map((row) => row['QUERY PLAN']).join('\n'));
  }
  return plans;
}
