// The job report_generator: the report of the last complete week, computed in PostgreSQL and confirmed by RabbitMQ.
import { hasCode, PermanentError } from '../../errors.ts';
import { defineJob, type OutgoingMessage } from '../../job.ts';
import { computeReport } from './compute.ts';
import { deliverEarlier, deliverOwn, type JobContext } from './deliver.ts';
import { ROUTING_KEY, toMessage } from './message.ts';
import { store } from './outbox.ts';
import { describeMessage, writeBody } from './output.ts';
import { params } from './params.ts';
import { findPeriod } from './period.ts';
import type { Report } from './report.ts';
import { checkSource, checkView } from './source.ts';
import { inTransaction, type Query } from './transaction.ts';

export default defineJob({
  name: 'report_generator',
  description: 'Publishes the report of the last complete week to RabbitMQ',
  timeout: '10m',
  retry: {
    attempts: 3,
    baseDelay: '5s',
    maxDelay: '1m',
    when: (error) => !hasCode(error, 'ERR_RUN_JOB_USAGE') && !hasCode(error, 'ERR_RUN_JOB_CONFIG'),
  },
  params,
  needs: ['postgres', 'rabbitmq'],
  check: (context) => inTransaction(context, { isolation: 'repeatable read', readOnly: true }, checkView),
  async run(context) {
    if (context.shard.count > 1) {
      throw new PermanentError('A week has one report, which is not divided into shards: run this job without shards');
    }
    const { report, message } = await create(context);
    const about = {
      week: report.week,
      timeZone: report.timeZone,
      transactions: report.count,
      messageId: message.messageId,
      bytes: message.body.length,
    };
    if (context.dryRun) {
      process.stdout.write(describeMessage(message, context.rabbitmq.exchange, process.stdout.isTTY));
      return about;
    }
    const sent = await deliverOwn(context, message.messageId);
    return { ...about, sent, earlierConfirmed: await deliverEarlier(context) };
  },
});

/** Makes the report and stores its message, in one transaction: both are of the same snapshot, or there is neither. */
async function create(context: JobContext): Promise<{ report: Report; message: OutgoingMessage }> {
  const { params, dryRun, rabbitmq } = context;
  return context.span(`create ${rabbitmq.exchange}:${ROUTING_KEY}`, { kind: 'producer' }, (span) =>
    inTransaction(context, { isolation: 'repeatable read', readOnly: dryRun }, async (query) => {
      const report = await snapshot(context, query);
      const message = { ...toMessage(report, span.headers()), mandatory: !params.allowUnroutable };
      span.setAttributes({
        'messaging.system': 'rabbitmq',
        'messaging.operation.name': 'create',
        'messaging.operation.type': 'create',
        'messaging.destination.name': `${rabbitmq.exchange}:${message.routingKey}`,
        'messaging.rabbitmq.destination.routing_key': message.routingKey,
        'messaging.message.id': message.messageId,
        'messaging.message.body.size': message.body.length,
      });
      if (params.output !== undefined) await writeBody(params.output, message);
      // A week that is asked for by name is sent again although it was confirmed before: that is what it is asked for.
      if (!dryRun) await store(query, context.job, rabbitmq.exchange, message, params.week !== undefined);
      context.count('transactions_reported', report.count);
      return { report, message };
    }),
  );
}

/** The report, all of it as the tables were at one moment: that of the transaction's first statement. */
function snapshot({ span, params, scheduledAt }: JobContext, query: Query): Promise<Report> {
  return span('report.snapshot', {}, async (own) => {
    await checkSource(query);
    const period = await findPeriod(query, params, scheduledAt);
    const report = await computeReport(query, period, params);
    own.setAttributes({ 'report.week': report.week, 'report.transactions': report.count });
    return report;
  });
}
