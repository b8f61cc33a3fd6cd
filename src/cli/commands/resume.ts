// `run-job resume`: ends the pause of a name.
import { defineCommand } from 'citty';
import { whoAsks } from '../../app/who.ts';
import { withDatabase } from '../../app/with-database.ts';
import { resumeName } from '../../postgres/pausing.ts';
import { EXIT } from '../../runner/outcome.ts';
import type { CommandData } from '../command.ts';
import { nameOf } from '../terminal/names.ts';
import { print } from '../terminal/print.ts';

export default defineCommand({
  meta: { name: 'resume', description: 'End the pause of a name' },
  args: {
    name: { type: 'positional', required: true, description: 'What the runs are known by: a job, or what --as said' },
  },
  async run({ args, data }) {
    return withDatabase((data as CommandData).env, 'resume', async (connection, { config }) => {
      const name = await nameOf(args.name, connection, config, data as CommandData);
      const pause = await resumeName(connection, name, whoAsks());
      print(
        pause
          ? `${name} runs again; it was paused since ${pause.since.toISOString()}: ${pause.why}\n`
          : `${name} isn't paused\n`,
      );
      return EXIT.ok;
    });
  },
});
