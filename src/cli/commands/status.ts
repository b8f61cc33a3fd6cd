// `run-job status`: how each name is doing.
import { defineCommand } from 'citty';
import { findJobFiles } from '../../app/job-files.ts';
import { withDatabase } from '../../app/with-database.ts';
import { type NameOverview, overview } from '../../postgres/overview.ts';
import type { RunRecord } from '../../postgres/records.ts';
import { listCheckpoints, type SlotCheckpoint } from '../../postgres/slot-checkpoints.ts';
import { EXIT } from '../../runner/outcome.ts';
import type { CommandData } from '../command.ts';
import { print, printJson, printTable, tellAgo, tellSpan } from '../terminal/print.ts';

export default defineCommand({
  meta: { name: 'status', description: 'Show how each name is doing: its last run, its last success, what runs now' },
  args: { json: { type: 'boolean', description: 'Print JSON' } },
  async run({ args, data }) {
    const { env, home, commands } = data as CommandData;
    const { jobs, checkpoints } = await withDatabase(env, 'status', async (connection, { config }) => ({
      jobs: withThoseThatNeverRan(await overview(connection), [
        ...findJobFiles({ home, dirs: config.jobDirs, commands: Object.keys(commands) }).keys(),
      ]),
      checkpoints: Map.groupBy(await listCheckpoints(connection), ({ name }) => name),
    }));
    const now = new Date();
    if (args.json) printJson(jobs.map((job) => ({ ...toJson(job), checkpoints: checkpoints.get(job.name) ?? [] })));
    else if (jobs.length === 0) print('There are no jobs yet, and no runs\n');
    else {
      const heading = ['NAME', 'LAST RUN', 'STATUS', 'LAST SUCCESS', 'RUNNING', 'FAILURES', 'SKIPS'];
      // Most have none: then the column would only take room.
      const some = checkpoints.size > 0;
      printTable(
        [...heading, ...(some ? ['CHECKPOINT'] : [])],
        jobs.map((job) => [...toRow(now)(job), ...(some ? [tellSaved(checkpoints.get(job.name) ?? [], now)] : [])]),
      );
    }
    return EXIT.ok;
  },
});

/** When something was last saved of a slot that hasn't succeeded. */
function tellSaved(checkpoints: readonly SlotCheckpoint[], now: Date): string {
  const times = checkpoints.flatMap(({ savedAt }) => savedAt?.getTime() ?? []);
  return times.length === 0 ? '-' : tellAgo(new Date(Math.max(...times)), now);
}

function withThoseThatNeverRan(recorded: readonly NameOverview[], names: readonly string[]): NameOverview[] {
  const others = names
    .filter((name) => !recorded.some((other) => other.name === name))
    .map((name) => ({ name, lastRun: [], running: [], consecutiveFailures: 0, skips: 0 }));
  return [...recorded, ...others].sort((a, b) => (a.name < b.name ? -1 : 1));
}

/** The parts of a sharded run as one: it has succeeded when all have, it runs while one does, else the worst of them says. */
function statusOf(parts: readonly RunRecord[]): RunRecord['status'] | 'incomplete' | undefined {
  const [first] = parts;
  if (first === undefined) return undefined;
  if (parts.some(({ status }) => status === 'running')) return 'running';
  const bad = parts.find(({ status }) => status !== 'succeeded');
  if (bad !== undefined) return bad.status;
  return parts.length < first.shard.count ? 'incomplete' : 'succeeded';
}

const succeededParts = (parts: readonly RunRecord[]): number =>
  parts.filter(({ status }) => status === 'succeeded').length;

function toRow(now: Date): (overview: NameOverview) => string[] {
  return ({ name, lastRun, lastSuccess, running, consecutiveFailures, skips }) => {
    const [first] = lastRun;
    const [oldest] = running;
    const parts = first && first.shard.count > 1 ? ` ${succeededParts(lastRun)}/${first.shard.count}` : '';
    return [
      name,
      first === undefined ? 'never' : tellAgo(first.startedAt, now),
      `${statusOf(lastRun) ?? '-'}${parts}`,
      lastSuccess === undefined ? 'never' : tellAgo(lastSuccess.endedAt, now),
      oldest === undefined ? 'no' : `for ${tellSpan(now.getTime() - oldest.startedAt.getTime())}`,
      String(consecutiveFailures),
      String(skips),
    ];
  };
}

function toJson({ name, lastRun, lastSuccess, running, consecutiveFailures, skips }: NameOverview) {
  const [first] = lastRun;
  return {
    name,
    job: first?.job ?? name,
    lastRun: first && {
      scheduledAt: first.scheduledAt,
      startedAt: new Date(Math.min(...lastRun.map(({ startedAt }) => startedAt.getTime()))),
      status: statusOf(lastRun),
      shards: first.shard.count,
      succeededShards: succeededParts(lastRun),
      parts: lastRun.map(tellPart),
    },
    lastSuccess,
    running: running.map(tellPart),
    consecutiveFailures,
    skips,
  };
}

const tellPart = ({ id, shard, status, exitCode, startedAt, endedAt, place }: RunRecord) => ({
  runId: id,
  shard: shard.index,
  status,
  exitCode,
  startedAt,
  endedAt,
  place,
});
