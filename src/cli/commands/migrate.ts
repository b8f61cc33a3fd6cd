// `run-job migrate`: brings the schema run_job up to date.
import { defineCommand } from 'citty';
import { findDatabase } from '../../app/with-database.ts';
import { migrate, schemaState } from '../../postgres/migrate.ts';
import { EXIT } from '../../runner/outcome.ts';
import type { CommandData } from '../command.ts';
import { print } from '../terminal/print.ts';

export default defineCommand({
  meta: { name: 'migrate', description: 'Bring the schema run_job up to date; safe to repeat, and by many at once' },
  args: { 'dry-run': { type: 'boolean', description: 'Only say what would be applied' } },
  async run({ args, data }) {
    const { server } = findDatabase((data as CommandData).env, 'migrate');
    const dryRun = args['dry-run'];
    const steps = dryRun ? (await schemaState(server)).pending : await migrate(server);
    for (const { name } of steps) print(`${dryRun ? 'would apply' : 'applied'} ${name}\n`);
    if (steps.length === 0)
      print(`the schema run_job is up to date (version ${(await schemaState(server)).version})\n`);
    return EXIT.ok;
  },
});
