// The message that carries a report: a CloudEvent in JSON, over AMQP 0-9-1.
import type { OutgoingMessage } from '../../job.ts';
import { type Report, SCHEMA_ID, SCHEMA_VERSION } from './report.ts';

export const ROUTING_KEY = 'report.weekly.generated';

/** CloudEvents' type, which is also the message's: it changes with the schema's version. */
const TYPE = `run-job.${ROUTING_KEY}.v${SCHEMA_VERSION}`;

/** The structured content mode of CloudEvents' AMQP binding. */
const CONTENT_TYPE = 'application/cloudevents+json; charset=utf-8';

/**
 * Makes the message. Everything but its headers and timestamp follows from the report, so that the same data give the same bytes:
 * CloudEvents' `time` is the instant at which the week was over, which is what the event is about, and not when a run told it.
 * @param headers let a consumer continue the trace
 */
export function toMessage(report: Report, headers: Record<string, string>): OutgoingMessage {
  const messageId = `weekly-report/${report.week}/${report.timeZone}/${report.revision}`;
  const event = {
    specversion: '1.0',
    id: messageId,
    source: 'urn:run-job:job:report_generator',
    type: TYPE,
    subject: report.week,
    time: report.end,
    datacontenttype: 'application/json',
    dataschema: SCHEMA_ID,
    data: report,
  };
  return {
    routingKey: ROUTING_KEY,
    messageId,
    contentType: CONTENT_TYPE,
    type: TYPE,
    headers,
    body: Buffer.from(JSON.stringify(event)),
  };
}
