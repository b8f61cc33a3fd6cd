// `run-job migrate`: brings the schema run_job up to date.
import { defineCommand } from 'citty';
import type { Config } from '../../app/config.ts';
import { findDatabase } from '../../app/with-database.ts';
import { withConnection } from '../../postgres/connect.ts';
import { migrate, schemaState } from '../../postgres/migrate.ts';
import type { Server } from '../../postgres/server.ts';
import { EXIT } from '../../runner/outcome.ts';
import type { SchedulesFile } from '../../schedule/file.ts';
import type { CommandData } from '../command.ts';
import { print } from '../terminal/print.ts';
import { tellApplied } from './applied.ts';

export default defineCommand({
  meta: { name: 'migrate', description: 'Bring the schema run_job up to date; safe to repeat, and by many at once' },
  args: {
    'dry-run': { type: 'boolean', description: 'Only say what would be applied' },
    schedules: {
      type: 'string',
      valueHint: 'path',
      description: 'Then apply this file of schedules, as run-job schedules apply does',
    },
  },
  async run({ args, data }) {
    const { env } = data as CommandData;
    const { server, config } = findDatabase(env, 'migrate');
    const dryRun = args['dry-run'] ?? false;
    // Before anything is changed: a file that can't be applied is to stop the whole.
    const file = args.schedules === undefined ? undefined : await readFile(args.schedules);
    const steps = dryRun ? (await schemaState(server)).pending : await migrate(server);
    for (const { name } of steps) print(`${dryRun ? 'would apply' : 'applied'} ${name}\n`);
    if (steps.length === 0)
      print(`the schema run_job is up to date (version ${(await schemaState(server)).version})\n`);
    if (file) await apply(server, file, dryRun && steps.length > 0 ? 'unknown' : dryRun, { config, env });
    // A monitor that couldn't be made is told of and no failure: this is the hook of an upgrade, and who watches must not hold that up.
    return EXIT.ok;
  },
});

const readFile = async (path: string): Promise<SchedulesFile> =>
  (await import('../../app/apply-schedules.ts')).readSchedulesFile(path);

/** Where steps are still to come, nobody can say what would change. */
async function apply(
  server: Server,
  file: SchedulesFile,
  dryRun: boolean | 'unknown',
  options: { readonly config: Config; readonly env: NodeJS.ProcessEnv },
): Promise<void> {
  if (dryRun === 'unknown') {
    print(
      `would apply ${file.schedules.length} ${file.schedules.length === 1 ? 'schedule' : 'schedules'} of ${file.source}\n`,
    );
    return;
  }
  const { applyWithMonitors } = await import('../../app/apply-schedules.ts');
  const applied = await withConnection(server, (connection) =>
    applyWithMonitors(connection, file, { dryRun, ...options }),
  );
  print(tellApplied(applied, dryRun, options.env));
}
