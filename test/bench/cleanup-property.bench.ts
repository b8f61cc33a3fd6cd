// The properties of database_cleanup on many random databases: `npm run bench -- cleanup-property [seeds] [first seed]`.
import { readFileSync } from 'node:fs';
import { registerHooks } from 'node:module';
import { fileURLToPath } from 'node:url';
import pg from 'pg';
import { startPostgres } from '../support/postgres-server.ts';
import { tell } from './report.ts';

/** Says how many seeds hold, and prints what doesn't hold for each of the others. */
export async function bench([count = '2000', first = '1']: readonly string[]): Promise<void> {
  // As the bundle does: SQL files are text.
  registerHooks({
    load: (url, context, next) =>
      url.endsWith('.sql')
        ? {
            format: 'module',
            source: `export default ${JSON.stringify(readFileSync(fileURLToPath(url), 'utf8'))}`,
            shortCircuit: true,
          }
        : next(url, context),
  });
  const { checkSeed } = await import('../jobs/database_cleanup/property/check.ts');
  await using postgres = await startPostgres();
  const pool = new pg.Pool({ connectionString: postgres.url, max: 3 });
  const failed: number[] = [];
  const startedAt = performance.now();
  for (let seed = Number(first); seed < Number(first) + Number(count); seed += 1) {
    await checkSeed(pool, seed).catch((error: Error) => {
      failed.push(seed);
      console.error(error.message);
    });
  }
  await pool.end();
  const seconds = ((performance.now() - startedAt) / 1_000).toFixed(0);
  tell('cleanup-property', ['seeds', 'failed', 'seconds'], [[count, String(failed.length), seconds]], {
    count,
    failed,
  });
  if (failed.length > 0) process.exitCode = 1;
}
