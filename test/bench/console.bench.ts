// What the console costs with a large history: how long each page takes on the server, and how much memory the process takes over many requests.
import { execFileSync, spawn } from 'node:child_process';
import { readFileSync } from 'node:fs';
import pg from 'pg';
import { startPostgres } from '../support/postgres-server.ts';
import { tell } from './report.ts';

/** What each page may take for nineteen of twenty requests, in milliseconds. */
const PAGE_MS = 100;
const METRICS_MS = 250;
const MEMORY_MIB = 150;
/** How much more it may hold at the end than after the first fifth of the requests. */
const GROWTH_MIB = 10;
const ROUNDS = 40;
const SETTINGS = { shared_buffers: '512MB', maintenance_work_mem: '256MB', max_wal_size: '8GB' };

/** 1,000 names, so many runs (5,000,000 unless given), and so many requests for the memory (10,000). Fails where a limit is passed. */
export async function bench([runs = '5000000', requests = '10000']: readonly string[]): Promise<void> {
  await using postgres = await startPostgres({ settings: SETTINGS });
  execFileSync(process.execPath, ['dist/run-job.js', 'migrate'], {
    env: { DATABASE_URL: postgres.url },
    stdio: 'ignore',
  });
  await fill(postgres.url, Number(runs));
  const child = spawn(process.execPath, ['dist/run-job.js', 'serve', '--port', '0'], {
    env: { DATABASE_URL: postgres.url, LOG_FORMAT: 'json' },
    stdio: ['ignore', 'ignore', 'pipe'],
  });
  try {
    const base = await new Promise<string>((resolve) => {
      child.stderr.on('data', (text) => {
        const [, url] = /the console is at (http:\/\/\S+?)"/.exec(String(text)) ?? [];
        if (url !== undefined) resolve(url);
      });
    });
    const first = performance.now();
    await (await fetch(base)).text();
    const firstMs = performance.now() - first;
    const ids = await runIds(postgres.url);
    // Of names and runs another each time, as people look at them.
    const paths: readonly (readonly [string, (round: number) => string])[] = [
      ['/', () => '/'],
      ['/?q=job_9', () => '/?q=job_9'],
      ['/?page=10', () => '/?page=10'],
      ['/jobs/<name>', (round) => `/jobs/job_${(round * 7) % 1_000}`],
      ['/runs/<id>', (round) => `/runs/${ids[round % ids.length]}`],
      ['/now', () => '/now'],
      ['/night', () => '/night'],
      ['/night?page=<page>', (round) => `/night?page=${1 + (round % 10)}`],
      ['/metrics', () => '/metrics'],
      ['/api/v1/jobs', () => '/api/v1/jobs'],
      ['/api/v1/jobs/<name>', (round) => `/api/v1/jobs/job_${(round * 11) % 1_000}`],
    ];
    const costs: { path: string; p50: number; p95: number; cpu: number; kB: number }[] = [];
    for (const [path, of] of paths) {
      const took: number[] = [];
      const cpuBefore = cpuMs(child.pid);
      let kB = 0;
      for (let round = 0; round < ROUNDS; round++) {
        const at = performance.now();
        kB = (await (await fetch(base + of(round))).text()).length / 1_000;
        took.push(performance.now() - at);
      }
      took.sort((a, b) => a - b);
      costs.push({
        path,
        p50: took[ROUNDS / 2] ?? 0,
        p95: took[Math.ceil(ROUNDS * 0.95) - 1] ?? 0,
        // What others have the machine do is not in this.
        cpu: (cpuMs(child.pid) - cpuBefore) / ROUNDS,
        kB,
      });
    }
    const memory: number[] = [rssMib(child.pid)];
    for (let sent = 0; sent < Number(requests); sent++) {
      const [, of] = paths[sent % paths.length] ?? [];
      await (await fetch(base + (of?.(sent) ?? '/'))).text();
      if ((sent + 1) % Math.ceil(Number(requests) / 5) === 0) memory.push(rssMib(child.pid));
    }
    tell(
      'console',
      [`${runs} runs, 1000 names`, 'median ms', 'p95 ms', 'CPU ms', 'kB'],
      [
        ['the first page', firstMs.toFixed(0), '', '', ''],
        ...costs.map(({ path, p50, p95, cpu, kB }) => [
          path,
          ...[p50, p95, cpu].map((ms) => ms.toFixed(1)),
          kB.toFixed(0),
        ]),
        [`MiB over ${requests} requests`, memory.map((mib) => mib.toFixed(0)).join(' '), '', '', ''],
      ],
      { costs, memory, firstMs },
    );
    const slow = costs.some(({ path, p95 }) => p95 > (path === '/metrics' ? METRICS_MS : PAGE_MS));
    const growth = (memory.at(-1) ?? 0) - (memory[1] ?? 0);
    if (slow || growth > GROWTH_MIB || Math.max(...memory) > MEMORY_MIB) process.exitCode = 1;
  } finally {
    child.kill('SIGKILL');
  }
}

/** Of some runs, old and new. */
async function runIds(url: string): Promise<string[]> {
  const client = new pg.Client({ connectionString: url });
  await client.connect();
  const { rows } = await client.query<{ id: string }>(
    'SELECT id FROM run_job.runs TABLESAMPLE SYSTEM (0.01) LIMIT 200',
  );
  await client.end();
  return rows.map(({ id }) => id);
}

/** What the process holds in memory, in MiB. */
function rssMib(pid: number | undefined): number {
  const [, kib = '0'] = /VmRSS:\s+(\d+)/.exec(readFileSync(`/proc/${pid}/status`, 'utf8')) ?? [];
  return Number(kib) / 1_024;
}

/** What the process has had of the processors, in milliseconds. */
function cpuMs(pid: number | undefined): number {
  const fields = readFileSync(`/proc/${pid}/stat`, 'utf8').split(') ')[1]?.split(' ') ?? [];
  // Ticks of user and system time, a hundred a second.
  return (Number(fields[11]) + Number(fields[12])) * 10;
}

/** Ninety days of runs, each name as often as the others; one of fifty fails. Counted afterwards, as the migrations count what they find. */
async function fill(url: string, runs: number): Promise<void> {
  const client = new pg.Client({ connectionString: url });
  await client.connect();
  await client.query('ALTER TABLE run_job.runs DISABLE TRIGGER USER');
  await client.query(
    `INSERT INTO run_job.runs (id, job, name, params_digest, scheduled_at, shard_index, shard_count, status, exit_code, attempts, started_at, deadline,
       ended_at, duration_ms, params, result, error, dry_run, forced, version, host, pid, namespace, lock_key)
     SELECT gen_random_uuid(), name, name, '', at, 0, 1, CASE WHEN failed THEN 'failed' ELSE 'succeeded' END, failed::int, 1, at, at + interval '5 minutes',
       at + took, extract(epoch FROM took) * 1000, '{"a": 1}', '{"rows": 1}', CASE WHEN failed THEN '{"name": "Error", "message": "no"}'::jsonb END,
       false, false, '0', 'host', 1, 'ns', 1
     FROM (
       SELECT 'job_' || n % 1000 AS name, n % 50 = 49 AND n / 1000 % 7 = 0 AS failed,
         now() - interval '90 days' * (1 - n::float8 / $1) - interval '3 minutes' AS at, make_interval(secs => 5 + n % 100) AS took
       FROM generate_series(1, $1::bigint) AS n
     ) AS made`,
    [runs],
  );
  await client.query('ALTER TABLE run_job.runs ENABLE TRIGGER USER');
  for (const [file, table] of [
    ['009_console', 'totals'],
    ['010_statistics', 'statistics'],
  ] as const) {
    const sql = readFileSync(`src/postgres/migrations/${file}.sql`, 'utf8');
    await client.query(
      new RegExp(`INSERT INTO run_job.${table} \\([^;]*SELECT[^;]*;`).exec(
        sql.slice(sql.lastIndexOf(`INSERT INTO run_job.${table}`)),
      )?.[0] ?? '',
    );
  }
  await client.query(
    `INSERT INTO run_job.schedules (name, job, cron, time_zone, source, late_after_ms, starting_deadline_seconds, valid_from, settled_to)
     SELECT 'job_' || n, 'job_' || n, n % 60 || ' * * * *', 'Europe/Berlin', 'bench', 300000, 600, now() - interval '1 minute', now() FROM generate_series(0, 999) AS n`,
  );
  await client.query('VACUUM ANALYZE');
  await client.end();
}
