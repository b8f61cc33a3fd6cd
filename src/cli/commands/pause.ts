// `run-job pause`: nothing of a name runs until somebody resumes it, or the time is up.
import { defineCommand } from 'citty';
import { nameOf } from '../../app/database-names.ts';
import { databaseNow } from '../../app/missed-slots.ts';
import { redactorFor } from '../../app/redactor.ts';
import { whoAsks } from '../../app/who.ts';
import { withDatabase } from '../../app/with-database.ts';
import { UsageError } from '../../errors.ts';
import { currentPauses, pauseName } from '../../postgres/pausing.ts';
import { tellPause } from '../../runner/decisions.ts';
import { EXIT } from '../../runner/outcome.ts';
import { type CommandData, jobSearch } from '../command.ts';
import { print, printJson, printSentences } from '../terminal/print.ts';
import { readUntil } from '../terminal/times.ts';

/** A sentence or two: it stands in every record of what didn't run. */
const LONGEST_WHY = 500;

export default defineCommand({
  meta: { name: 'pause', description: 'Let nothing of a name run for a while; without a name, list what is paused' },
  args: {
    name: { type: 'positional', required: false, description: 'What the runs are known by: a job, or what --as said' },
    why: { type: 'string', valueHint: 'text', description: 'Why, for whoever wonders what didn’t run' },
    until: {
      type: 'string',
      valueHint: 'time',
      description: 'When the pause ends by itself: 2h, 7d, or an RFC 3339 time',
    },
    json: { type: 'boolean', description: 'Print JSON' },
  },
  async run({ args, data }) {
    const { env } = data as CommandData;
    if (args.name === undefined) {
      if (args.why !== undefined || args.until !== undefined)
        throw new UsageError('name what is to be paused: run-job pause <name> --why "…"');
      const pauses = await withDatabase(env, 'pause', (connection) => currentPauses(connection));
      if (args.json) printJson([...pauses].map(([name, pause]) => ({ name, ...pause })));
      else if (pauses.size === 0) print('nothing is paused\n');
      else for (const [name, pause] of pauses) printSentences(`${name}: ${tellPause(pause)}\n`);
      return EXIT.ok;
    }
    const { name: given, until: end } = args;
    const why = readWhy(args.why, redactorFor(env).text);
    return withDatabase(env, 'pause', async (connection, { config }) => {
      const search = jobSearch(data as CommandData, config);
      const name = await nameOf(given, connection, search);
      // The database's clock ends it, whatever the one here shows.
      const until = readUntil(end, await databaseNow(connection));
      const { pause, changed } = await pauseName(connection, { name, until, why, by: whoAsks() });
      if (args.json) printJson({ name, ...pause });
      else {
        const again = changed ? 'was paused already; now ' : '';
        printSentences(
          `${name}: ${again}${tellPause(pause)}; what runs goes on, run-job resume ${name} ends the pause\n`,
        );
      }
      return EXIT.ok;
    });
  },
});

function readWhy(text: string | undefined, redact: (text: string) => string): string {
  const why = text?.replace(/\s+/g, ' ').trim();
  if (!why) throw new UsageError('say why, for whoever wonders what didn’t run: --why "the orders are being moved"');
  if (why.length > LONGEST_WHY) throw new UsageError(`--why may have ${LONGEST_WHY} characters, and has ${why.length}`);
  return redact(why);
}
