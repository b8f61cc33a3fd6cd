// `run-job resume`: ends the pause of a name.
import { defineCommand } from 'citty';
import { nameOf } from '../../app/database-names.ts';
import { whoAsks } from '../../app/who.ts';
import { withDatabase } from '../../app/with-database.ts';
import { resumeName } from '../../postgres/pausing.ts';
import { EXIT } from '../../runner/outcome.ts';
import { type CommandData, jobSearch } from '../command.ts';
import { printSentences } from '../terminal/print.ts';

export default defineCommand({
  meta: { name: 'resume', description: 'End the pause of a name' },
  args: {
    name: { type: 'positional', required: true, description: 'What the runs are known by: a job, or what --as said' },
  },
  async run({ args, data }) {
    const { env } = data as CommandData;
    return withDatabase(env, 'resume', async (connection, { config }) => {
      const search = jobSearch(data as CommandData, config);
      const name = await nameOf(args.name, connection, search);
      const pause = await resumeName(connection, name, whoAsks());
      printSentences(
        pause
          ? `${name} runs again; it was paused since ${pause.since.toISOString()}: ${pause.why}\n`
          : `${name} isn't paused\n`,
      );
      return EXIT.ok;
    });
  },
});
