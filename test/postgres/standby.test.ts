// On a standby: nothing can be written, and nobody knows which runs live, for their locks are on the primary.
import { expect, test } from 'vitest';
import { openHistory } from '../../src/postgres/history.ts';
import { migrate } from '../../src/postgres/migrate.ts';
import { endOf, runOf, slotOf } from '../contracts/runs.ts';
import { startPostgres } from '../support/postgres-server.ts';
import { runToEnd } from '../support/run-job.ts';
import { becomeStandby } from '../support/standby.ts';
import { serverAt } from './server-at.ts';

test('a standby judges no run, takes no record, and is told as one', async () => {
  await using server = await startPostgres({ settings: { synchronous_commit: 'on' } });
  await migrate(serverAt(server.url));
  const before = openHistory(serverAt(server.url), { endWithinMs: 0 });
  await before.start(runOf(slotOf('report')));
  await before.close();
  await becomeStandby(server);

  const history = await runToEnd(['history', '--json'], { database: server });
  expect(JSON.parse(history.stdout)).toMatchObject([{ job: 'report', status: 'running' }]);

  const standby = openHistory(serverAt(server.url), { endWithinMs: 0 });
  for (const write of [standby.start(runOf(slotOf('report'))), standby.record(runOf(slotOf('report')), endOf())]) {
    await expect(write).rejects.toMatchObject({
      code: 'ERR_RUN_JOB_UNAVAILABLE',
      message: expect.stringContaining('DATABASE_URL must lead to the primary'),
    });
  }
  await standby.close();

  const doctor = await runToEnd(['doctor'], { database: server });
  expect(doctor).toMatchObject({ exitCode: 69, stdout: expect.stringMatching(/^FAIL {2}postgres .* is a standby/m) });
});
