import { expect, test } from 'vitest';
import { describeError } from '../../src/runner/error-info.ts';
import { createRedactor, secretsOf } from '../../src/runner/redact.ts';

const redactor = createRedactor(['hunter2-is-secret']);

test.each([
  ['postgres://app:s3cret@db:5432/app is down', 'postgres://[redacted]@db:5432/app is down'],
  ['postgres://app:s3c@ret@db:5432/app is down', 'postgres://[redacted]@db:5432/app is down'],
  ['app.ERROR: {"at":"mysql:\\/\\/app:s3c@ret@db\\/orders"}', 'app.ERROR: {"at":"mysql:\\/\\/[redacted]@db\\/orders"}'],
  ['Authorization: Bearer abcdefghijklmnop', 'Authorization: Bearer [redacted]'],
  ['password=opensesame&x=1', 'password=[redacted]&x=1'],
  ['the word hunter2-is-secret stands here', 'the word [redacted] stands here'],
  ['postgres://app:Hunter@Secretpart/More9@host:5432/app is down', 'postgres://[redacted]@host:5432/app is down'],
  ['amqp:\\/\\/u:a/b@one,amqp:\\/\\/u:c#d@two', 'amqp:\\/\\/[redacted]@one,amqp:\\/\\/[redacted]@two'],
  ['amqp://u:a/b@one,amqp://u:c#d@two', 'amqp://[redacted]@one,amqp://[redacted]@two'],
  ['{"password":"hunter2"}', '{"password":"[redacted]"}'],
  ['{"body":"{\\"password\\":\\"hun\\\\\\"ter2\\"}"}', '{"body":"{\\"password\\":\\"[redacted]\\"}"}'],
  ['?access_token=abc&x=1', '?access_token=[redacted]&x=1'],
  ['PGPASSWORD=hunter2 psql', 'PGPASSWORD=[redacted] psql'],
  ['client_secret=abc', 'client_secret=[redacted]'],
  ['authorization: bearer abcdefghijklmnop', 'authorization: bearer [redacted]'],
  ['https://hooks.slack.com/services/T0/B0/abc', 'https://hooks.slack.com/services/[redacted]'],
  ['-----BEGIN PRIVATE KEY-----\nMIIE\n-----END PRIVATE KEY-----', '[redacted]'],
])('%j is told without its secret', (text, told) => {
  expect(redactor.text(text)).toBe(told);
});

test('a long text without a space is looked through in no time', () => {
  const before = performance.now();
  for (const part of ['a.', 'a://', ':\\/\\/token', 'token', '-----BEGIN PRIVATE KEY-----', 'Bearer '])
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

test.each([
  'postgres://postgres@db:5432/postgres is down',
  'GRANT ALL ON SCHEMA run_job TO postgres',
  'postgres://user:password@host:5432/database',
])('%s is told as it is, also where the user of a URL has no password', (text) => {
  const env = { DATABASE_URL: 'postgres://postgres@db:5432/postgres', AMQP_URL: 'amqp://guestuser@mq/' };
  expect(createRedactor(secretsOf(env)).text(text)).toBe(text);
});

test('what finds a place is no secret: a job that pages through an API gets its token back', () => {
  const result = {
    nextPageToken: 'CAUQAhoMCNiVv7cGEMD4',
    page_token: 'abc',
    syncToken: 'x1',
    tokens: 12,
    primaryKey: 'id',
  };
  expect(redactor.value(result)).toEqual(result);
});

test('in a list of names and values, the name is that of the value', () => {
  expect(
    redactor.value({ env: [{ name: 'PGPASSWORD', value: 'x' }], headers: [['authorization', 'Basic 1=']] }),
  ).toEqual({
    env: [{ name: 'PGPASSWORD', value: '[redacted]' }],
    headers: [['authorization', '[redacted]']],
  });
});

test('a known secret is no key of an object either, and none of the fields is lost over it', () => {
  const known = createRedactor(['hunt"er\\2']);
  expect(known.value({ 'hunt"er\\2': 1, 'x hunt"er\\2': new Map([['hunt"er\\2', 2]]), '[redacted]': 3 })).toEqual({
    '[redacted]': 1,
    'x [redacted]': { '[redacted]': 2 },
    '[redacted] (2)': 3,
  });
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

test('secrets in settings, connection strings, JSON and files are known as well; users, hosts and paths are not', () => {
  const secrets = secretsOf(
    {
      STRIPE_KEY: 'abcd1234efgh5678',
      GITHUB_PAT: 'abcdefgh12345678',
      SLACK_WEBHOOK_URL: 'https://hooks.example.org/T0/B0/xyz',
      PG_CONNECTION: 'host=db user=dbuser password=from-conninfo',
      APP_CONFIG: '{"db":{"user":"json-user","password":"from-json"}}',
      JAVA_OPTS: '-Xmx1g -Dapp.secret=from-options',
      DATABASE_URL: 'postgres://app-user@db-host/app-db?password=from%20query&sslkey=/tls/db.key',
      SENTRY: 'https://0123456789abcdef0123@sentry.example.org/1',
      AMQP_KEY_FILE: '/tls/amqp.key',
      SMTP_PASSWORD_FILE: '/run/secrets/smtp',
      OTEL_EXPORTER_OTLP_CLIENT_KEY: '/tls/otlp.key',
      OTEL_EXPORTER_OTLP_HEADERS: 'Authorization=Basic%20YWRhOnNlY3JldA==',
      KUBECONFIG: '/home/ada/.kube/config',
      SAME: 'postgres://same-word:same-word@db/app',
      DEFAULTED: 'postgres://postgres:postgres@db/app',
    },
    (path) => `-----BEGIN PRIVATE KEY-----\nline of ${path} 0123456789\n-----END PRIVATE KEY-----\n`,
  );
  expect(secrets).toEqual(
    expect.arrayContaining([
      'abcd1234efgh5678',
      'abcdefgh12345678',
      'https://hooks.example.org/T0/B0/xyz',
      'from-conninfo',
      'from-json',
      'from-options',
      'from query',
      '0123456789abcdef0123',
      'YWRhOnNlY3JldA==',
      ...['/tls/db.key', '/tls/amqp.key', '/run/secrets/smtp', '/tls/otlp.key'].map(
        (path) => `line of ${path} 0123456789`,
      ),
    ]),
  );
  for (const harmless of ['app-user', 'db-host', 'dbuser', 'json-user', 'same-word', 'postgres', '/tls/amqp.key']) {
    expect(secrets).not.toContain(harmless);
  }
});

test('what has been told once is told again as it is, without being looked through', () => {
  let read = 0;
  const redactor = createRedactor([]);
  const result = {
    get password() {
      read += 1;
      return 'x';
    },
  };
  const once = redactor.value(result);
  expect(redactor.value({ result: once, secret: once })).toEqual({
    result: { password: '[redacted]' },
    secret: '[redacted]',
  });
  expect((redactor.value({ result: once }) as { result: unknown }).result).toBe(once);
  expect(read).toBe(1);
});

test('what was told before counts toward the limit', () => {
  const redactor = createRedactor([]);
  const large = redactor.value({ text: 'x'.repeat(5_000) });
  expect(redactor.plain([large, large, large, 'the end'], 8_000)).toMatchObject({ cut: true });
});

test('a field named __proto__ is a field like any other', () => {
  const value = createRedactor([]).value(JSON.parse('{"__proto__": {"a": 1}, "b": 2}'));
  expect(JSON.stringify(value)).toBe('{"__proto__":{"a":1},"b":2}');
});

test('where a long text is cut, no half of a secret stays, however much shorter the rest has become', () => {
  const known = `S${'e'.repeat(98)}T`;
  const cutting = createRedactor([known]);
  const long = `${known} ${'a'.repeat(300)} `.repeat(500);
  const told = JSON.stringify([
    cutting.plain(long, 20_000).value,
    cutting.plain({ [long]: 1 }, 20_000).value,
    describeError(new Error(long), cutting),
    describeError(long, cutting),
  ]);
  expect(told.match(/S(?!tate)e+/g)).toBeNull();
  expect(told.match(/\[redacted\]/g)?.length).toBeGreaterThan(50);
});
