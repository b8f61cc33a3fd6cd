// `run-job checkins test`: sends one marked check-in to each service that runs check in with.
import { defineCommand } from 'citty';
import { loadConfig } from '../../app/config.ts';
import { TEST_NAME, testCheckIns } from '../../app/test-check-ins.ts';
import { ConfigError, UsageError } from '../../errors.ts';
import { EXIT } from '../../runner/outcome.ts';
import type { CommandData } from '../command.ts';
import { print } from '../terminal/print.ts';

export default defineCommand({
  meta: {
    name: 'checkins',
    description: 'test: send one marked check-in to each service of RUN_JOB_CHECKINS; exit 69: one didn’t take it',
  },
  args: {
    action: { type: 'positional', required: true, description: 'test' },
    name: {
      type: 'string',
      valueHint: 'name',
      description: `Whose check at Healthchecks gets it, as a log entry that changes nothing (Default: ${TEST_NAME})`,
    },
  },
  async run({ args, data }) {
    if (args.action !== 'test') throw new UsageError(`run-job checkins knows test, and not ${args.action}`);
    const { env } = data as CommandData;
    const config = loadConfig(env);
    if (config.checkIns.length === 0)
      throw new ConfigError(
        'RUN_JOB_CHECKINS is not set: set it to where runs check in, such as https://hc-ping.com/<ping key>',
      );
    const tested = await testCheckIns(config, env, args.name ?? TEST_NAME, new Date());
    for (const { label, name, problem, unproved } of tested) {
      const said = unproved === undefined ? '' : ` (${unproved})`;
      print(problem === undefined ? `ok    ${label}: a test of ${name}${said}\n` : `FAIL  ${label}: ${problem}\n`);
    }
    return tested.some(({ problem }) => problem !== undefined) ? EXIT.unavailable : EXIT.ok;
  },
});
