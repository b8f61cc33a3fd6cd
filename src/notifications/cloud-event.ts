// A notification as a CloudEvent 1.0 in JSON, in structured mode: https://github.com/cloudevents/spec/blob/v1.0.2/cloudevents/formats/json-format.md
// and bindings/http-protocol-binding.md, section 3.2: the media type says all, and no header repeats an attribute.
import type { Notification } from './notification.ts';
import { tell } from './text.ts';

export const CLOUD_EVENT = 'application/cloudevents+json; charset=utf-8';

/** Of two with the same source and id, one is a repeat. */
export function cloudEvent(notification: Notification): string {
  const { id, kind, name, namespace, environment, at, command: _, ...data } = notification;
  return JSON.stringify({
    specversion: '1.0',
    id,
    source: `/run-job/${[environment, namespace, name]
      .filter(Boolean)
      .map((part) => encodeURIComponent(String(part)))
      .join('/')}`,
    type: `run_job.${kind}`,
    subject: name,
    time: at.toISOString(),
    datacontenttype: 'application/json',
    data: { ...data, kind, name, namespace, environment, command: notification.command, text: tell(notification) },
  });
}
