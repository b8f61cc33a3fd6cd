// Receivers of notifications that check what the real ones check: a CloudEvent with a signature, and Slack's payload.
import { createHmac, timingSafeEqual } from 'node:crypto';
import { createServer } from 'node:http';
import type { AddressInfo } from 'node:net';
import { text } from 'node:stream/consumers';

export const SECRET = 'whsec_c2lnbmVkLWJ5LXVzLWFuZC1ub2JvZHktZWxzZQ==';

/** A CloudEvent of ours. */
export interface ReceivedEvent {
  readonly id: string;
  readonly type: string;
  readonly source: string;
  readonly subject: string;
  readonly data: Record<string, unknown> & { readonly text: string };
}

export interface NotificationReceiver extends AsyncDisposable {
  readonly url: string;
  /** Addresses for RUN_JOB_NOTIFY. */
  readonly webhook: string;
  readonly slack: string;
  readonly events: readonly ReceivedEvent[];
  /** The texts that Slack has got. */
  readonly texts: readonly string[];
  /** What all that comes is answered with, in place of what it would be. */
  status: number | undefined;
  /** Answers no more. */
  silent: boolean;
  readonly requests: readonly number[];
}

export async function startNotificationReceiver(): Promise<NotificationReceiver> {
  const events: ReceivedEvent[] = [];
  const texts: string[] = [];
  const requests: number[] = [];
  const server = createServer(async (request, response) => {
    const body = await text(request);
    if (receiver.silent) return;
    const refuse = (status: number, why: string) => {
      requests.push(status);
      response.writeHead(status).end(why);
    };
    if (receiver.status !== undefined) return refuse(receiver.status, 'refused');
    if (request.method !== 'POST') return refuse(405, 'POST only');
    if (request.url?.startsWith('/services/')) {
      const payload = JSON.parse(body);
      if (typeof payload.text !== 'string' || payload.text === '' || payload.text.length > 40_000)
        return refuse(400, 'invalid_payload');
      texts.push(payload.text);
    } else {
      const id = request.headers['webhook-id'] as string;
      // A full stop parts what is signed.
      if (id?.includes('.')) return refuse(400, 'id');
      const stamp = request.headers['webhook-timestamp'] as string;
      const key = Buffer.from(SECRET.slice('whsec_'.length), 'base64');
      const expected = `v1,${createHmac('sha256', key).update(`${id}.${stamp}.${body}`).digest('base64')}`;
      const given = Buffer.from(String(request.headers['webhook-signature']));
      if (given.length !== expected.length || !timingSafeEqual(given, Buffer.from(expected)))
        return refuse(401, 'signature');
      if (Math.abs(Date.now() / 1_000 - Number(stamp)) > 300) return refuse(401, 'too old');
      if (!request.headers['content-type']?.startsWith('application/cloudevents+json')) return refuse(415, 'type');
      const event = JSON.parse(body);
      if (event.specversion !== '1.0' || !event.id || !event.source || !event.type || id !== event.id)
        return refuse(400, 'no CloudEvent');
      if (!Object.keys(event).every((name) => /^[a-z0-9]{1,20}$/.test(name))) return refuse(400, 'attribute');
      if (!URL.canParse(event.source, 'http://base') || Number.isNaN(Date.parse(event.time)))
        return refuse(400, 'type');
      if ('data' in event && event.datacontenttype !== 'application/json') return refuse(400, 'data');
      if (request.headers['idempotency-key'] !== event.id) return refuse(400, 'key');
      events.push(event);
    }
    requests.push(200);
    response.writeHead(200).end('ok');
  });
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  const url = `http://127.0.0.1:${(server.address() as AddressInfo).port}`;
  const receiver: NotificationReceiver = {
    url,
    webhook: `${url}/hook`,
    slack: `slack+${url}/services/T0AB1CD2E/B0FG3HI4J/a1B2c3D4e5F6g7H8i9J0k1L2`,
    events,
    texts,
    requests,
    status: undefined,
    silent: false,
    async [Symbol.asyncDispose]() {
      server.closeAllConnections();
      await new Promise((resolve) => server.close(resolve));
    },
  };
  return receiver;
}
