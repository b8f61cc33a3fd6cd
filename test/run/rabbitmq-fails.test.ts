// A job that needs RabbitMQ says so in time when it isn't to be had.
import { expect, test } from 'vitest';
import { expectAccounts } from '../support/accounts.ts';
import { createDatabase } from '../support/database.ts';
import { freePorts } from '../support/free-port.ts';
import { runToEnd } from '../support/run-job.ts';
import { startBlackHole } from '../support/tcp-proxy.ts';

const UNAVAILABLE = { status: 'unavailable', exitCode: 69, attempts: 0 } as const;

test('RabbitMQ refuses the connection: unavailable, recorded, and the password is not shown', async () => {
  await using database = await createDatabase();
  const [port] = await freePorts(1);
  const ended = await runToEnd(['needs_rabbitmq'], {
    database,
    env: { AMQP_URL: `amqp://u:hunter2-9f3b@127.0.0.1:${port}` },
  });
  await expectAccounts(ended, database, { ...UNAVAILABLE, error: 'RabbitMQ' });
  expect(ended.stdout + JSON.stringify(ended.termination)).not.toContain('9f3b');
});

test('RabbitMQ takes the connection and never answers: unavailable when the connect timeout has passed', async () => {
  await using database = await createDatabase();
  await using hole = await startBlackHole();
  const ended = await runToEnd(['needs_rabbitmq'], {
    database,
    env: { AMQP_URL: `amqp://u:p@127.0.0.1:${hole.port}`, WORKER_CONNECT_TIMEOUT_SECONDS: '5' },
  });
  await expectAccounts(ended, database, { ...UNAVAILABLE, error: 'RabbitMQ' });
  expect(ended.tookMs).toBeLessThan(28_000);
});
