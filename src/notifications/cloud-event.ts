// A notification as a CloudEvent in JSON: https://github.com/cloudevents/spec/blob/v1.0.2/cloudevents/formats/json-format.md
import type { Notification } from './notification.ts';
import { tell } from './text.ts';

export const CLOUD_EVENT = 'application/cloudevents+json; charset=utf-8';

/** Its id is the notification's key: of two with the same source and id, one is a repeat. */
export function cloudEvent(notification: Notification): string {
  const { key, kind, name, namespace, at, command: _, ...data } = notification;
  return JSON.stringify({
    specversion: '1.0',
    id: key,
    source: `/run-job/${[namespace, name]
      .filter(Boolean)
      .map((part) => encodeURIComponent(String(part)))
      .join('/')}`,
    type: `run_job.${kind}`,
    subject: name,
    time: at.toISOString(),
    datacontenttype: 'application/json',
    data: { ...data, kind, name, namespace, command: notification.command, text: tell(notification) },
  });
}
