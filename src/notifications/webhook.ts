// A webhook: a CloudEvent, signed as https://www.standardwebhooks.com has it.
import type { OutgoingRequest } from '../runner/ports.ts';
import { CLOUD_EVENT, cloudEvent } from './cloud-event.ts';
import type { Notification } from './notification.ts';

/** @param secret what the receiver checks the signature by; unsigned without one */
export function webhookRequest(
  url: string,
  to: string,
  notification: Notification,
  secret: string | undefined,
): OutgoingRequest {
  const body = cloudEvent(notification);
  const { key } = notification;
  return {
    to,
    method: 'POST',
    url,
    headers: {
      'content-type': CLOUD_EVENT,
      'idempotency-key': key,
      ...(secret !== undefined && signature(key, body, secret)),
    },
    body,
  };
}

/** The time is signed too, so that nobody can send an old one again. */
function signature(id: string, body: string, secret: string): Record<string, string> {
  const timestamp = String(Math.floor(Date.now() / 1_000));
  const key = secret.startsWith('whsec_') ? Buffer.from(secret.slice('whsec_'.length), 'base64') : Buffer.from(secret);
  const { createHmac } = process.getBuiltinModule('node:crypto');
  const digest = createHmac('sha256', key).update(`${id}.${timestamp}.${body}`).digest('base64');
  return { 'webhook-id': id, 'webhook-timestamp': timestamp, 'webhook-signature': `v1,${digest}` };
}
