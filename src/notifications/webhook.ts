// A webhook: a CloudEvent, signed as Standard Webhooks 1.0 has it (https://github.com/standard-webhooks/standard-webhooks/blob/main/spec/standard-webhooks.md,
// "Signature scheme" and "Webhook headers"): HMAC-SHA256 over `<id>.<timestamp>.<body>`, in base64 behind `v1,`.
import { ConfigError } from '../errors.ts';
import type { OutgoingRequest } from '../runner/ports.ts';
import { CLOUD_EVENT, cloudEvent } from './cloud-event.ts';
import type { Notification } from './notification.ts';

/** @param signing what the receiver checks the signature by, unsigned without a key; and what time it is */
export function webhookRequest(
  url: string,
  to: string,
  notification: Notification,
  { key, now }: { readonly key: Buffer | undefined; readonly now: Date },
): OutgoingRequest {
  const body = cloudEvent(notification);
  const { id } = notification;
  return {
    to,
    method: 'POST',
    url,
    headers: {
      'content-type': CLOUD_EVENT,
      'idempotency-key': id,
      ...(key !== undefined && signature(id, body, key, now)),
    },
    body,
  };
}

/** The bytes that a key of HMAC-SHA256 has at least and at most there. */
const LEAST_KEY = 24;
const MOST_KEY = 64;

/**
 * The key that is meant by `whsec_…`.
 * @throws {ConfigError} receivers couldn't read it
 */
export function signingKey(secret: string): Buffer {
  const [, base64 = ''] = /^whsec_([A-Za-z0-9+/]+={0,2})$/.exec(secret.trim()) ?? [];
  const key = Buffer.from(base64, 'base64');
  if (key.length < LEAST_KEY || key.length > MOST_KEY)
    throw new ConfigError(
      `RUN_JOB_NOTIFY_SECRET must be whsec_ and ${LEAST_KEY} to ${MOST_KEY} bytes in base64: "whsec_$(openssl rand -base64 24)" makes one`,
    );
  return key;
}

/** The time is signed too, so that nobody can send an old one again. */
function signature(id: string, body: string, key: Buffer, now: Date): Record<string, string> {
  const timestamp = String(Math.floor(now.getTime() / 1_000));
  const { createHmac } = process.getBuiltinModule('node:crypto');
  const digest = createHmac('sha256', key).update(`${id}.${timestamp}.${body}`).digest('base64');
  return { 'webhook-id': id, 'webhook-timestamp': timestamp, 'webhook-signature': `v1,${digest}` };
}
