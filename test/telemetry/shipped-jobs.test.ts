// What the traces of the jobs that ship tell: each table and batch, each statement of the report, and the message.
import { expect, test } from 'vitest';
import { reportDatabase } from '../jobs/report_generator/setting.ts';
import { bindQueue, consume, EXCHANGE } from '../support/amqp.ts';
import { createDatabase } from '../support/database.ts';
import { startOtlpReceiver } from '../support/otlp-receiver.ts';
import { runToEnd } from '../support/run-job.ts';
import { createVhost } from '../support/vhost.ts';
import { tree } from './tree.ts';

test('database_cleanup: a span for each table with its batches as events, however many there are', async () => {
  await using database = await createDatabase();
  await using receiver = await startOtlpReceiver();
  await database.query('CREATE TABLE item (id int PRIMARY KEY, secret text, deleted_at timestamptz)');
  await database.query(
    "INSERT INTO item SELECT n, 'hunter2', '2020-01-01' FROM generate_series(1, 20000) AS n; ANALYZE item",
  );
  // Its rows were all deleted at one instant, which would be taken for a value that means live.
  const flags = ['allowLarge=true', 'live={"item":null}', 'batchSize=100', 'maxBatchSize=100'].flatMap((param) => [
    '--param',
    param,
  ]);
  const { exitCode, summary } = await runToEnd(['database_cleanup', ...flags], {
    database,
    env: { OTEL_EXPORTER_OTLP_ENDPOINT: receiver.url },
  });
  expect(exitCode).toBe(0);
  expect(tree(receiver.spans).filter((line) => line.includes('database_cleanup.'))).toEqual([
    '    database_cleanup.plan',
    '      database_cleanup.count',
    '    database_cleanup.table',
  ]);

  const { batches } = (summary.result as { totals: { batches: number } }).totals;
  const statement = { 'db.system.name': 'postgresql', 'db.collection.name': 'public.item' };
  expect(receiver.span('database_cleanup.count').attributes).toMatchObject({
    ...statement,
    'db.operation.name': 'SELECT',
  });
  const table = receiver.span('database_cleanup.table');
  expect(table).toMatchObject({
    kind: 'client',
    attributes: {
      ...statement,
      'db.operation.name': 'DELETE',
      'db.query.summary': 'DELETE public.item',
      'database_cleanup.rows_deleted': 20_000,
      'database_cleanup.batches': batches,
    },
  });
  expect(batches).toBeGreaterThan(100);
  expect(table.events.length).toBeGreaterThanOrEqual(20);
  expect(table.events.length).toBeLessThan(batches);
  expect(table.events[0]).toMatchObject({
    name: 'database_cleanup.batch',
    attributes: { 'db.collection.name': 'public.item', 'database_cleanup.batch': 1 },
  });
  expect(JSON.stringify(receiver.spans.map(({ attributes, events }) => [attributes, events]))).not.toContain('hunter2');
});

test('report_generator: the snapshot, each statement without its values, and the message with its context', async () => {
  await using setting = await reportDatabase();
  await using vhost = await createVhost();
  await using receiver = await startOtlpReceiver();
  await using consumer = await consume(vhost.url, await bindQueue(vhost.url, EXCHANGE));
  await setting.add({ account: 'hunter2', amount: '12.34' });
  const { exitCode } = await runToEnd(['report_generator', '--scheduled-at', '2015-11-16T08:00:00Z'], {
    database: setting.database,
    env: { AMQP_URL: vhost.url, AMQP_EXCHANGE: EXCHANGE, OTEL_EXPORTER_OTLP_ENDPOINT: receiver.url },
  });
  expect(exitCode).toBe(0);
  await consumer.reached(1);
  const destination = `${EXCHANGE}:report.weekly.generated`;
  expect(tree(receiver.spans)).toEqual([
    'job.run report_generator',
    '  job.prepare',
    '  job.lock',
    '  job.connect',
    '  job.history',
    '  job.attempt',
    `    create ${destination}`,
    '      step create',
    '        report.snapshot',
    '          SELECT report_transactions',
    '          SELECT report_transactions',
    '          SELECT report_transactions',
    '          SELECT report_transactions',
    '        INSERT run_job.outbox',
    '    SELECT run_job.outbox',
    `    send ${destination}`,
    '    UPDATE run_job.outbox',
    '    SELECT run_job.outbox',
    '  job.history',
  ]);
  const message = { 'messaging.system': 'rabbitmq', 'messaging.message.id': 'weekly-report/2015-W46/UTC/1' };
  const create = receiver.span(`create ${destination}`);
  expect(create).toMatchObject({ kind: 'producer', attributes: { ...message, 'messaging.operation.type': 'create' } });
  expect(receiver.span(`send ${destination}`)).toMatchObject({
    kind: 'client',
    attributes: { ...message, 'messaging.operation.type': 'send' },
  });
  expect(receiver.span('report.snapshot').attributes).toEqual({ 'report.week': '2015-W46', 'report.transactions': 1 });
  expect(receiver.span('INSERT run_job.outbox')).toMatchObject({
    kind: 'client',
    attributes: {
      'db.system.name': 'postgresql',
      'db.operation.name': 'INSERT',
      'db.collection.name': 'run_job.outbox',
      'db.query.text': expect.stringContaining('VALUES ($1, $2'),
    },
  });
  expect(consumer.received[0]?.properties.headers?.traceparent).toBe(`00-${create.traceId}-${create.spanId}-01`);
  expect(JSON.stringify(receiver.spans.map(({ attributes }) => attributes))).not.toMatch(/hunter2|12\.34/);
});
