// `run-job history`: the records of runs.
import { defineCommand } from 'citty';
import { whatFailed } from '../../app/alert-text.ts';
import { knownNames } from '../../app/database-names.ts';
import { resolveName } from '../../app/known-names.ts';
import { databaseNow } from '../../app/missed-slots.ts';
import { tellReason } from '../../app/tell-reason.ts';
import { withDatabase } from '../../app/with-database.ts';
import { formatDuration } from '../../duration.ts';
import { UsageError } from '../../errors.ts';
import type { Connection } from '../../postgres/connect.ts';
import { listRuns, type RunRecord } from '../../postgres/records.ts';
import { EXIT, STATUSES } from '../../runner/outcome.ts';
import { zoneOf } from '../../schedule/zone.ts';
import { type CalledData, jobSearch } from '../command.ts';
import { readInstant } from '../terminal/instants.ts';
import { fitRows, print, printJson, shortId, tellTime } from '../terminal/print.ts';

const HEAD = ['RUN', 'NAME', 'STATUS', 'EXIT', 'STARTED (UTC)', 'TOOK', 'NOTE'];

const MOST = 10_000;

const CHOICES = ['running', ...STATUSES, 'missed'];

/** What can come with an error. */
const FAILURES = CHOICES.filter((status) => !['running', 'succeeded', 'skipped', 'missed'].includes(status));

export default defineCommand({
  meta: { name: 'history', description: 'List the recorded runs, the newest first' },
  args: {
    job: { type: 'positional', required: false, description: 'Only runs of this name: a job, or what --as said' },
    name: { type: 'string', valueHint: 'name', description: 'Only runs of these names; repeatable' },
    limit: { type: 'string', valueHint: 'number', default: '20', description: 'Most runs to list (20)' },
    status: {
      type: 'enum',
      options: CHOICES,
      valueHint: 'status',
      description: `Only these; repeatable: ${CHOICES.join(', ')}`,
    },
    errors: { type: 'boolean', description: 'Only runs that ended with an error' },
    since: {
      type: 'string',
      valueHint: 'time',
      description: 'Only runs that began since then: 24h, 7d, 2026-11-23T02:00:00Z, or 2026-11-23 in UTC',
    },
    json: { type: 'boolean', description: 'Print JSON, with parameters, results and errors' },
  },
  async run({ args, data }) {
    const { env, repeated } = data as CalledData;
    const statuses = statusesFor(repeated.get('status'), args.errors ?? false);
    const wanted = {
      ...(statuses !== undefined && { statuses }),
      ...(args.errors && { errors: true }),
      limit: readLimit(args.limit),
    };
    const given = [...(args.job === undefined ? [] : [args.job]), ...(repeated.get('name') ?? [])];
    const runs = await withDatabase(env, 'history', async (connection, { config }) => {
      const since = await readSince(args.since, connection);
      const filter = { ...wanted, ...(since && { since }) };
      if (given.length === 0) return listRuns(connection, filter);
      const search = jobSearch(data as CalledData, config);
      const known = await knownNames(connection);
      const names = [...new Set(given.map((name) => resolveName(name, known, search)))];
      return listRuns(connection, { ...filter, names });
    });
    if (args.json) printJson(runs);
    else if (runs.length === 0) print('No such runs are recorded\n');
    else print(`${fitRows([HEAD, ...runs.map(toRow)], HEAD.indexOf('NAME')).join('\n')}\n`);
    return EXIT.ok;
  },
});

/**
 * The statuses to list, each once; all unless said.
 * @throws {UsageError} none of them can come with an error, and only errors are asked for
 */
function statusesFor(given: readonly string[] | undefined, errors: boolean): string[] | undefined {
  if (given === undefined) return errors ? FAILURES : undefined;
  const without = given.filter((status) => !FAILURES.includes(status));
  if (errors && without.length > 0) {
    throw new UsageError(`--errors lists runs that ended with an error, and none that is ${without.join(' or ')} did`);
  }
  return [...new Set(given)];
}

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
    tellReason(reason),
    dryRun && 'dry run',
    forced && 'forced',
    attempts > 1 && `${attempts} attempts`,
    error && whatFailed(error).replace(/\s+/g, ' '),
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

/** By the database's clock, as the records are. */
async function readSince(text: string | undefined, connection: Connection): Promise<Date | undefined> {
  if (text === undefined) return undefined;
  const zone = zoneOf('Etc/UTC');
  return readInstant(text, { flag: '--since', now: await databaseNow(connection), zone, ofDay: 'start' });
}
