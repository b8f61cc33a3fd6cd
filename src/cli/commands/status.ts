// `run-job status`: how each name is doing, or one of them in detail.
import { defineCommand } from 'citty';
import { nameOf } from '../../app/database-names.ts';
import { findJobFiles, type JobSearch } from '../../app/job-files.ts';
import { type DetailedStanding, type Seen, type Standing, standing, standings } from '../../app/standing.ts';
import { findDatabase } from '../../app/with-database.ts';
import { formatDuration } from '../../duration.ts';
import { UsageError } from '../../errors.ts';
import { type Connection, withConnection } from '../../postgres/connect.ts';
import { EXIT } from '../../runner/outcome.ts';
import { type CommandData, jobSearch } from '../command.ts';
import { widthOf } from '../terminal/layout.ts';
import { painter } from '../terminal/paint.ts';
import { clean, columns, fitRows, printJson, tellTime } from '../terminal/print.ts';
import { isTerminal, printAll, writeAll } from '../terminal/stdio.ts';
import { COLOUR_OF, HEAD, toJson, toLine, toPage, withoutStatistics } from './status-lines.ts';
import { WATCH_MS, watch } from './status-watch.ts';

export default defineCommand({
  meta: {
    name: 'status',
    description: 'Show how each name is doing, what needs a person first; or one name, with its last ten slots',
  },
  args: {
    name: { type: 'positional', required: false, description: 'Only this name, in detail' },
    check: { type: 'boolean', description: 'Exit with 1 when a name is overdue or failing' },
    watch: { type: 'boolean', description: `Look again every ${formatDuration(WATCH_MS)}, until interrupted` },
    json: { type: 'boolean', description: 'Print JSON' },
  },
  async run({ args, data }) {
    const { env } = data as CommandData;
    if (args.watch && (args.json || args.check || !isTerminal(1))) {
      throw new UsageError('--watch draws on a terminal, and goes neither with --json nor with --check');
    }
    const { server, config } = findDatabase(env, 'status');
    const search = jobSearch(data as CommandData, config);
    const look = (): Promise<Seen<Look>> =>
      withConnection(server, async (connection) => {
        const name = args.name === undefined ? undefined : await nameOf(args.name, connection, search);
        return name === undefined ? lookAtAll(connection, teamsJobs(search)) : lookAtOne(connection, name);
      });
    if (args.watch) {
      await watch(async () => {
        const { standings: seen, now } = await look();
        return { text: tell(seen, now, env), at: tellTime(now) };
      });
    }
    const { standings: seen, now, written } = await look();
    const all: readonly Standing[] = 'one' in seen ? [seen.one] : seen.all;
    if (args.json) printJson('one' in seen ? toJson(seen.one, now) : all.map((each) => toJson(each, now)));
    else printAll(tell(seen, now, env));
    if (!written) writeAll(2, 'run-job: slots were missed, and this role may not write that down; a later run will\n');
    const bad = all.some(
      ({ health, overdueSince, unreadable }) =>
        health === 'failing' || overdueSince !== undefined || unreadable !== undefined,
    );
    return args.check && bad ? EXIT.failed : EXIT.ok;
  },
});

type Look = { readonly all: readonly Standing[] } | { readonly one: DetailedStanding };

/** A job that came with run-job is told of once it has run or is scheduled: whoever doesn't use it has nothing to see. */
function teamsJobs(search: JobSearch): string[] {
  const files = [...findJobFiles(search).values()];
  return files.filter(({ shipped }) => !shipped).map(({ name }) => name);
}

async function lookAtAll(connection: Connection, jobs: readonly string[]): Promise<Seen<Look>> {
  const seen = await standings(connection, jobs);
  return { ...seen, standings: { all: seen.standings } };
}

async function lookAtOne(connection: Connection, name: string): Promise<Seen<Look>> {
  const seen = await standing(connection, name);
  return { ...seen, standings: { one: seen.standings } };
}

function tell(seen: Look, now: Date, env: NodeJS.ProcessEnv): string {
  const paint = painter(env);
  if ('one' in seen) return toPage(seen.one, now, { clean, paint, columns: columns() });
  if (seen.all.length === 0) return 'There are no jobs yet, no schedules, and no runs\n';
  const colours = [undefined, ...seen.all.map(({ health }) => COLOUR_OF[health])];
  const rows = [HEAD, ...seen.all.map((each) => toLine(each, now))];
  return fitRows(fits(rows) ? rows : rows.map(withoutStatistics), HEAD.indexOf('NAME'))
    .map((text, index) => {
      const [line = '', ...below] = text.split('\n');
      return [paint(colours[index], line), ...below].map((each) => `${each}\n`).join('');
    })
    .join('');
}

function fits(rows: readonly (readonly string[])[]): boolean {
  const width = columns();
  return width === undefined || widthOf(rows.map((row) => row.slice(0, -1))) <= width;
}
