// `run-job history`: the records of runs.
import { defineCommand } from 'citty';
import { resolveName } from '../../app/known-names.ts';
import { withDatabase } from '../../app/with-database.ts';
import { formatDuration, parseDuration } from '../../duration.ts';
import { UsageError } from '../../errors.ts';
import { recordedNames } from '../../postgres/overview.ts';
import { listRuns, type RunRecord } from '../../postgres/records.ts';
import { EXIT, STATUSES } from '../../runner/outcome.ts';
import type { CommandData } from '../command.ts';
import { print, printJson, printTable, shortId, tellTime } from '../terminal/print.ts';

const MOST = 10_000;

const CHOICES = ['running', ...STATUSES];

export default defineCommand({
  meta: { name: 'history', description: 'List the recorded runs, the newest first' },
  args: {
    name: { type: 'positional', required: false, description: 'Only runs of this name: a job, or what --as said' },
    limit: { type: 'string', valueHint: 'number', default: '20', description: 'Most runs to list (20)' },
    status: {
      type: 'enum',
      options: CHOICES,
      valueHint: 'status',
      description: `Only these: ${CHOICES.join(', ')}`,
    },
    since: {
      type: 'string',
      valueHint: 'time',
      description: 'Only runs that began since then: 24h, 7d, or an RFC 3339 time',
    },
    json: { type: 'boolean', description: 'Print JSON, with parameters, results and errors' },
  },
  async run({ args, data }) {
    const { env, home, commands } = data as CommandData;
    const filter = {
      ...(args.status !== undefined && { status: args.status }),
      ...(args.since !== undefined && { since: readSince(args.since) }),
      limit: readLimit(args.limit),
    };
    const runs = await withDatabase(env, 'history', async (connection, { config }) => {
      if (args.name === undefined) return listRuns(connection, filter);
      const search = { home, dirs: config.jobDirs, commands: Object.keys(commands) };
      const name = resolveName(args.name, await recordedNames(connection), search);
      return listRuns(connection, { ...filter, name });
    });
    if (args.json) printJson(runs);
    else if (runs.length === 0) print('No such runs are recorded\n');
    else printTable(['RUN', 'NAME', 'STATUS', 'EXIT', 'STARTED (UTC)', 'TOOK', 'NOTE'], runs.map(toRow));
    return EXIT.ok;
  },
});

function toRow(run: RunRecord): string[] {
  return [
    shortId(run.id),
    run.name,
    run.status,
    run.exitCode === undefined ? '-' : String(run.exitCode),
    tellTime(run.startedAt),
    run.durationMs === undefined ? '-' : formatDuration(run.durationMs),
    note(run),
  ];
}

function note({ shard, reason, attempts, dryRun, forced, error }: RunRecord): string {
  const parts = [
    shard.count > 1 && `part ${shard.index} of ${shard.count}`,
    reason,
    dryRun && 'dry run',
    forced && 'forced',
    attempts > 1 && `${attempts} attempts`,
    error?.message.replace(/\s+/g, ' '),
  ];
  return parts.filter(Boolean).join(', ');
}

function readLimit(text: string): number {
  const limit = Number(text);
  if (!/^\d+$/.test(text) || limit < 1 || limit > MOST) {
    throw new UsageError(`--limit must be a whole number from 1 to ${MOST}`);
  }
  return limit;
}

function readSince(text: string): Date {
  const ms = parseDuration(text);
  const since = new Date(ms === undefined ? text : Date.now() - ms);
  // A year by itself, or "1", would be read as a date as well.
  if (Number.isNaN(since.getTime()) || (ms === undefined && !/^\d{4}-\d\d-\d\d/.test(text))) {
    throw new UsageError('--since must be a length of time such as 24h or 7d, or a time such as 2026-02-03T04:05:06Z');
  }
  return since;
}
