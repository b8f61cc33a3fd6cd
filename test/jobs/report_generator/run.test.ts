// The job as Kubernetes runs it: the built executable, and its exit codes.
import { expect, test } from 'vitest';
import { bindQueue, consume, EXCHANGE } from '../../support/amqp.ts';
import { runToEnd } from '../../support/run-job.ts';
import { createVhost } from '../../support/vhost.ts';
import { reportDatabase } from './setting.ts';

const SLOT = ['--scheduled-at', '2015-11-16T08:00:00Z'];

test('a run publishes its report and exits 0; the same slot is not run again', async () => {
  await using setting = await reportDatabase();
  await using vhost = await createVhost();
  await using consumer = await consume(vhost.url, await bindQueue(vhost.url, EXCHANGE));
  const world = { database: setting.database, env: { AMQP_URL: vhost.url, AMQP_EXCHANGE: EXCHANGE } };
  const first = await runToEnd(['report_generator', ...SLOT], world);
  expect(first.summary).toMatchObject({ status: 'succeeded', result: { week: '2015-W46', sent: true } });
  expect(first.exitCode).toBe(0);
  const second = await runToEnd(['report_generator', ...SLOT], world);
  expect(second.summary).toMatchObject({ status: 'skipped', reason: 'slot_succeeded' });
  await consumer.reached(1);
  expect(consumer.ids()).toEqual(['weekly-report/2015-W46/UTC/1']);
});

test('a dry run needs no AMQP_URL, and its message is one of the JSON lines on standard output', async () => {
  await using setting = await reportDatabase();
  const { exitCode, stdout, lines } = await runToEnd(['report_generator', '--dry-run', ...SLOT], setting);
  expect(exitCode).toBe(0);
  expect(lines).toHaveLength(stdout.trimEnd().split('\n').length);
  expect(lines.filter((line) => 'wouldPublish' in line)).toMatchObject([
    { wouldPublish: { exchange: 'run_job.events', properties: { messageId: 'weekly-report/2015-W46/UTC/1' } } },
  ]);
});

test('a run that needs a broker and is given none is misconfigured', async () => {
  await using setting = await reportDatabase();
  const { exitCode, summary } = await runToEnd(['report_generator', ...SLOT], setting);
  expect(exitCode).toBe(78);
  expect(summary.error?.message).toMatch(/AMQP_URL is not set/);
});

test('a broker that can not be reached makes the run unavailable, to be retried', async () => {
  await using setting = await reportDatabase();
  const world = { database: setting.database, env: { AMQP_URL: 'amqp://guest:guest@127.0.0.1:1/' } };
  const { exitCode, summary } = await runToEnd(['report_generator', ...SLOT], world);
  expect(exitCode).toBe(69);
  expect(summary.error?.message).toMatch(/^RabbitMQ at 127\.0\.0\.1:1 can't be reached \(ECONNREFUSED\)/);
});

test('a message that no queue takes fails the Job at once', async () => {
  await using setting = await reportDatabase();
  await using vhost = await createVhost();
  const world = { database: setting.database, env: { AMQP_URL: vhost.url, AMQP_EXCHANGE: EXCHANGE } };
  const { exitCode, summary } = await runToEnd(['report_generator', ...SLOT], world);
  expect(exitCode).toBe(65);
  expect(summary).toMatchObject({ status: 'failed', attempts: 1 });
  expect(summary.error?.message).toMatch(/^No queue takes a message of exchange 'run_job\.events[^']*'/);
});

test('what a pod has put into the outbox is sent by the next one of the slot as it is, and not computed again', async () => {
  await using setting = await reportDatabase();
  await using vhost = await createVhost();
  await setting.add({ amount: '1.00' });
  const world = { database: setting.database, env: { AMQP_URL: vhost.url, AMQP_EXCHANGE: EXCHANGE } };
  const unsent = await runToEnd(['report_generator', ...SLOT], world);
  expect(unsent.exitCode).toBe(65);
  const [stored] = await setting.outbox();
  // Neither what has changed since nor the view is looked at again.
  await setting.add({ amount: '99.00' });
  await setting.database.query('ALTER VIEW report_transactions RENAME TO gone');
  await using consumer = await consume(vhost.url, await bindQueue(vhost.url, EXCHANGE));
  const sent = await runToEnd(['report_generator', ...SLOT], world);
  expect(sent.summary).toMatchObject({ status: 'succeeded', result: { sent: true, transactions: 1 } });
  await consumer.reached(1);
  expect(consumer.received.map(({ content }) => content.toString())).toEqual([stored?.body]);
});

test('a scheduled time in the future is a usage error, and its week is not stored', async () => {
  await using setting = await reportDatabase();
  const scheduledAt = new Date(Date.now() + 8 * 86_400_000).toISOString();
  const { exitCode, summary } = await runToEnd(
    ['report_generator', '--dry-run', '--scheduled-at', scheduledAt],
    setting,
  );
  expect(exitCode).toBe(64);
  expect(summary).toMatchObject({ status: 'rejected', attempts: 1 });
  expect(summary.error?.message).toMatch(/by the database's clock it is .* lies in the future/);
});

test('a week that is not over is a usage error, and is not tried again', async () => {
  await using setting = await reportDatabase();
  const args = ['report_generator', '--dry-run', '--param', 'week=2015-W47', ...SLOT];
  const { exitCode, summary } = await runToEnd(args, setting);
  expect(exitCode).toBe(64);
  expect(summary).toMatchObject({ status: 'rejected', attempts: 1 });
});
