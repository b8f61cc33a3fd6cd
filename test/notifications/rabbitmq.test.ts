// Notifications as events of RabbitMQ, which a consumer knows again by their ids.
import { expect, test } from 'vitest';
import { bindQueue, consume } from '../support/amqp.ts';
import { createDatabase } from '../support/database.ts';
import { runToEnd } from '../support/run-job.ts';
import { createVhost } from '../support/vhost.ts';

test('a failure is published to run_job.events, whether the exchange was there or not', async () => {
  await using vhost = await createVhost();
  await using database = await createDatabase();
  const env = { RUN_JOB_NOTIFY: 'rabbitmq', AMQP_URL: vhost.url, RUN_JOB_NOTIFY_TIMEOUT_MS: '20000' };
  const fail = () => runToEnd(['throws', '--param', 'kind=error', '--as', 'nightly'], { database, env });
  const { summary } = await fail();
  // Nobody listened, which is no failure.
  const [first] = await database.query('select done_at is not null as done from run_job.notifications');
  expect(first).toEqual({ done: true });
  const queue = await bindQueue(vhost.url, 'run_job.events', 'run_job.*.nightly');
  await using consumer = await consume(vhost.url, queue);
  const recovered = await runToEnd(['noop', '--as', 'nightly'], { database, env });
  expect(recovered.lines.filter(({ level }) => level === 'warn')).toEqual([]);
  await consumer.reached(1);
  const [message] = consumer.received;
  expect(message?.properties).toMatchObject({
    messageId: `recovered:${recovered.summary.runId}`,
    type: 'run_job.recovered',
    contentType: 'application/cloudevents+json; charset=utf-8',
  });
  expect(JSON.parse(String(message?.content))).toMatchObject({
    specversion: '1.0',
    id: `recovered:${recovered.summary.runId}`,
    subject: 'nightly',
    data: { failures: 1 },
  });
  expect(summary.exitCode).toBe(1);
});

test('rabbitmq without AMQP_URL: a sentence, and the notification waits', async () => {
  await using database = await createDatabase();
  const { lines } = await runToEnd(['throws', '--param', 'kind=error'], {
    database,
    env: { RUN_JOB_NOTIFY: 'rabbitmq' },
  });
  expect(lines.filter(({ level }) => level === 'warn').map(({ msg }) => msg)).toContainEqual(
    expect.stringContaining('AMQP_URL is not set'),
  );
  const [row] = await database.query('select done_at is null as waits from run_job.notifications');
  expect(row).toEqual({ waits: true });
});
