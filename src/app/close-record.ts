// Closes the record of a run that can't do so itself, with PostgreSQL, which is loaded only then.
import type { Summary } from '../runner/outcome.ts';

/**
 * Closes the record if it still says running.
 * @throws {UnavailableError | ConfigError}
 */
export async function closeRecord(
  databaseUrl: string,
  { name, runId, job: _, ...end }: Summary,
  limitMs: number,
): Promise<void> {
  const [{ parseServer }, { closeRunning }] = await Promise.all([
    import('../postgres/server.ts'),
    import('../postgres/close-run.ts'),
  ]);
  await closeRunning(parseServer(databaseUrl, { name, runId }, limitMs), runId, { ...end, endedAt: new Date() });
}
