// What a run does when its job has ended: tidy up, tell whoever wants to know, and let none of that change the outcome.
import { once } from 'node:events';
import { createServer } from 'node:http';
import type { AddressInfo } from 'node:net';
import { expect, test } from 'vitest';
import { expectAccounts, readRecords } from '../support/accounts.ts';
import { createDatabase } from '../support/database.ts';
import { freePorts } from '../support/free-port.ts';
import { runToEnd } from '../support/run-job.ts';
import { startBlackHole } from '../support/tcp-proxy.ts';

const SUCCEEDED = { status: 'succeeded', exitCode: 0 } as const;

test('records that are older than RUN_JOB_HISTORY_DAYS are deleted, younger ones are not', async () => {
  await using database = await createDatabase();
  for (let run = 0; run < 2; run += 1) await runToEnd(['noop'], { database });
  const [old, young] = await readRecords(database);
  const age =
    'update run_job.runs set started_at = now() - $2::interval, ended_at = now() - $2::interval where id = $1';
  await database.query(age, [old?.id, '8 days']);
  await database.query(age, [young?.id, '6 days']);
  const ended = await runToEnd(['noop'], { database, env: { RUN_JOB_HISTORY_DAYS: '7' } });
  expect((await readRecords(database)).map(({ id }) => id)).toEqual([young?.id, ended.summary.runId]);
});

test('a termination log that was asked for and can’t be written is misconfigured, before the job begins', async () => {
  await using database = await createDatabase();
  const ended = await runToEnd(['noop'], { database, env: { RUN_JOB_TERMINATION_LOG: '/nowhere/at/all' } });
  expect(ended).toMatchObject({
    exitCode: 78,
    termination: undefined,
    summary: { status: 'misconfigured', attempts: 0 },
  });
  expect(ended.summary.error?.message).toContain('RUN_JOB_TERMINATION_LOG');
  expect(await readRecords(database)).toMatchObject([{ status: 'misconfigured', exit_code: 78 }]);
});

test('sidecars are asked to stop, by POST, when the run has been recorded', async () => {
  await using database = await createDatabase();
  const asked: unknown[] = [];
  const sidecar = createServer(async (request, response) => {
    const [record] = await readRecords(database);
    asked.push([request.method, request.url, record?.status]);
    response.end();
  }).listen(0, '127.0.0.1');
  await once(sidecar, 'listening');
  const { port } = sidecar.address() as AddressInfo;
  const ended = await runToEnd(['noop'], {
    database,
    env: { RUN_JOB_SHUTDOWN_URLS: `http://127.0.0.1:${port}/quitquitquit,http://127.0.0.1:${port}/shutdown` },
  });
  sidecar.close();
  await expectAccounts(ended, database, SUCCEEDED);
  expect(asked).toHaveLength(2);
  expect(asked).toEqual(
    expect.arrayContaining([
      ['POST', '/quitquitquit', 'succeeded'],
      ['POST', '/shutdown', 'succeeded'],
    ]),
  );
});

test.each(['migrate', 'doctor'])(
  '%s, which has a pod of its own, asks sidecars to stop too, however it ends',
  async (command) => {
    const asked: unknown[] = [];
    const sidecar = createServer((request, response) => {
      asked.push([request.method, request.url]);
      response.end();
    }).listen(0, '127.0.0.1');
    await once(sidecar, 'listening');
    const [nobody] = await freePorts(1);
    const { exitCode } = await runToEnd([command], {
      env: {
        DATABASE_URL: `postgres://127.0.0.1:${nobody}/none`,
        RUN_JOB_SHUTDOWN_URLS: `http://127.0.0.1:${(sidecar.address() as AddressInfo).port}/quitquitquit`,
      },
    });
    sidecar.close();
    expect(exitCode).toBe(69);
    expect(asked).toEqual([['POST', '/quitquitquit']]);
  },
);

test('sidecars that are gone, or never answer, hold the end up for two seconds at most', async () => {
  await using hole = await startBlackHole();
  const [port] = await freePorts(1);
  const ended = await runToEnd(['noop'], {
    env: { RUN_JOB_SHUTDOWN_URLS: `http://127.0.0.1:${hole.port}/,http://127.0.0.1:${port}/` },
  });
  await expectAccounts(ended, undefined, SUCCEEDED);
  expect(ended.tookMs).toBeLessThan(28_000);
});
