// The job report_generator: the report of the last complete week, computed in PostgreSQL and confirmed by RabbitMQ.
import { hasCode, PermanentError } from '../../errors.ts';
import { defineJob, type OutgoingMessage } from '../../job.ts';
import { computeReport } from './compute.ts';
import { deliverEarlier, deliverOwn, type JobContext } from './deliver.ts';
import { ROUTING_KEY, toMessage } from './message.ts';
import { bodyOf, store } from './outbox.ts';
import { describeMessage, writeBody } from './output.ts';
import { params } from './params.ts';
import { findPeriod } from './period.ts';
import type { Report } from './report.ts';
import { checkSource, checkView } from './source.ts';
import { inStep, inTransaction, type Query } from './transaction.ts';

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
    const { about, message } = await createOnce(context);
    if (context.dryRun) {
      if (message) process.stdout.write(describeMessage(message, context.rabbitmq.exchange, process.stdout.isTTY));
      return about;
    }
    const sent = await deliverOwn(context, about.messageId);
    return { ...about, sent, earlierConfirmed: await deliverEarlier(context) };
  },
});

/** What is told of a report. */
interface About {
  readonly week: string;
  readonly timeZone: string;
  readonly transactions: number;
  readonly messageId: string;
  readonly bytes: number;
}

/**
 * Makes the report and stores its message, in one transaction: both are of the same snapshot, or there is neither. Once it is in the
 * outbox no further attempt or pod of the slot computes it again.
 * @returns the message only where it was made now
 */
async function createOnce(context: JobContext): Promise<{ about: About; message?: OutgoingMessage }> {
  const { params, dryRun, rabbitmq } = context;
  let message: OutgoingMessage | undefined;
  const about = await context.span(`create ${rabbitmq.exchange}:${ROUTING_KEY}`, { kind: 'producer' }, (span) =>
    inStep(context, 'create', { isolation: 'repeatable read' }, async (query): Promise<About> => {
      const report = await snapshot(context, query);
      message = { ...toMessage(report, span.headers()), mandatory: !params.allowUnroutable };
      span.setAttributes({
        'messaging.system': 'rabbitmq',
        'messaging.operation.name': 'create',
        'messaging.operation.type': 'create',
        'messaging.destination.name': `${rabbitmq.exchange}:${message.routingKey}`,
        'messaging.rabbitmq.destination.routing_key': message.routingKey,
        'messaging.message.id': message.messageId,
        'messaging.message.body.size': message.body.length,
      });
      if (params.output !== undefined) await writeBody(params.output, message.body);
      // A week that is asked for by name is sent again although it was confirmed before: that is what it is asked for.
      if (!dryRun) await store(query, context.job, rabbitmq.exchange, message, params.week !== undefined);
      context.count('transactions_reported', report.count);
      const { week, timeZone, count } = report;
      return { week, timeZone, transactions: count, messageId: message.messageId, bytes: message.body.length };
    }),
  );
  // The file of an earlier pod is gone with it.
  if (!message && params.output !== undefined)
    await writeBody(params.output, await storedBody(context, about.messageId));
  return { about, ...(message && { message }) };
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

/** The body of a message that an earlier attempt or pod has stored. */
function storedBody(context: JobContext, messageId: string): Promise<Uint8Array> {
  return inTransaction(context, { readOnly: true }, async (query) => {
    const body = await bodyOf(query, messageId);
    if (body) return body;
    throw new PermanentError(
      `The message ${messageId} was stored by an earlier run of this slot, and is gone from run_job.outbox: run it once with --restart, which computes the report again`,
    );
  });
}
