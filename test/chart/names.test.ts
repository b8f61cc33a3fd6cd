// Entries of one job, run as the chart would have their pods run: by the built executable, with the rendered arguments.
import { describe, expect, test } from 'vitest';
import { createDatabase } from '../support/database.ts';
import { runToEnd } from '../support/run-job.ts';
import { noHelm, only, render } from './support/chart.ts';

interface Variable {
  readonly name: string;
  readonly value?: string;
}

describe.skipIf(noHelm)('two entries of one job in one minute', () => {
  test('both do their work, and each does it once', async () => {
    await using database = await createDatabase();
    for (const tenant of ['acme', 'globex'])
      await database.query(
        `CREATE SCHEMA ${tenant}; CREATE TABLE ${tenant}.t (id int PRIMARY KEY, deleted_at timestamptz);
         INSERT INTO ${tenant}.t SELECT n, CASE WHEN n < 3 THEN now() - interval '1 year' END FROM generate_series(1, 3) n`,
      );
    const objects = render('helm/run-job/ci/tenants-values.yaml');
    const minute = Math.floor(Date.now() / 60_000);
    /** A pod of the Job that the CronJob controller makes of an entry, or that somebody makes by hand. */
    const pod = (entry: string, job?: string) => {
      const { metadata, spec } = only(objects, 'CronJob', entry);
      const [{ args, env }] = spec.jobTemplate.spec.template.spec.containers;
      const plain = (env as Variable[]).flatMap(({ name, value }) => (value === undefined ? [] : [[name, value]]));
      const { NODE_OPTIONS: _, ...given } = Object.fromEntries(plain);
      const JOB_NAME = job ?? `${metadata.name}-${minute}`;
      return runToEnd(args, { database, env: { ...given, JOB_NAME, JOB_UID: `uid-of-${JOB_NAME}` } });
    };
    const left = async (tenant: string) =>
      Number((await database.query<{ count: string }>(`SELECT count(*) FROM ${tenant}.t`))[0]?.count);

    const [acme, globex] = await Promise.all([pod('acme'), pod('globex')]);
    expect([acme.summary.status, globex.summary.status]).toEqual(['succeeded', 'succeeded']);
    expect([await left('acme'), await left('globex')]).toEqual([1, 1]);
    const names = await database.query<{ name: string }>('SELECT name FROM run_job.runs ORDER BY name');
    expect(names.map(({ name }) => name)).toEqual(['cleanup-acme', 'globex_cleanup']);

    const again = await pod('acme');
    expect([again.exitCode, again.summary.status]).toEqual([0, 'skipped']);
    // A Job by hand is work of its own, which its second pod finds done.
    expect((await pod('acme', 'by-hand')).summary.status).toBe('succeeded');
    expect((await pod('acme', 'by-hand')).summary.status).toBe('skipped');
  });
});
