// `run-job show`: everything that is known of one run.
import { defineCommand } from 'citty';
import { attemptsMade } from '../../app/standing.ts';
import { tellReason } from '../../app/tell-reason.ts';
import { withDatabase } from '../../app/with-database.ts';
import { formatDuration } from '../../duration.ts';
import { findRuns, type RunRecord } from '../../postgres/records.ts';
import { type CheckpointDetails, checkpointOf } from '../../postgres/slot-checkpoints.ts';
import type { ErrorInfo, ProgramExit } from '../../runner/outcome.ts';
import { EXIT } from '../../runner/outcome.ts';
import type { CommandData } from '../command.ts';
import { checkRunId, theOne } from '../terminal/one-run.ts';
import { print, printJson, shortId } from '../terminal/print.ts';

export default defineCommand({
  meta: { name: 'show', description: 'Show everything that is recorded of one run' },
  args: {
    run: { type: 'positional', required: true, description: 'The id of the run, or how it begins or ends' },
    json: { type: 'boolean', description: 'Print JSON' },
  },
  async run({ args, data }) {
    const { env } = data as CommandData;
    checkRunId(args.run);
    const { run, checkpoint } = await withDatabase(env, 'show', async (connection) => {
      const found = theOne(await findRuns(connection, args.run), args.run);
      return { run: found, checkpoint: await checkpointOf(connection, found) };
    });
    if (args.json) printJson({ ...run, ...(checkpoint && { checkpoint }) });
    else print(describe(run, checkpoint));
    return EXIT.ok;
  },
});

function describe(run: RunRecord, checkpoint: CheckpointDetails | undefined): string {
  const { place, shard } = run;
  const rows: [string, string | undefined][] = [
    ['Run', run.id],
    ['Name', run.name],
    ['Job', run.job === run.name ? undefined : run.job],
    ['Status', run.status + (run.reason === undefined ? '' : ` (${tellReason(run.reason)})`)],
    ['Why', run.why],
    ['Exit code', tell(run.exitCode)],
    ['Program', run.program && tellProgram(run.program)],
    ['Scheduled', run.scheduledAt.toISOString()],
    ['Part', shard.count > 1 ? `${shard.index} of ${shard.count}` : undefined],
    ['Started', run.startedAt.toISOString()],
    ['Deadline', run.deadline?.toISOString()],
    ['Ended', run.endedAt?.toISOString()],
    ['Took', run.durationMs === undefined ? undefined : formatDuration(run.durationMs)],
    ['Attempts', run.status === 'missed' ? undefined : String(attemptsMade(run, run.tries))],
    ['Fence', tell(run.fence)],
    ['Dry run', run.dryRun ? 'yes' : undefined],
    ['Forced', run.forced ? 'yes' : undefined],
    ['Version', run.version],
    ['Trace', run.traceId],
    // A slot that was missed took place nowhere.
    ['Host', place.host === '' ? undefined : `${place.host}, process ${place.pid}`],
    ['Pod', place.podName && `${place.namespace ? `${place.namespace}/` : ''}${place.podName}`],
    ['Job of Kubernetes', place.jobName],
    ['CronJob', place.cronJobName],
    ['Node', place.nodeName],
    ['Peak memory', run.peakRssBytes === undefined ? undefined : `${(run.peakRssBytes / 2 ** 20).toFixed(1)} MiB`],
    ['CPU time', run.cpuMs === undefined ? undefined : formatDuration(run.cpuMs)],
    ['Parameters', toText(run.params)],
    ['Result', toText(run.result)],
    ['Error', run.error && describeError(run.error)],
    ['Checkpoint', checkpoint && tellCheckpoint(checkpoint)],
    ['Last lines', run.output?.length ? run.output.join('\n') : undefined],
  ];
  const known = rows.filter((row): row is [string, string] => row[1] !== undefined);
  const width = Math.max(...known.map(([name]) => name.length));
  const indent = `\n${' '.repeat(width + 2)}`;
  return known.map(([name, value]) => `${name.padEnd(width)}  ${value.replaceAll('\n', indent)}\n`).join('');
}

const tell = (value: number | undefined): string | undefined => (value === undefined ? undefined : String(value));

const toText = (value: unknown): string | undefined =>
  value === undefined ? undefined : JSON.stringify(value, null, 2);

/** What the next run of the slot goes on from. It is the job's data, and shown as it is. */
function tellCheckpoint({ savedAt, runs, runId, value, steps }: CheckpointDetails): string {
  const lines = [
    `saved ${savedAt?.toISOString()} by run ${shortId(runId)}, ${runs === 1 ? 'the only one' : `the latest of ${runs}`} of its slot`,
    ...(value === undefined ? [] : [JSON.stringify(value, null, 2)]),
    ...steps.map(({ name, runId: by }) => `step ${name}, done by run ${shortId(by)}`),
  ];
  return lines.join('\n');
}

function tellProgram({ exitCode, signal }: ProgramExit): string {
  return signal === null ? `exit code ${exitCode}` : `killed by ${signal}`;
}

/** As Node prints an error: the stack, which begins with the message, and then the causes. */
function describeError({ name, message, code, stack, causes = [] }: ErrorInfo): string {
  const head = `${name}${code === undefined ? '' : ` [${code}]`}: ${message}`;
  const frames = stack?.split('\n').filter((line) => /^\s+at /.test(line)) ?? [];
  return [head, ...frames, ...causes.map((cause) => `caused by ${describeError(cause)}`)].join('\n');
}
