import { expect, test } from 'vitest';
import { createRedactor, secretsOf } from '../../src/runner/redact.ts';

const redactor = createRedactor(['hunter2-is-secret']);

test.each([
  ['postgres://app:s3cret@db:5432/app is down', 'postgres://[redacted]@db:5432/app is down'],
  ['postgres://app:s3c@ret@db:5432/app is down', 'postgres://[redacted]@db:5432/app is down'],
  ['Authorization: Bearer abcdefghijklmnop', 'Authorization: Bearer [redacted]'],
  ['password=opensesame&x=1', 'password=[redacted]&x=1'],
  ['the word hunter2-is-secret stands here', 'the word [redacted] stands here'],
  ['-----BEGIN PRIVATE KEY-----\nMIIE\n-----END PRIVATE KEY-----', '[redacted]'],
])('%j is told without its secret', (text, told) => {
  expect(redactor.text(text)).toBe(told);
});

test('a long text without a space is looked through in no time', () => {
  const before = performance.now();
  for (const part of ['a.', 'a://', 'token', '-----BEGIN PRIVATE KEY-----', 'Bearer '])
    redactor.text(part.repeat(50_000));
  expect(performance.now() - before).toBeLessThan(5_000);
});

test('what has the name of a secret is redacted at any depth, and everything else is left alone', () => {
  expect(
    redactor.value({
      user: 'ada',
      password: 'x',
      nested: [{ apiKey: 1, api_key: { a: 1 }, accessToken: 't', note: 'n' }],
    }),
  ).toEqual({
    user: 'ada',
    password: '[redacted]',
    nested: [{ apiKey: '[redacted]', api_key: '[redacted]', accessToken: '[redacted]', note: 'n' }],
  });
});

test('what is told of a table is no secret because of its name', () => {
  const tables = { 'public.auth_tokens': { deleted: 3 }, 'public.users': { deleted: 1 } };
  expect(redactor.value({ tables, 'smtp.password': 'x' })).toEqual({ tables, 'smtp.password': '[redacted]' });
});

test('what refers back to itself is told, not followed for ever', () => {
  const loop: Record<string, unknown> = { name: 'loop' };
  loop.self = loop;
  expect(redactor.value(loop)).toEqual({ name: 'loop', self: '[circular]' });
});

test('the secrets of an environment are the passwords of its URLs and the values of what is named like a secret', () => {
  const secrets = secretsOf({
    DATABASE_URL: 'postgres://app:p%40ssword@db/app',
    AMQP_URL: 'amqp://u:first-pass@a,amqp://u:second-pass@b',
    API_TOKEN: 'token-value',
    OTEL_EXPORTER_OTLP_HEADERS: 'api-key=header-value,x=y',
    PWD: '/home/ada',
    HOME: '/home/ada',
  });
  expect(secrets).toEqual(
    expect.arrayContaining(['p%40ssword', 'p@ssword', 'first-pass', 'second-pass', 'token-value', 'header-value']),
  );
  expect(secrets).not.toContain('/home/ada');
});
