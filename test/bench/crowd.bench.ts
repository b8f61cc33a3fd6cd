// A thousand runs of a second each, started within a minute, against a server that takes a hundred connections: do all of them succeed?
import { execFileSync, spawn } from 'node:child_process';
import { once } from 'node:events';
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join, resolve } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import pg from 'pg';
import { startPgBouncer } from '../support/pgbouncer.ts';
import { startPostgres } from '../support/postgres-server.ts';
import { lightRun } from './light-run.ts';
import { tell } from './report.ts';

const EXECUTABLE = resolve('dist/run-job.js');
const JOB = `import { setTimeout } from 'node:timers/promises';
import { defineJob } from 'run-job';
export default defineJob({ name: 'second', description: 'Takes a second', run: () => setTimeout(1000) });
`;
/** The most connections of ours that the server may see at once. */
const MOST_CONNECTIONS = 60;
const SAMPLE_MS = 50;

interface Crowd {
  readonly way: string;
  readonly exits: Readonly<Record<string, number>>;
  readonly records: Readonly<Record<string, number>>;
  readonly mostConnections: number;
  readonly tookSeconds: number;
}

/** Starts so many real processes (200 unless given) and light runs (800) within so many seconds (60), directly and through PgBouncer. */
export async function bench([processes = '200', light = '800', seconds = '60']: readonly string[]): Promise<void> {
  const folder = mkdtempSync(join(tmpdir(), 'run-job-crowd-'));
  try {
    writeFileSync(join(folder, 'second.mjs'), JOB);
    const crowds: Crowd[] = [];
    for (const way of ['directly', 'through PgBouncer']) {
      await using postgres = await startPostgres({ settings: { max_connections: 100 } });
      execFileSync(process.execPath, [EXECUTABLE, 'migrate'], { env: { DATABASE_URL: postgres.url } });
      // Its own defaults: a pool of 20, in transaction mode here, and 100 clients.
      await using pooler = way === 'directly' ? undefined : await startPgBouncer(postgres.url, { maxClients: 100 });
      const starts = { processes: Number(processes), light: Number(light), withinMs: Number(seconds) * 1_000 };
      crowds.push(await crowd(way, pooler?.url ?? postgres.url, postgres.url, folder, starts));
    }
    tell(
      'crowd',
      ['runs', 'ended (exit)', 'records', 'most connections', 'took s'],
      crowds.map(({ way, exits, records, mostConnections, tookSeconds }) => [
        way,
        counts(exits),
        counts(records),
        String(mostConnections),
        tookSeconds.toFixed(0),
      ]),
      { crowds },
    );
    const all = Number(processes) + Number(light);
    const good = crowds.every(
      ({ exits, records, mostConnections }) =>
        exits['0'] === all && records.succeeded === all && mostConnections <= MOST_CONNECTIONS,
    );
    if (!good) process.exitCode = 1;
  } finally {
    rmSync(folder, { recursive: true, force: true });
  }
}

const counts = (of: Readonly<Record<string, number>>): string =>
  Object.entries(of)
    .map(([kind, count]) => `${count} ${kind}`)
    .join(', ');

/** Starts all of them evenly, waits for the last to end, and counts the server's connections meanwhile. */
async function crowd(
  way: string,
  url: string,
  directUrl: string,
  folder: string,
  { processes, light, withinMs }: { processes: number; light: number; withinMs: number },
): Promise<Crowd> {
  const watcher = await watchConnections(directUrl);
  const since = performance.now();
  const all = processes + light;
  const step = Math.max(1, Math.round(all / Math.max(1, processes)));
  let started = 0;
  const runs = Array.from({ length: all }, async (_, n) => {
    await sleep((n * withinMs) / all);
    const real = n % step === 0 && started < processes;
    if (real) started += 1;
    return real ? runProcess(url, folder, `crowd-${n}`) : String(await lightRun(url, `crowd-${n}`));
  });
  const exits = countBy(await Promise.all(runs));
  const tookSeconds = (performance.now() - since) / 1_000;
  return { way, exits, tookSeconds, ...(await watcher.stop()) };
}

async function runProcess(url: string, folder: string, name: string): Promise<string> {
  const child = spawn(process.execPath, [EXECUTABLE, 'second', '--as', name], {
    env: { PATH: process.env.PATH, DATABASE_URL: url, RUN_JOB_DIRS: folder },
    stdio: ['ignore', 'pipe', 'ignore'],
  });
  let last = '';
  child.stdout.on('data', (text: Buffer) => {
    last = `${last}${text}`.slice(-4_000);
  });
  const [code, signal] = (await once(child, 'close')) as [number | null, string | null];
  if (code !== 0) console.error(`${name} ended with ${code ?? signal}: ${last.trimEnd().split('\n').at(-1)}`);
  return String(code ?? signal);
}

function countBy(kinds: readonly string[]): Record<string, number> {
  const found: Record<string, number> = {};
  for (const kind of kinds) found[kind] = (found[kind] ?? 0) + 1;
  return found;
}

async function watchConnections(url: string) {
  const client = new pg.Client({ connectionString: url });
  await client.connect();
  let over = false;
  let mostConnections = 0;
  const watching = (async () => {
    while (!over) {
      const { rows } = await client.query<{ count: number }>(
        `SELECT count(*)::integer AS count FROM pg_stat_activity WHERE backend_type = 'client backend' AND pid <> pg_backend_pid()`,
      );
      mostConnections = Math.max(mostConnections, rows[0]?.count ?? 0);
      await sleep(SAMPLE_MS);
    }
  })();
  return {
    async stop() {
      over = true;
      await watching;
      const { rows } = await client.query<{ status: string }>('SELECT status FROM run_job.runs');
      await client.end();
      return { mostConnections, records: countBy(rows.map(({ status }) => status)) };
    },
  };
}
