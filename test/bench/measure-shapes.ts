// Measures database_cleanup on tables of several shapes, beside plain DELETEs of the same rows, on one server.
import pg from 'pg';
import type { PostgresServer } from '../support/postgres-server.ts';
import type { Shape } from './cleanup-shapes.ts';

/** What was measured of one shape: medians of some rounds. */
export interface Measured {
  readonly shape: string;
  readonly server: string;
  readonly rows: number;
  /** Milliseconds. */
  readonly plainMs: number;
  readonly cleanupMs: number;
  /** The same from the run's start to its end, with the looks before the first row is deleted. */
  readonly wholeMs: number;
  /** How many times as fast as the plain DELETEs, in each round, the slowest first. */
  readonly ratios: readonly number[];
}

/** Deletes what is due in a database, and says how much that was and how long it took. */
type Delete<More = object> = (url: string) => Promise<{ readonly deleted: number; readonly durationMs: number } & More>;

const FILLED = 'filled';
const COPY = 'shape';

/**
 * Fills each shape once, and has both delete from copies of it that are alike to the byte, in turns: what else the machine does is
 * spread over both. Before each, all is on disk and in the server's memory.
 * @param prepare what else the database needs
 */
export async function measureShapes(
  postgres: PostgresServer,
  shapes: readonly Shape[],
  options: {
    server: string;
    rounds: number;
    prepare: (url: string) => void;
    cleanUp: Delete<{ readonly wholeMs: number }>;
  },
): Promise<Measured[]> {
  const { server, rounds, prepare, cleanUp } = options;
  const measured: Measured[] = [];
  const admin = new pg.Pool({ connectionString: postgres.url, max: 1 });
  for (const shape of shapes) {
    await fill(admin, postgres, shape);
    prepare(postgres.urlOf(FILLED));
    const plain: number[] = [];
    const ours: number[] = [];
    const whole: number[] = [];
    let rows = 0;
    for (let round = 0; round < rounds; round += 1) {
      const one = await onCopy(admin, postgres, (url) => deletePlainly(url, shape));
      const other = await onCopy(admin, postgres, cleanUp);
      if (one.deleted !== other.deleted) {
        throw new Error(
          `${shape.name} on ${server}: ${other.deleted} rows were deleted, and ${one.deleted} by plain DELETEs`,
        );
      }
      rows = one.deleted;
      plain.push(one.durationMs);
      ours.push(other.durationMs);
      whole.push(other.wholeMs);
    }
    const ratios = plain.map((ms, round) => ms / (ours[round] ?? Number.NaN)).toSorted((a, b) => a - b);
    const [plainMs, cleanupMs] = [median(plain), median(ours)];
    console.error(`${shape.name} on ${server}: ${plainMs.toFixed()} and ${cleanupMs.toFixed()} ms, ${told(ratios)}`);
    measured.push({ shape: shape.name, server, rows, plainMs, cleanupMs, wholeMs: median(whole), ratios });
    await admin.query(`drop database ${FILLED} with (force)`);
  }
  await admin.end();
  return measured;
}

/** The median of some ratios, and the least and the most of them. */
export function told(ratios: readonly number[]): string {
  const [least = Number.NaN, most = Number.NaN] = [ratios.at(0), ratios.at(-1)];
  return `${median(ratios).toFixed(2)}x (${least.toFixed(2)} to ${most.toFixed(2)})`;
}

async function fill(admin: pg.Pool, postgres: PostgresServer, shape: Shape): Promise<void> {
  await admin.query(`create database ${FILLED} template template0`);
  const client = new pg.Client(postgres.urlOf(FILLED));
  await client.connect();
  for (const statement of shape.fill) await client.query(statement);
  await client.end();
}

/** A copy is written through the server's memory, so that it is there. */
async function onCopy<T>(admin: pg.Pool, postgres: PostgresServer, use: (url: string) => Promise<T>): Promise<T> {
  await admin.query(`create database ${COPY} template ${FILLED} strategy wal_log`);
  try {
    await admin.query('checkpoint');
    return await use(postgres.urlOf(COPY));
  } finally {
    await admin.query(`drop database ${COPY} with (force)`);
  }
}

async function deletePlainly(url: string, { plain }: Shape): ReturnType<Delete> {
  const client = new pg.Client(url);
  await client.connect();
  const startedAt = performance.now();
  let deleted = 0;
  for (const statement of plain) deleted += (await client.query(statement)).rowCount ?? 0;
  const durationMs = performance.now() - startedAt;
  await client.end();
  return { deleted, durationMs };
}

function median(values: readonly number[]): number {
  const sorted = values.toSorted((a, b) => a - b);
  return sorted[Math.floor(sorted.length / 2)] ?? Number.NaN;
}
