// Measures database_cleanup on tables of several shapes, beside plain DELETEs of the same rows, on one server.
import pg from 'pg';
import type { PostgresServer } from '../support/postgres-server.ts';
import type { Shape } from './cleanup-shapes.ts';

/** What was measured of one shape. */
export interface Measured {
  readonly shape: string;
  readonly server: string;
  readonly rows: number;
  /** Rows per second. */
  readonly plain: number;
  readonly cleanup: number;
}

/** Fills each shape twice: once for the plain DELETEs and once for `cleanUp`, which returns how many rows it deleted and how fast. */
export async function measureShapes(
  postgres: PostgresServer,
  server: string,
  shapes: readonly Shape[],
  cleanUp: (url: string) => Promise<{ deleted: number; rowsPerSecond: number }>,
): Promise<Measured[]> {
  const measured: Measured[] = [];
  for (const shape of shapes) {
    const plain = await inFilledDatabase(postgres, shape, async (pool) => {
      const startedAt = performance.now();
      let rows = 0;
      for (const statement of shape.plain) rows += (await pool.query(statement)).rowCount ?? 0;
      return { rows, perSecond: (1_000 * rows) / (performance.now() - startedAt) };
    });
    const ours = await inFilledDatabase(postgres, shape, (_, url) => cleanUp(url));
    if (ours.deleted !== plain.rows) {
      throw new Error(
        `${shape.name} on ${server}: ${ours.deleted} rows were deleted, and ${plain.rows} by plain DELETEs`,
      );
    }
    console.error(`${shape.name} on ${server}: ${(ours.rowsPerSecond / plain.perSecond).toFixed(2)}x`);
    measured.push({ shape: shape.name, server, rows: plain.rows, plain: plain.perSecond, cleanup: ours.rowsPerSecond });
  }
  return measured;
}

async function inFilledDatabase<T>(
  postgres: PostgresServer,
  { fill }: Shape,
  use: (pool: pg.Pool, url: string) => Promise<T>,
): Promise<T> {
  const admin = new pg.Pool({ connectionString: postgres.url, max: 1 });
  await admin.query('create database shape template template0');
  const url = postgres.urlOf('shape');
  const pool = new pg.Pool({ connectionString: url, max: 1 });
  pool.on('error', () => {});
  try {
    for (const statement of fill) await pool.query(statement);
    await pool.query('checkpoint');
    return await use(pool, url);
  } finally {
    await pool.end();
    await admin.query('drop database shape with (force)');
    await admin.end();
  }
}
