// The least-privilege roles of deploy/sql/roles.sql: enough for each job, and for nothing else.
import { randomBytes } from 'node:crypto';
import { readFileSync } from 'node:fs';
import { describe, expect, test } from 'vitest';
import { RIGHTS } from '../../src/postgres/inspect.ts';
import { createDatabase } from '../support/database.ts';
import { runJob } from '../support/run-job.ts';

describe('the roles', () => {
  test('let the migration and both jobs do their work, and no more', async () => {
    await using database = await createDatabase({ migrated: false });
    // Roles belong to the whole server: this test's have names of their own.
    const mine = `r${randomBytes(4).toString('hex')}`;
    const sql = readFileSync('deploy/sql/roles.sql', 'utf8').replaceAll(
      /\brun_job_(owner|runner|cleanup|report)\b/g,
      `${mine}_$1`,
    );
    const as = (role: string) => ({
      url: Object.assign(new URL(database.url), { username: `${mine}_${role}`, password: 'secret' }).href,
    });
    await database.query(readFileSync('deploy/kind/seed.sql', 'utf8'));
    try {
      await database.query(sql);
      for (const role of ['owner', 'cleanup', 'report'])
        await database.query(`ALTER ROLE ${mine}_${role} PASSWORD 'secret'`);

      const ended = async (args: string[], role: string, env: Record<string, string> = {}) => {
        const { exitCode, stdout, stderr } = await runJob(args, { database: as(role), env }).done;
        expect(exitCode, stdout + stderr).toBe(0);
        return stdout + stderr;
      };
      await ended(['migrate'], 'owner');
      await ended(['doctor'], 'cleanup');
      await ended(['doctor'], 'report');
      await ended(['database_cleanup'], 'cleanup');
      const [left] = await database.query<{ due: string; all: string }>(
        `SELECT count(*) FILTER (WHERE deleted_at < now() - interval '90 days') AS due, count(*) AS all FROM payments`,
      );
      expect(left).toEqual({ due: '0', all: '600' });
      await ended(['report_generator', '--dry-run'], 'report');
      // A Job made by hand keeps the time that its pods share in a table of its own.
      await ended(['noop'], 'report', { JOB_UID: 'a-job' });
      expect(await database.query('SELECT job_uid FROM run_job.job_times')).toEqual([{ job_uid: 'a-job' }]);

      // What doctor looks for is what these roles are granted, on every table but those that only functions of the schema, the console and the migration write.
      const others = ['audit', 'conditions', 'monitors', 'totals', 'untold'];
      const tables = await database.query<{ name: string }>(
        "SELECT relname AS name FROM pg_class WHERE relnamespace = 'run_job'::regnamespace AND relkind = 'r' ORDER BY 1",
      );
      expect(tables.map(({ name }) => name).filter((name) => !others.includes(name))).toEqual(
        Object.keys(RIGHTS).sort(),
      );
      await database.query(`REVOKE DELETE ON run_job.job_times FROM ${mine}_runner`);
      const { stdout } = await runJob(['doctor'], { database: as('report') }).done;
      expect(stdout).toContain(`GRANT DELETE ON run_job.job_times TO ${mine}_report`);

      const refused = (statement: string, role: string) => database.query(`SET ROLE ${mine}_${role}; ${statement}`);
      await expect(refused('TRUNCATE payments', 'cleanup')).rejects.toThrow(/permission denied/);
      await expect(refused('CREATE TABLE run_job.mine ()', 'cleanup')).rejects.toThrow(/permission denied/);
      await expect(refused('SELECT FROM payments', 'report')).rejects.toThrow(/permission denied/);
      await expect(refused('SELECT FROM payments', 'owner')).rejects.toThrow(/permission denied/);
    } finally {
      const all = ['owner', 'cleanup', 'report', 'runner'].map((role) => `${mine}_${role}`).join(', ');
      await database.query(`DROP OWNED BY ${all} CASCADE; DROP ROLE ${all}`).catch(() => {});
    }
  });
});
