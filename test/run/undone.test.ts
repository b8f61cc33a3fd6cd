// A job that returns before its work is done has not succeeded: what nobody awaits is ended with the run.
import { expect, test } from 'vitest';
import { expectAccounts } from '../support/accounts.ts';
import { createDatabase, type TestDatabase } from '../support/database.ts';
import { openGate } from '../support/gate.ts';
import { runJob, runToEnd } from '../support/run-job.ts';
import { startTcpProxy } from '../support/tcp-proxy.ts';
import { createVhost } from '../support/vhost.ts';

const leaves = (way: string, database: TestDatabase) =>
  runToEnd(['leaves_undone', '--param', `way=${way}`], { database });

test.for([
  ['promises', 'result[0] is a promise that nobody awaited'],
  ['field', 'result.sent.all is a promise that nobody awaited'],
  ['generator', 'result is a generator, of which nothing has run'],
  ['async_generator', 'result is a generator, of which nothing has run'],
  ['lazy', 'result.rows is an iterator, of which nothing has run'],
  ['function', 'its result is a function, which nobody calls'],
  ['program', 'program sleep was still running'],
  ['span', 'the step of span copying was not over'],
  ['step', 'step first was not done'],
  ['step_of_promises', 'step first returned before its work was done: result[0] is a promise'],
  ['query', 'a query was not answered by PostgreSQL'],
  ['transaction', 'a transaction in PostgreSQL was neither committed nor rolled back'],
  ['borrowed', 'a query was not answered by PostgreSQL'],
  ['open_transaction', 'a transaction in PostgreSQL was neither committed nor rolled back'],
] as const)('failed, 65: %s', async ([way, error]) => {
  await using database = await createDatabase();
  const ended = await leaves(way, database);
  await expectAccounts(ended, database, { status: 'failed', exitCode: 65, attempts: 1, error });
  expect(ended.summary.error?.message).toMatch(/returned before its work was done: .*\. Await all that /);
  expect(await database.query(`select from pg_class where relname in ('there', 'never_there')`)).toEqual([]);
});

test.for([
  ['failed_program', 'false ended with exit code 1'],
  ['failed_step', 'the step fails'],
  ['failed_save', "what the job saves doesn't fit its schema"],
] as const)('crashed, 70: what failed, and nobody awaited, is no success (%s)', async ([way, error]) => {
  await using database = await createDatabase();
  const ended = await leaves(way, database);
  await expectAccounts(ended, database, { status: 'crashed', exitCode: 70, attempts: 1, error: 'unhandledRejection' });
  expect(JSON.stringify(ended.summary.error?.causes)).toContain(error);
});

test('failed, 65: a message whose confirm nobody awaits', async () => {
  await using database = await createDatabase();
  await using vhost = await createVhost();
  await using proxy = await startTcpProxy(vhost.url);
  await using gate = await openGate();
  await using run = runJob(['publishes_late', '--param', `gate=${gate.path}`], {
    database,
    env: { AMQP_URL: proxy.urlFor(vhost.url) },
  });
  const visitor = await run.until(gate.arrival());
  proxy.silence();
  visitor.open();
  const error = 'a message was not confirmed by RabbitMQ';
  await expectAccounts(await run.done, database, { status: 'failed', exitCode: 65, attempts: 1, error });
});

test('while something that nobody awaits may still work, no other run begins', async () => {
  await using database = await createDatabase();
  await using proxy = await startTcpProxy(database.url);
  const recorded = proxy.hold('commit\0', 'to-server').then((sent) => {
    const answer = proxy.hold('commit\0', 'to-client');
    sent.release();
    return answer;
  });
  await using run = runJob(['leaves_undone', '--param', 'way=promises'], {
    database: { url: proxy.urlFor(database.url) },
  });
  // Its end is committed, and the process lives.
  const commit = await run.until(recorded);
  expect(await database.query(`select from run_job.runs where status = 'failed'`)).toHaveLength(1);
  const next = await runToEnd(['leaves_undone', '--param', 'way=awaited', '--locked=fail'], { database });
  expect(next).toMatchObject({ exitCode: 75, summary: { reason: 'locked' } });
  commit.release();
  expect((await run.done).exitCode).toBe(65);
});

test.for(['awaited', 'brief_query', 'unreleased', 'caught_query'])(
  'succeeded, 0: all that the job began is done (%s)',
  async (way) => {
    await using database = await createDatabase();
    await expectAccounts(await leaves(way, database), database, { status: 'succeeded', exitCode: 0, attempts: 1 });
    const there = await database.query(`select from pg_class where relname = 'there'`);
    expect(there).toHaveLength(way === 'caught_query' ? 0 : 1);
  },
);

test.for(['logs', 'prints', 'rejects'])(
  'what a job has left behind says nothing after the last line (%s)',
  async (way) => {
    await using database = await createDatabase();
    const ended = await leaves(way, database);
    await expectAccounts(ended, database, { status: 'succeeded', exitCode: 0 });
    expect(ended.stdout).toContain('still here');
    expect(ended.stdout.trimEnd().split('\n').at(-1)).toContain('"msg":"run succeeded"');
    // What fails again and again is told often enough.
    expect(ended.lines.filter(({ msg }) => msg.startsWith('unhandledRejection')).length).toBeLessThanOrEqual(100);
  },
);
