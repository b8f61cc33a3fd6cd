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
import type { CommandData } from '../command.ts';
import { painter } from '../terminal/paint.ts';
import { clean, printJson, printNoted, terminalWidth } from '../terminal/print.ts';
import { isTerminal, writeAll } from '../terminal/stdio.ts';
import { COLOUR_OF, HEAD, toJson, toLine, toPage } from './status-lines.ts';

/** How often `--watch` looks. */
const WATCH_MS = 2_000;

/** To the top left, and nothing below. */
const CLEAR = '\u001b[H\u001b[2J\u001b[3J';

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
    const { env, home, commands } = data as CommandData;
    if (args.watch && (args.json || args.check || !isTerminal(1))) {
      throw new UsageError('--watch draws on a terminal, and goes neither with --json nor with --check');
    }
    const { server, config } = findDatabase(env, 'status');
    const search = { home, dirs: config.jobDirs, commands: Object.keys(commands) };
    return withConnection(server, async (connection) => {
      const name = args.name === undefined ? undefined : await nameOf(args.name, connection, search);
      const look = () => (name === undefined ? lookAtAll(connection, teamsJobs(search)) : lookAtOne(connection, name));
      const show = ({ standings: seen, now, written }: Seen<Look>) => {
        if (args.json) printJson('one' in seen ? toJson(seen.one, now) : seen.all.map((each) => toJson(each, now)));
        else print(seen, now, env);
        if (!written)
          writeAll(2, 'run-job: slots were missed, and this role may not write that down; a later run will\n');
      };
      let seen = await look();
      while (args.watch) {
        writeAll(1, CLEAR);
        show(seen);
        await new Promise((resolve) => setTimeout(resolve, WATCH_MS));
        seen = await look();
      }
      show(seen);
      const all: readonly Standing[] = 'one' in seen.standings ? [seen.standings.one] : seen.standings.all;
      const bad = all.some(({ health, overdueSince }) => health === 'failing' || overdueSince !== undefined);
      return args.check && bad ? EXIT.failed : EXIT.ok;
    });
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

function print(seen: Look, now: Date, env: NodeJS.ProcessEnv): void {
  const paint = painter(env);
  if ('one' in seen) {
    writeAll(1, toPage(seen.one, now, { clean, paint, columns: isTerminal(1) ? terminalWidth() : undefined }));
    return;
  }
  if (seen.all.length === 0) {
    writeAll(1, 'There are no jobs yet, no schedules, and no runs\n');
    return;
  }
  const colours = [undefined, ...seen.all.map(({ health }) => COLOUR_OF[health])];
  const rows = [HEAD, ...seen.all.map((each) => toLine(each, now))];
  printNoted(rows, (line, index) => paint(colours[index], line));
}
