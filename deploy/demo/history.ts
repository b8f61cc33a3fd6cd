// Two weeks of made history for the console: names of all healths, runs of all outcomes, crowded nights. The same every time, but for the clock.
import { createHash } from 'node:crypto';
import type pg from 'pg';
import { parseCron } from '../../src/schedule/cron.ts';
import { slotsBetween } from '../../src/schedule/slots.ts';
import { zoneOf } from '../../src/schedule/zone.ts';

const DAY_MS = 86_400_000;
const DAYS = 14;

interface Made {
  readonly name: string;
  readonly job?: string;
  readonly cron: string;
  readonly timeZone?: string;
  readonly owner: string;
  readonly tags?: readonly string[];
  readonly namespace?: string;
  readonly timeoutMs?: number;
  readonly params?: Readonly<Record<string, unknown>>;
  readonly after?: string;
  readonly suspend?: boolean;
  /** How long a run takes that succeeds, in milliseconds. */
  readonly tookMs: number;
  /** How a slot ended, told by how many slots ago it was, and a number from 0 to 1 that is the slot's own. */
  readonly outcome?: (ago: number, chance: number) => string;
}

/** Not the newest one: which names are failing must not hang on the day. */
const nowAndThen = (status: string, often: number) => (ago: number, chance: number) =>
  ago > 0 && chance < often ? status : 'succeeded';

const NAMES: readonly Made[] = [
  {
    name: 'ledger_close',
    cron: '0 2 * * *',
    timeZone: 'Europe/Berlin',
    owner: 'payments',
    tags: ['critical'],
    tookMs: 1_900_000,
    timeoutMs: 3_600_000,
    outcome: (ago) => (ago < 3 ? 'failed' : ago === 9 ? 'timed_out' : 'succeeded'),
  },
  {
    name: 'settlement_export',
    cron: '*/30 * * * *',
    owner: 'payments',
    tags: ['critical', 'partner'],
    tookMs: 95_000,
    timeoutMs: 300_000,
    params: { partner: 'north', format: 'camt.053' },
    outcome: nowAndThen('failed', 0.03),
  },
  {
    name: 'database_cleanup',
    cron: '15 2 * * *',
    owner: 'platform',
    tookMs: 640_000,
    timeoutMs: 1_800_000,
    outcome: (ago) => (ago === 5 ? 'lost' : 'succeeded'),
  },
  {
    name: 'cleanup_audit',
    job: 'database_cleanup',
    cron: '30 2 * * *',
    owner: 'platform',
    params: { tables: 'audit_events', olderThan: '400d' },
    tookMs: 420_000,
    timeoutMs: 1_800_000,
  },
  {
    name: 'report_generator',
    cron: '0 6 * * 1',
    owner: 'finance',
    tags: ['report'],
    tookMs: 48_000,
    timeoutMs: 300_000,
    after: 'ledger_close',
  },
  {
    name: 'daily_summary',
    job: 'report_generator',
    cron: '0 7 * * *',
    owner: 'finance',
    tags: ['report'],
    params: { period: 'day', top: 5 },
    tookMs: 22_000,
    timeoutMs: 300_000,
    outcome: (ago) => (ago === 0 || ago === 1 ? 'missed' : 'succeeded'),
  },
  {
    name: 'fx_rates',
    cron: '5 * * * *',
    owner: 'treasury',
    tookMs: 4_200,
    timeoutMs: 60_000,
    outcome: (ago, chance) => (ago > 0 && chance < 0.02 ? 'unavailable' : ago % 41 === 40 ? 'missed' : 'succeeded'),
  },
  {
    name: 'fraud_scores',
    cron: '*/15 * * * *',
    owner: 'risk',
    tags: ['critical'],
    namespace: 'risk',
    tookMs: 310_000,
    timeoutMs: 840_000,
    outcome: (ago, chance) => (ago === 0 ? 'running' : chance < 0.05 ? 'skipped' : 'succeeded'),
  },
  {
    name: 'card_expiry_mails',
    cron: '0 9 * * *',
    timeZone: 'America/Sao_Paulo',
    owner: 'crm',
    tookMs: 130_000,
    timeoutMs: 900_000,
    outcome: (ago) => (ago < 4 ? 'missed' : 'succeeded'),
  },
  {
    name: 'backup_check',
    cron: '0 2 * * *',
    owner: 'platform',
    tookMs: 2_700_000,
    timeoutMs: 5_400_000,
    outcome: nowAndThen('crashed', 0.1),
  },
  {
    name: 'search_reindex',
    cron: '0 1 * * *',
    owner: 'search',
    namespace: 'search',
    tookMs: 5_100_000,
    timeoutMs: 7_200_000,
    outcome: (ago) => (ago === 2 ? 'interrupted' : 'succeeded'),
  },
  {
    name: 'invoice_archive',
    cron: '45 2 * * *',
    owner: 'finance',
    tookMs: 900_000,
    timeoutMs: 3_600_000,
    suspend: true,
  },
];

const ERRORS: Readonly<Record<string, { name: string; message: string; code?: string; causes?: readonly unknown[] }>> =
  {
    failed: {
      name: 'Error',
      message: 'The ledger of 2 accounts does not balance',
      causes: [{ name: 'RangeError', message: 'account 40017: debit 120.50, credit 120.05' }],
    },
    unavailable: {
      name: 'UnavailableError',
      code: 'ERR_RUN_JOB_UNAVAILABLE',
      message: 'rates.example.com answers 503',
    },
    crashed: { name: 'TypeError', message: "Cannot read properties of undefined (reading 'checksum')" },
    timed_out: {
      name: 'TimeoutError',
      code: 'ERR_RUN_JOB_TIMEOUT',
      message: 'The run passed its deadline: its timeout is 1h',
    },
    interrupted: { name: 'InterruptedError', code: 'ERR_RUN_JOB_INTERRUPTED', message: 'SIGTERM arrived' },
    lost: { name: 'LostError', message: "Nobody holds this run's lock any more, and its record was never closed" },
  };

const EXIT: Readonly<Record<string, number>> = {
  succeeded: 0,
  skipped: 0,
  failed: 1,
  unavailable: 69,
  crashed: 70,
  timed_out: 124,
  interrupted: 143,
  lost: 137,
};

/** Makes it. Returns how many runs there are. */
export async function makeHistory(client: pg.Client, now = new Date()): Promise<number> {
  const rows: Record<string, unknown>[] = [];
  for (const made of NAMES) {
    const cron = parseCron(made.cron);
    const zone = zoneOf(made.timeZone ?? 'Etc/UTC');
    const from = new Date(now.getTime() - DAYS * DAY_MS);
    const slots = made.suspend ? [] : [...slotsBetween({ cron, zone }, from, now)].reverse();
    await client.query(
      `INSERT INTO run_job.schedules (name, job, cron, time_zone, source, params, timeout_ms, starting_deadline_seconds, late_after_ms, after, suspend,
         owner, runbook, tags, cronjob_name, namespace, valid_from, settled_to)
       VALUES ($1, $2, $3, $4, 'demo', $5, $6, 600, 300000, $7, $8, $9, $10, $11, $1, $12, $13, $14)`,
      [
        made.name,
        made.job ?? made.name,
        made.cron,
        made.timeZone ?? 'Etc/UTC',
        JSON.stringify(made.params ?? {}),
        made.timeoutMs ?? null,
        JSON.stringify(made.after ? [{ name: made.after, slot: 'latest' }] : []),
        made.suspend ?? false,
        made.owner,
        `https://runbooks.example.com/${made.name}`,
        made.tags ?? [],
        made.namespace ?? 'jobs',
        from,
        new Date(now.getTime() - 3_600_000),
      ],
    );
    for (const [ago, slot] of slots.entries()) rows.push(...runOf(made, slot, ago, now));
  }
  rows.sort((a, b) => ((a.started_at as Date) < (b.started_at as Date) ? -1 : 1));
  for (let at = 0; at < rows.length; at += 500) {
    await client.query('INSERT INTO run_job.runs SELECT * FROM json_populate_recordset(NULL::run_job.runs, $1::json)', [
      JSON.stringify(rows.slice(at, at + 500)),
    ]);
  }
  await client.query(
    `INSERT INTO run_job.pauses (name, since, why, paused_by) VALUES ('search_reindex', now() - interval '3 hours', 'the cluster is being moved', 'ada@laptop')`,
  );
  return rows.length;
}

/** The run of a slot, as a row of run_job.runs. */
function runOf(made: Made, slot: Date, ago: number, now: Date): Record<string, unknown>[] {
  const digest = createHash('sha256').update(`${made.name}${slot.toISOString()}`).digest();
  const chance = digest.readUInt32LE(0) / 2 ** 32;
  const spread = 0.8 + (digest.readUInt32LE(4) / 2 ** 32) * 0.5;
  const status = made.outcome?.(ago, chance) ?? 'succeeded';
  const startedAt = new Date(slot.getTime() + (status === 'missed' ? 0 : 1_500 + Math.round(chance * 9_000)));
  const tookMs =
    status === 'skipped'
      ? 900
      : status === 'timed_out'
        ? (made.timeoutMs ?? 0)
        : Math.round(made.tookMs * spread * (status === 'failed' ? 0.4 : 1));
  const endedAt = new Date(Math.min(startedAt.getTime() + tookMs, now.getTime() - 1_000));
  // What runs in this history holds no lock; it is left out.
  if (status === 'running') return [];
  const hex = digest.toString('hex');
  const time = startedAt.getTime().toString(16).padStart(12, '0');
  const id = `${time.slice(0, 8)}-${time.slice(8)}-7${hex.slice(0, 3)}-8${hex.slice(3, 6)}-${hex.slice(6, 18)}`;
  const row = {
    id,
    job: made.job ?? made.name,
    name: made.name,
    params_digest: '',
    scheduled_at: slot,
    shard_index: 0,
    shard_count: 1,
    status,
    reason: status === 'skipped' ? 'locked' : status === 'missed' ? 'unknown' : null,
    exit_code: EXIT[status] ?? null,
    attempts: status === 'skipped' || status === 'missed' ? 0 : status === 'failed' ? 3 : 1,
    started_at: startedAt,
    ended_at: endedAt,
    deadline: made.timeoutMs ? new Date(startedAt.getTime() + made.timeoutMs) : null,
    duration_ms: status === 'missed' ? null : endedAt.getTime() - startedAt.getTime(),
    params: made.params ?? {},
    result: status === 'succeeded' ? { rows: Math.round(chance * 90_000), checked: true } : null,
    error: ERRORS[status] ?? null,
    output:
      status === 'failed' ? ['reading the accounts', 'account 40017: debit 120.50, credit 120.05', 'giving up'] : null,
    dry_run: false,
    forced: false,
    trace_id: hex.slice(0, 32),
    version: '0.1.0',
    host: `${made.name.replaceAll('_', '-')}-29${hex.slice(20, 25)}-${hex.slice(25, 30)}`,
    pid: 7,
    pod_name: `${made.name.replaceAll('_', '-')}-${Math.floor(slot.getTime() / 60_000)}-${hex.slice(25, 30)}`,
    job_name: `${made.name.replaceAll('_', '-')}-${Math.floor(slot.getTime() / 60_000)}`,
    cronjob_name: made.name.replaceAll('_', '-'),
    namespace: made.namespace ?? 'jobs',
    node_name: `node-${1 + ((digest[8] ?? 0) % 4)}`,
    peak_rss_bytes: 80_000_000 + Math.round(chance * 60_000_000),
    cpu_ms: Math.round(tookMs * 0.3),
    lock_key: String(BigInt(`0x${hex.slice(0, 12)}`)),
  };
  // Of a slot that nobody began there was no process: its record is written by whoever notices.
  const nowhere = { host: '', pid: 0, trace_id: null, deadline: null, params: null, lock_key: 0 };
  const unplaced = { pod_name: null, job_name: null, cronjob_name: null, namespace: null, node_name: null };
  return [status === 'missed' ? { ...row, ...nowhere, ...unplaced, peak_rss_bytes: null, cpu_ms: null } : row];
}
