// Which jobs people see, and when these run.
import { mkdtempSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { expect, inject, test } from 'vitest';
import { createDatabase, type TestDatabase } from '../support/database.ts';
import { freePorts } from '../support/free-port.ts';
import { runToEnd } from '../support/run-job.ts';

async function apply(database: TestDatabase, ...schedules: readonly object[]): Promise<void> {
  const file = join(mkdtempSync(join(inject('scratchFolder'), 'schedules-')), 'schedules.json');
  writeFileSync(file, JSON.stringify({ source: 'test/list', schedules }));
  expect(await runToEnd(['schedules', 'apply', '--file', file], { database })).toMatchObject({ exitCode: 0 });
}

test('list tells the schedules of each job, and what it has where the database does not answer', async () => {
  await using database = await createDatabase();
  await apply(
    database,
    { name: 'noop', schedule: '0 2 * * *', timeZone: 'Europe/Berlin' },
    { name: 'throws', schedule: '*/5 * * * *', suspend: true },
    { name: 'throws_twice', job: 'throws', schedule: '0 4 * * *' },
  );
  const { stdout } = await runToEnd(['list'], { database });
  expect(stdout).toMatch(/^JOB +SCHEDULE +TIMEOUT +NEEDS +DESCRIPTION$/m);
  expect(stdout).toMatch(/^noop +0 2 \* \* \* Europe\/Berlin +5m/m);
  expect(stdout).toMatch(/^throws +2 schedules +/m);
  const [port] = await freePorts(1);
  const env = { DATABASE_URL: `postgres://user:s3cret@127.0.0.1:${port}/db` };
  const ended = await runToEnd(['list'], { env });
  expect(ended).toMatchObject({
    exitCode: 0,
    stdout: expect.stringMatching(/^noop +5m/m),
    stderr: expect.stringMatching(/^run-job: the schedules can't be told: .* refused the connection/),
  });
});

test('status tells of a job that came with run-job once it has run or is scheduled', async () => {
  await using database = await createDatabase();
  const names = async () => {
    const { stdout } = await runToEnd(['status', '--json'], { database });
    return (JSON.parse(stdout) as { name: string }[]).map(({ name }) => name);
  };
  const before = await names();
  expect(before).toContain('noop');
  expect(before).not.toContain('database_cleanup');
  await apply(database, { name: 'database_cleanup', schedule: '0 2 * * *' });
  expect(await names()).toContain('database_cleanup');
  expect(await names()).not.toContain('report_generator');
});
