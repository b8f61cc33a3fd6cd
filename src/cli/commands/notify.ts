// `run-job notify`: looks for what nobody else has noticed, and sends the notifications that are due.
import { defineCommand } from 'citty';
import { lookAndNotify } from '../../app/look-and-notify.ts';
import { withDatabase } from '../../app/with-database.ts';
import { ConfigError } from '../../errors.ts';
import { EXIT } from '../../runner/outcome.ts';
import type { CommandData } from '../command.ts';
import { print } from '../terminal/print.ts';

export default defineCommand({
  meta: {
    name: 'notify',
    description:
      'Notice runs that died and slots that nobody ran, and send the notifications that are due; exit 69: some can’t be sent yet',
  },
  async run({ data }) {
    const { env } = data as CommandData;
    return withDatabase(env, 'notify', async (connection, { config }) => {
      if (config.notify.targets.length === 0 && config.checkIns.length === 0)
        throw new ConfigError(
          'RUN_JOB_NOTIFY is not set, nor is RUN_JOB_CHECKINS: set one to whoever is to be notified, such as https://hooks.slack.com/services/<path>',
        );
      const looked = await lookAndNotify({ config, env, queries: connection, closes: true });
      const { lost, missed, sent, unsent, problems } = looked;
      for (const problem of problems) print(`${problem}\n`);
      print(
        `${sent} sent, ${unsent} to be tried again; ${lost} ${lost === 1 ? 'run was' : 'runs were'} lost, and ${missed} ${missed === 1 ? 'slot' : 'slots'} missed, since somebody looked last\n`,
      );
      return problems.length > 0 ? EXIT.unavailable : EXIT.ok;
    });
  },
});
