// What every RabbitMq that a job is given must do, whatever it is made of.
import { expect, test } from 'vitest';
import { PermanentError, UnavailableError } from '../../src/errors.ts';
import type { OutgoingMessage, RabbitMq } from '../../src/job.ts';

/** A message at the other end. */
export interface Received {
  readonly exchange: string;
  readonly routingKey: string;
  readonly messageId: string;
  readonly contentType: string;
  readonly type: string | undefined;
  /** Whole seconds, which is what AMQP carries. */
  readonly timestamp: number | undefined;
  readonly headers: Record<string, unknown>;
  readonly body: Buffer;
}

/** A publisher, and a queue that takes whatever is sent to its own exchange or to another. */
export interface Setting extends AsyncDisposable {
  readonly rabbitmq: RabbitMq;
  readonly exchange: string;
  readonly otherExchange: string;
  /** What has arrived, in order, once it is as many as that. */
  received(count: number): Promise<readonly Received[]>;
  close(): Promise<void>;
}

/** Registers the suite. */
export function rabbitMqContract(setUp: () => Promise<Setting>): void {
  const message = (messageId: string, rest: Partial<OutgoingMessage> = {}): OutgoingMessage => ({
    messageId,
    routingKey: 'report.weekly.generated',
    contentType: 'application/json',
    body: Buffer.from('{}'),
    ...rest,
  });
  const ids = (messages: readonly Received[]) => messages.map(({ messageId }) => messageId);

  test('a message arrives with everything that it was given', async () => {
    await using setting = await setUp();
    expect(setting.rabbitmq.exchange).toBe(setting.exchange);
    const headers = { traceparent: '00-a-b-01', note: 'ä€' };
    const timestamp = new Date('2015-11-16T08:00:00.900Z');
    await setting.rabbitmq.publish(message('all', { type: 'report.v1', timestamp, headers }));
    await setting.rabbitmq.publish(message('least', { mandatory: false }));
    const common = {
      exchange: setting.exchange,
      routingKey: 'report.weekly.generated',
      contentType: 'application/json',
    };
    const body = Buffer.from('{}');
    expect(await setting.received(2)).toEqual([
      {
        ...common,
        messageId: 'all',
        type: 'report.v1',
        timestamp: Date.parse('2015-11-16T08:00:00Z') / 1000,
        headers,
        body,
      },
      { ...common, messageId: 'least', type: undefined, timestamp: undefined, headers: {}, body },
    ]);
  });

  test('a message goes to the exchange that it names', async () => {
    await using setting = await setUp();
    await setting.rabbitmq.publish(message('there', { exchange: setting.otherExchange, routingKey: '' }));
    expect(await setting.received(1)).toMatchObject([
      { exchange: setting.otherExchange, routingKey: '', messageId: 'there' },
    ]);
  });

  test('bytes arrive as they are: every one of them, none, and a part of something larger', async () => {
    await using setting = await setUp();
    const every = Uint8Array.from({ length: 256 }, (_, byte) => byte);
    for (const body of [every, new Uint8Array(), every.subarray(250)])
      await setting.rabbitmq.publish(message('bytes', { body }));
    const [whole, none, part] = await setting.received(3);
    expect([whole?.body, none?.body, part?.body]).toEqual(
      [every, [], every.subarray(250)].map((bytes) => Buffer.from(bytes)),
    );
  });

  test('what is changed after the confirm was published as it was', async () => {
    await using setting = await setUp();
    const headers = { kept: 'yes' };
    const body = Buffer.from('before');
    await setting.rabbitmq.publish(message('first', { body, headers }));
    body.write('after!');
    headers.kept = 'no';
    const [received] = await setting.received(1);
    expect([received?.body.toString(), received?.headers]).toEqual(['before', { kept: 'yes' }]);
  });

  test('messages that are waited for arrive in order, and a repeat arrives again', async () => {
    await using setting = await setUp();
    for (const id of ['a', 'b', 'a']) await setting.rabbitmq.publish(message(id));
    expect(ids(await setting.received(3))).toEqual(['a', 'b', 'a']);
  });

  test('of many messages at once each is confirmed, and each arrives once', async () => {
    await using setting = await setUp();
    const many = Array.from({ length: 100 }, (_, index) => `id-${index}`);
    await Promise.all(many.map((id) => setting.rabbitmq.publish(message(id))));
    expect(ids(await setting.received(100)).toSorted()).toEqual(many.toSorted());
  });

  test('under a signal that has aborted nothing is published, and the reason is thrown', async () => {
    await using setting = await setUp();
    const reason = new Error('stop');
    await expect(setting.rabbitmq.publish(message('never'), { signal: AbortSignal.abort(reason) })).rejects.toBe(
      reason,
    );
    await setting.rabbitmq.publish(message('next'));
    expect(ids(await setting.received(1))).toEqual(['next']);
  });

  test('a signal that aborts before the confirm ends the waiting with its reason', async () => {
    await using setting = await setUp();
    const controller = new AbortController();
    const reason = new Error('stop');
    const published = setting.rabbitmq.publish(message('perhaps'), { signal: controller.signal });
    controller.abort(reason);
    await expect(published).rejects.toBe(reason);
    await setting.rabbitmq.publish(message('next'));
    expect(ids(await setting.received(1))).toContain('next');
  });

  test.for<[string, Partial<OutgoingMessage>]>([
    ['a routing key of 256 bytes', { routingKey: 'k'.repeat(256) }],
    ['a message id of 128 letters that take two bytes each', { messageId: 'ä'.repeat(128) }],
    ['a content type of 256 bytes', { contentType: 'x'.repeat(256) }],
    ['a type of 256 bytes', { type: 'x'.repeat(256) }],
    ['an exchange of 256 bytes', { exchange: 'x'.repeat(256) }],
    ['headers of 70,000 bytes', { headers: { big: 'x'.repeat(70_000) } }],
    ['a header with a name of 256 bytes', { headers: { ['x'.repeat(256)]: 'y' } }],
    ['a header that is no text', { headers: { count: 1 as unknown as string } }],
    ['a body that is text', { body: 'text' as unknown as Uint8Array }],
    ['a time that is none', { timestamp: new Date(Number.NaN) }],
  ])('%s can never be sent: a permanent error, and the next message is published', async ([_, rest]) => {
    await using setting = await setUp();
    const published = setting.rabbitmq.publish(message('never', rest));
    await expect(published).rejects.toBeInstanceOf(PermanentError);
    await expect(published).rejects.toThrow("can't be encoded");
    await setting.rabbitmq.publish(message('next'));
    expect(ids(await setting.received(1))).toEqual(['next']);
  });

  test('names of 255 bytes and headers of 60,000 are carried', async () => {
    await using setting = await setUp();
    const most = { routingKey: 'k'.repeat(255), type: 't'.repeat(255), headers: { big: 'x'.repeat(60_000) } };
    await setting.rabbitmq.publish(message('i'.repeat(255), most));
    expect(await setting.received(1)).toMatchObject([{ messageId: 'i'.repeat(255), ...most }]);
  });

  test('what is closed publishes nothing more', async () => {
    await using setting = await setUp();
    await setting.close();
    await expect(setting.rabbitmq.publish(message('late'))).rejects.toBeInstanceOf(UnavailableError);
  });
}
