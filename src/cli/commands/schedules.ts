// `run-job schedules`: lists the schedules that are known; `run-job schedules apply` brings them up to a file.
import { defineCommand } from 'citty';
import { databaseNow, expectationOf, unreadable } from '../../app/missed-slots.ts';
import { nextSlots } from '../../app/standing.ts';
import { findDatabase, withDatabase } from '../../app/with-database.ts';
import { UsageError } from '../../errors.ts';
import { withConnection } from '../../postgres/connect.ts';
import { type Schedule, schedulesInForce } from '../../postgres/schedules.ts';
import { EXIT } from '../../runner/outcome.ts';
import { tellCron } from '../../schedule/words.ts';
import type { CommandData } from '../command.ts';
import { columns, print, printJson } from '../terminal/print.ts';
import { failedMonitors, tellApplied, withMonitors } from './applied.ts';

export default defineCommand({
  meta: {
    name: 'schedules',
    description:
      'List the schedules that are known with their next three times; or apply a file of them, and make their monitors where RUN_JOB_MONITORS says',
  },
  args: {
    action: { type: 'positional', required: false, description: 'apply: bring them up to --file' },
    file: {
      type: 'string',
      valueHint: 'path',
      description:
        'The schedules to apply, as YAML or JSON; - for standard input. What its source told of before is retired',
    },
    'dry-run': { type: 'boolean', description: 'Only say what would change' },
    json: { type: 'boolean', description: 'Print JSON' },
  },
  async run({ args, data }) {
    const { env } = data as CommandData;
    if (args.action === undefined) {
      if (args.file !== undefined || args['dry-run']) {
        throw new UsageError('--file and --dry-run belong to run-job schedules apply --file <path>');
      }
      await list(env, args.json ?? false);
      return EXIT.ok;
    }
    if (args.action !== 'apply') {
      throw new UsageError(`run-job schedules knows apply, and not ${args.action}; alone it lists them`);
    }
    if (args.file === undefined) throw new UsageError('name the file: run-job schedules apply --file <path>');
    const { server, config } = findDatabase(env, 'schedules');
    const { applyWithMonitors, readSchedulesFile } = await import('../../app/apply-schedules.ts');
    const file = readSchedulesFile(args.file);
    const dryRun = args['dry-run'] ?? false;
    const applied = await withConnection(server, (connection) =>
      applyWithMonitors(connection, file, { dryRun, config, env }),
    );
    if (args.json) printJson(applied.schedules.map((one) => withMonitors(one, applied)));
    else print(tellApplied(applied, dryRun, env));
    // The schedules are applied all the same, which the lines say; whoever calls this by hand or in CI is to hear of the rest.
    return failedMonitors(applied.monitors) > 0 ? EXIT.unavailable : EXIT.ok;
  },
});

async function list(env: NodeJS.ProcessEnv, json: boolean): Promise<void> {
  const { schedules, now } = await withDatabase(env, 'schedules', async (connection) => ({
    schedules: await schedulesInForce(connection),
    now: await databaseNow(connection),
  }));
  if (json) {
    printJson(
      schedules.map((schedule) => ({
        ...schedule,
        id: undefined,
        settledTo: undefined,
        words: unreadable(schedule) === undefined ? wordsOf(schedule) : undefined,
        unreadable: unreadable(schedule),
        next: schedule.suspend || unreadable(schedule) !== undefined ? [] : nextSlots(schedule, now),
      })),
    );
  } else if (schedules.length === 0) {
    print('No schedules are known: the chart applies them, and so does run-job schedules apply --file <path>\n');
  } else {
    print(tellSchedules(schedules.map((schedule) => tell(schedule, now))));
  }
}

const wordsOf = (schedule: Schedule): string =>
  unreadable(schedule) ?? tellCron(expectationOf(schedule).cron, schedule.timeZone);

/** A schedule, as people are told of it. */
interface Told {
  readonly name: string;
  /** What it does. */
  readonly words: string;
  /** When next, by the wall clock of its zone. */
  readonly times: string;
}

function tell(schedule: Schedule, now: Date): Told {
  const { name, suspend, catchUp, owner } = schedule;
  const facts = [suspend && 'suspended', catchUp === 'all' && 'catches up with all', owner].filter(Boolean).join(', ');
  return { name, words: `${wordsOf(schedule)}${facts && ` (${facts})`}`, times: timesOf(schedule, now) };
}

function timesOf(schedule: Schedule, now: Date): string {
  if (schedule.suspend) return 'starts nothing';
  if (unreadable(schedule) !== undefined) return 'unknown';
  const { zone } = expectationOf(schedule);
  const wall = (slot: Date) =>
    new Date(zone.wallAt(slot.getTime() / 1_000) * 1_000).toISOString().slice(0, 16).replace('T', ' ');
  return nextSlots(schedule, now).map(wall).join(', ') || 'never';
}

/** Two lines each, beside its name; below it where a terminal has no room for that. */
function tellSchedules(all: readonly Told[]): string {
  const width = Math.max(...all.map(({ name }) => name.length));
  const longest = Math.max(...all.flatMap(({ words, times }) => [words.length, times.length]));
  const room = columns() ?? Number.POSITIVE_INFINITY;
  const lines =
    width + 2 + longest <= room
      ? all.flatMap(({ name, words, times }) => [`${name.padEnd(width)}  ${words}`, `${' '.repeat(width)}  ${times}`])
      : all.flatMap(({ name, words, times }) => [name, `  ${words}`, `  ${times}`]);
  return lines.map((line) => `${line}\n`).join('');
}
