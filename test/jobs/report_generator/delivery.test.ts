// From the snapshot to the consumer: what is sent, that it is sent, and that nothing is sent twice under two ids.
import { readFile } from 'node:fs/promises';
import { join } from 'node:path';
import { setTimeout } from 'node:timers/promises';
import type { ConsumeMessage } from 'amqplib';
import { expect, inject, test } from 'vitest';
import { PermanentError, UnavailableError } from '../../../src/errors.ts';
import { SCHEMA_ID } from '../../../src/jobs/report_generator/report.ts';
import { withTransactions } from '../../../src/postgres/transaction.ts';
import { open } from '../../rabbitmq/open.ts';
import { bindQueue, consume, EXCHANGE } from '../../support/amqp.ts';
import { testPool } from '../../support/pool.ts';
import { recordedLog } from '../../support/recorded-log.ts';
import { startTcpProxy } from '../../support/tcp-proxy.ts';
import { createVhost } from '../../support/vhost.ts';
import { reportDatabase, runReport } from './setting.ts';

const KEY = 'report.weekly.generated';
const W45 = 'weekly-report/2015-W45/UTC/1';
const W46 = 'weekly-report/2015-W46/UTC/1';
const AMQP_ACK = '\x00\x3c\x00\x50';

const bodies = (messages: readonly ConsumeMessage[]) => messages.map(({ content }) => content.toString());

test('a consumer gets a CloudEvent with the report, its id, its type and the trace', async () => {
  await using setting = await reportDatabase();
  await using vhost = await createVhost();
  await using consumer = await consume(vhost.url, await bindQueue(vhost.url, EXCHANGE, 'report.#'));
  await using rabbitmq = await open(vhost.url);
  await setting.add({ amount: '12.50' });
  const before = Math.floor(Date.now() / 1000);
  const result = await runReport(setting.pool, { rabbitmq });
  expect(result).toMatchObject({ week: '2015-W46', transactions: 1, messageId: W46, sent: true, earlierConfirmed: [] });
  await consumer.reached(1);
  const [{ properties, fields, content } = expect.fail()] = consumer.received;
  expect(fields).toMatchObject({ exchange: EXCHANGE, routingKey: KEY });
  expect(properties).toMatchObject({
    messageId: W46,
    deliveryMode: 2,
    contentType: 'application/cloudevents+json; charset=utf-8',
    type: 'run-job.report.weekly.generated.v1',
    appId: 'run-job',
    headers: { traceparent: '00-trace-span-01' },
  });
  expect(properties.timestamp).toBeGreaterThanOrEqual(before);
  expect(JSON.parse(content.toString())).toMatchObject({
    specversion: '1.0',
    id: W46,
    source: 'urn:run-job:job:report_generator',
    type: 'run-job.report.weekly.generated.v1',
    subject: '2015-W46',
    time: '2015-11-16T00:00:00Z',
    datacontenttype: 'application/json',
    dataschema: SCHEMA_ID,
    data: { schemaVersion: 1, week: '2015-W46', count: 1, totals: [{ sum: '12.50' }] },
  });
  expect(await setting.outbox()).toEqual([{ message_id: W46, confirmed: true, body: content.toString() }]);
});

test('what could not be sent stays in the outbox, and the next run sends it with its own report, both under their ids', async () => {
  await using setting = await reportDatabase();
  await using vhost = await createVhost();
  await using consumer = await consume(vhost.url, await bindQueue(vhost.url, EXCHANGE));
  await using proxy = await startTcpProxy(vhost.url);
  await using away = await open(proxy.urlFor(vhost.url), { giveUpAfterMs: 200 });
  proxy.refuse();
  proxy.cut();
  const scheduledAt = new Date('2015-11-09T08:00:00Z');
  await expect(runReport(setting.pool, { rabbitmq: away, scheduledAt })).rejects.toThrow(UnavailableError);
  expect(await setting.outbox()).toMatchObject([{ message_id: W45, confirmed: false }]);

  await using rabbitmq = await open(vhost.url);
  expect(await runReport(setting.pool, { rabbitmq })).toMatchObject({ sent: true, earlierConfirmed: [W45] });
  await consumer.reached(2);
  expect(consumer.ids().toSorted()).toEqual([W45, W46]);
  expect((await setting.outbox()).map(({ confirmed }) => confirmed)).toEqual([true, true]);
});

test('a run that ends between the ack and the mark is completed by the next, with the same id and the same bytes', async () => {
  await using setting = await reportDatabase();
  await using vhost = await createVhost();
  await using consumer = await consume(vhost.url, await bindQueue(vhost.url, EXCHANGE));
  await using proxy = await startTcpProxy(vhost.url);
  await using cut = await open(proxy.urlFor(vhost.url));
  const held = proxy.hold(AMQP_ACK, 'to-client');
  const controller = new AbortController();
  const interrupted = runReport(setting.pool, { rabbitmq: cut, signal: controller.signal });
  await held;
  const reason = new Error('stopped');
  controller.abort(reason);
  await expect(interrupted).rejects.toBe(reason);
  expect(await setting.outbox()).toMatchObject([{ message_id: W46, confirmed: false }]);

  await using rabbitmq = await open(vhost.url);
  await runReport(setting.pool, { rabbitmq });
  await consumer.reached(2);
  expect(consumer.ids()).toEqual([W46, W46]);
  expect(new Set(bodies(consumer.received)).size).toBe(1);
});

test('a message that no queue takes fails the run for good, and is sent when a queue is there', async () => {
  await using setting = await reportDatabase();
  await using vhost = await createVhost();
  await using rabbitmq = await open(vhost.url);
  const run = runReport(setting.pool, { rabbitmq });
  await expect(run).rejects.toThrow(PermanentError);
  await expect(run).rejects.toThrow(`exchange '${EXCHANGE}' with routing key '${KEY}'`);
  expect(await setting.outbox()).toMatchObject([{ confirmed: false }]);

  await using consumer = await consume(vhost.url, await bindQueue(vhost.url, EXCHANGE));
  await runReport(setting.pool, { rabbitmq });
  await consumer.reached(1);
  expect(await setting.outbox()).toMatchObject([{ confirmed: true }]);
});

test('a message that no queue takes is no error where the parameter allows it', async () => {
  await using setting = await reportDatabase();
  await using vhost = await createVhost();
  await using rabbitmq = await open(vhost.url);
  expect(await runReport(setting.pool, { rabbitmq, params: { allowUnroutable: true } })).toMatchObject({ sent: true });
});

test('an earlier message that can never be delivered holds nothing up, and fails the run after its report was confirmed', async () => {
  await using setting = await reportDatabase();
  await using vhost = await createVhost();
  await using consumer = await consume(vhost.url, await bindQueue(vhost.url, EXCHANGE));
  await using rabbitmq = await open(vhost.url);
  const waiting = (id: string, exchange: string) =>
    setting.pool.query(
      `INSERT INTO run_job.outbox (message_id, job, exchange, routing_key, content_type, body, created_at)
       VALUES ($1, 'report_generator', $2, 'k', 'text/plain', 'old', now() - interval '7 days')`,
      [id, exchange],
    );
  await waiting('a-lost-cause', 'closed.down');
  await waiting('b-good', EXCHANGE);
  const log = recordedLog();
  await expect(runReport(setting.pool, { rabbitmq, log })).rejects.toThrow(
    /^This run's report is confirmed, but earlier messages \(a-lost-cause\) can't be delivered: Exchange 'closed\.down' .*delete them from run_job\.outbox$/,
  );
  await consumer.reached(2);
  expect(consumer.ids()).toEqual([W46, 'b-good']);
  expect((await setting.outbox()).map(({ message_id, confirmed }) => [message_id, confirmed])).toEqual([
    ['a-lost-cause', false],
    ['b-good', true],
    [W46, true],
  ]);
});

test('messages of other jobs are left alone', async () => {
  await using setting = await reportDatabase();
  await using vhost = await createVhost();
  await bindQueue(vhost.url, EXCHANGE);
  await using rabbitmq = await open(vhost.url);
  await setting.pool.query(
    `INSERT INTO run_job.outbox (message_id, job, routing_key, content_type, body) VALUES ('x', 'other', 'k', 'text/plain', '')`,
  );
  expect(await runReport(setting.pool, { rabbitmq })).toMatchObject({ earlierConfirmed: [] });
});

test('runs at once send each message once: who comes second waits, and finds it confirmed', async () => {
  await using setting = await reportDatabase();
  await using vhost = await createVhost();
  await using consumer = await consume(vhost.url, await bindQueue(vhost.url, EXCHANGE));
  await using proxy = await startTcpProxy(vhost.url);
  await using slow = await open(proxy.urlFor(vhost.url));
  await using rabbitmq = await open(vhost.url);
  const held = proxy.hold(AMQP_ACK, 'to-client');
  const first = runReport(setting.pool, { rabbitmq: slow });
  const ack = await held;
  // It has not been confirmed yet: another run must neither send it nor call it confirmed.
  const other = runReport(setting.pool, { rabbitmq, scheduledAt: new Date('2015-11-09T08:00:00Z') });
  expect(await other).toMatchObject({ messageId: W45, sent: true, earlierConfirmed: [] });
  const second = runReport(setting.pool, { rabbitmq }).then(
    (result) => result.sent,
    (error) => error.code,
  );
  const waiting =
    "SELECT count(*)::int AS n FROM pg_stat_activity WHERE wait_event_type = 'Lock' AND datname = current_database()";
  while ((await setting.database.query<{ n: number }>(waiting))[0]?.n !== 1);
  ack.release();
  expect(await first).toMatchObject({ sent: true });
  // Its snapshot is older than the first run's mark: the attempt after this one finds the message confirmed.
  expect(await second).toBe('ERR_RUN_JOB_RETRYABLE');
  expect(await runReport(setting.pool, { rabbitmq })).toMatchObject({ sent: false });
  await consumer.reached(2);
  expect(consumer.ids().toSorted()).toEqual([W45, W46]);
});

test('a scheduled run whose report is confirmed already sends nothing, unless the data have changed', async () => {
  await using setting = await reportDatabase();
  await using vhost = await createVhost();
  await using consumer = await consume(vhost.url, await bindQueue(vhost.url, EXCHANGE));
  await using rabbitmq = await open(vhost.url);
  await setting.add({});
  expect(await runReport(setting.pool, { rabbitmq })).toMatchObject({ sent: true });
  expect(await runReport(setting.pool, { rabbitmq })).toMatchObject({ sent: false });
  await setting.add({});
  expect(await runReport(setting.pool, { rabbitmq })).toMatchObject({ sent: true });
  await consumer.reached(2);
  expect(consumer.ids()).toEqual([W46, W46]);
});

test('a week that is named is sent again with the same id and bytes; a revision has an id of its own', async () => {
  await using setting = await reportDatabase();
  await using vhost = await createVhost();
  await using consumer = await consume(vhost.url, await bindQueue(vhost.url, EXCHANGE));
  await using rabbitmq = await open(vhost.url);
  await setting.add({});
  const later = new Date('2016-03-01T08:00:00Z');
  await runReport(setting.pool, { rabbitmq });
  await runReport(setting.pool, { rabbitmq, scheduledAt: later, params: { week: '2015-W46' } });
  await runReport(setting.pool, { rabbitmq, scheduledAt: later, params: { week: '2015-W46', revision: 2 } });
  await consumer.reached(3);
  expect(consumer.ids()).toEqual([W46, W46, 'weekly-report/2015-W46/UTC/2']);
  const [first, second, revised] = bodies(consumer.received);
  expect(second).toBe(first);
  expect(JSON.parse(revised ?? '').data.revision).toBe(2);
});

test('a dry run prints the message as one JSON line, writes the file, and touches neither broker nor outbox', async () => {
  await using setting = await reportDatabase();
  await setting.add({ amount: '12.50' });
  const output = join(inject('scratchFolder'), `dry-${setting.database.name}.json`);
  const { printed } = await runReport(setting.pool, { dryRun: true, params: { output } });
  expect(printed).toMatch(/^\{.*\}\n$/);
  const { wouldPublish } = JSON.parse(printed);
  expect(wouldPublish).toMatchObject({
    exchange: EXCHANGE,
    routingKey: KEY,
    mandatory: true,
    persistent: true,
    properties: { messageId: W46, headers: { traceparent: '00-trace-span-01' } },
  });
  expect(await readFile(output, 'utf8')).toBe(JSON.stringify(wouldPublish.body));
  expect(await setting.outbox()).toEqual([]);
});

test('a dry run prints what a real run then sends, byte for byte', async () => {
  await using setting = await reportDatabase();
  await using vhost = await createVhost();
  await using consumer = await consume(vhost.url, await bindQueue(vhost.url, EXCHANGE));
  await using rabbitmq = await open(vhost.url);
  await setting.add({ amount: '12.50' });
  const output = join(inject('scratchFolder'), `real-${setting.database.name}.json`);
  const { printed } = await runReport(setting.pool, { dryRun: true });
  await runReport(setting.pool, { rabbitmq, params: { output } });
  await consumer.reached(1);
  expect(bodies(consumer.received)).toEqual([JSON.stringify(JSON.parse(printed).wouldPublish.body)]);
  expect(await readFile(output, 'utf8')).toBe(bodies(consumer.received)[0]);
});

test('an output file that can not be written fails the run before anything is stored or sent', async () => {
  await using setting = await reportDatabase();
  const run = runReport(setting.pool, { params: { output: '/nowhere/report.json' } });
  await expect(run).rejects.toThrow(PermanentError);
  await expect(run).rejects.toThrow(/output names \/nowhere\/report\.json, which can't be written \(ENOENT\)/);
  expect(await setting.outbox()).toEqual([]);
});

test('a server that limits how long a transaction is open or idle leaves the message locked while the broker takes its time', async () => {
  await using setting = await reportDatabase();
  const { name } = setting.database;
  const limits = [
    'idle_in_transaction_session_timeout',
    ...(inject('postgresMajor') >= 17 ? ['transaction_timeout'] : []),
  ];
  for (const limit of limits) await setting.database.query(`ALTER DATABASE ${name} SET ${limit} = '300ms'`);
  const limited = testPool({ connectionString: setting.database.url });
  const rabbitmq = { exchange: EXCHANGE, publish: () => setTimeout(600) };
  const sent = runReport(withTransactions(limited), { rabbitmq }).finally(() => limited.end());
  expect(await sent).toMatchObject({ sent: true });
  expect(await setting.outbox()).toMatchObject([{ confirmed: true }]);
});

test('a database that goes away in mid-run is told as unavailable and ends no process', async () => {
  await using setting = await reportDatabase();
  await using vhost = await createVhost();
  await bindQueue(vhost.url, EXCHANGE);
  await using proxy = await startTcpProxy(vhost.url);
  await using rabbitmq = await open(proxy.urlFor(vhost.url));
  const held = proxy.hold(AMQP_ACK, 'to-client');
  const run = runReport(setting.pool, { rabbitmq });
  const rejected = expect(run).rejects.toThrow(UnavailableError);
  const ack = await held;
  await setting.database.query(
    "SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE state = 'idle in transaction' AND datname = current_database()",
  );
  ack.release();
  await rejected;
});
