// Who gets in, and what is refused: the console as a process, asked by raw requests.

import { once } from 'node:events';
import { createServer } from 'node:http';
import type { AddressInfo } from 'node:net';
import { expect, test } from 'vitest';
import { createDatabase } from '../support/database.ts';
import { runToEnd } from '../support/run-job.ts';
import { ask, form, serveConsole } from './support.ts';

const TOKEN = 'Vt8-kk2_Qw91xxZp44';

test('on another address than loopback it does not start without a token or a proxy', async () => {
  await using database = await createDatabase();
  const ended = await runToEnd(['serve', '--host', '0.0.0.0', '--port', '0'], { database });
  expect(ended.exitCode).toBe(78);
  expect(ended.stderr).toMatch(/^run-job: on 0\.0\.0\.0 everybody .* RUN_JOB_CONSOLE_TOKEN.*--trust-proxy/);
});

test.for([
  [['--port', '70000'], '--port must be'],
  [['--port', 'http'], '--port must be'],
  [['--host', 'no such/host'], '--host must be'],
  [['--trust-proxy', '10.0.0.0/99'], '"10.0.0.0/99" is none'],
  [['--trust-proxy', 'proxy.example.com'], '"proxy.example.com" is none'],
  [['--trust-proxy', ' , '], '--trust-proxy must name'],
  [['--identity-header', 'a b'], '--identity-header must name'],
  [['--actors', 'ada'], 'give both'],
] as const)('flags %j', async ([args, sentence]) => {
  await using database = await createDatabase();
  const { exitCode, stderr } = await runToEnd(['serve', ...args], { database });
  expect({ exitCode, stderr }).toEqual({ exitCode: 64, stderr: expect.stringContaining(sentence) });
  expect(stderr.split('\n')).toHaveLength(2);
});

test('a short token, a port that is taken, and no database are one sentence each', async () => {
  await using database = await createDatabase();
  const short = await runToEnd(['serve'], { database, env: { RUN_JOB_CONSOLE_TOKEN: 'abc' } });
  expect([short.exitCode, short.stderr]).toEqual([
    78,
    expect.stringMatching(/^run-job: RUN_JOB_CONSOLE_TOKEN must have 16[^\n]*\n$/),
  ]);
  // No program could send it.
  const spaced = await runToEnd(['serve'], { database, env: { RUN_JOB_CONSOLE_TOKEN: 'a token of many words' } });
  expect([spaced.exitCode, spaced.stderr]).toEqual([
    78,
    expect.stringMatching(/^run-job: RUN_JOB_CONSOLE_TOKEN must have no white space [^\n]*\n$/),
  ]);
  const other = createServer().listen(0, '127.0.0.1');
  await once(other, 'listening');
  const taken = await runToEnd(['serve', '--port', String((other.address() as AddressInfo).port)], { database });
  other.close();
  expect([taken.exitCode, taken.stderr]).toEqual([
    69,
    expect.stringMatching(/^run-job: something else listens on [^\n]*--port\n$/),
  ]);
  const none = await runToEnd(['serve']);
  expect([none.exitCode, none.stderr]).toEqual([78, expect.stringContaining('DATABASE_URL is not set')]);
});

test('on loopback without a token it answers by the name of this machine only', async () => {
  await using served = await serveConsole();
  expect((await ask(served.url, '/')).status).toBe(200);
  expect((await ask(served.url, '/', { headers: { host: 'localhost:9000' } })).status).toBe(200);
  const rebound = await ask(served.url, '/', { headers: { host: 'evil.example.com' } });
  expect([rebound.status, rebound.text]).toEqual([403, expect.stringContaining('localhost only')]);
});

test('a token lets in: as Bearer, and as a cookie after the login; nothing else does', async () => {
  await using served = await serveConsole({ args: ['--host', '0.0.0.0'], env: { RUN_JOB_CONSOLE_TOKEN: TOKEN } });
  const { url } = served;
  for (const path of ['/healthz', '/readyz']) expect((await ask(url, path)).status, path).toBe(200);
  for (const path of ['/metrics', '/api/v1/jobs', '/events', '/api/v1/openapi.json']) {
    expect((await ask(url, path)).status, path).toBe(401);
    expect((await ask(url, path, { headers: { authorization: `Bearer ${TOKEN}x` } })).status, path).toBe(401);
  }
  expect((await ask(url, '/metrics', { headers: { authorization: `Bearer ${TOKEN}` } })).status).toBe(200);
  const away = await ask(url, '/jobs/a?page=2');
  expect([away.status, away.headers.location]).toEqual([303, '/login?next=%2Fjobs%2Fa%3Fpage%3D2']);

  const wrong = await ask(url, '/login', form({ token: 'wrong', next: '/now' }));
  expect([wrong.status, wrong.headers['set-cookie'], wrong.text]).toEqual([
    401,
    undefined,
    expect.stringContaining('not the token'),
  ]);
  const foreign = await ask(url, '/login', form({ token: TOKEN }, { origin: 'https://evil.example.com' }));
  expect(foreign.status).toBe(403);
  const right = await ask(url, '/login', form({ token: TOKEN, next: '/now' }));
  expect([right.status, right.headers.location]).toEqual([303, '/now']);
  const [cookie = ''] = right.headers['set-cookie'] as string[];
  expect(cookie).toMatch(/^run_job_console=\d+\.[\w-]{43}; Max-Age=43200; Path=\/; HttpOnly; SameSite=Strict$/);
  const value = cookie.split(';')[0] ?? '';
  expect((await ask(url, '/now', { headers: { cookie: value } })).status).toBe(200);
  // One that says that it holds for longer has another signature.
  const forged = value.replace(/=\d+/, '=99999999999');
  expect((await ask(url, '/now', { headers: { cookie: forged } })).status).toBe(303);
  expect(served.said()).not.toContain(TOKEN);
});

test.for(['//evil.example.com', 'https://evil.example.com', '/\\evil.example.com', '/\t/evil.example.com'])(
  'after the login nobody is led to another site: %j',
  async (next) => {
    await using served = await serveConsole({ env: { RUN_JOB_CONSOLE_TOKEN: TOKEN } });
    const { headers } = await ask(served.url, '/login', form({ token: TOKEN, next }));
    expect(URL.parse(String(headers.location), served.url)?.origin).toBe(new URL(served.url).origin);
  },
);

test('who guesses is kept waiting, also with the right token', async () => {
  await using served = await serveConsole({ env: { RUN_JOB_CONSOLE_TOKEN: TOKEN } });
  for (let guess = 0; guess < 10; guess++) await ask(served.url, '/login', form({ token: `guess ${guess}` }));
  const limited = await ask(served.url, '/login', form({ token: TOKEN }));
  expect([limited.status, Number(limited.headers['retry-after'])]).toEqual([429, expect.any(Number)]);
  const bearer = await ask(served.url, '/metrics', { headers: { authorization: `Bearer ${TOKEN}` } });
  expect(bearer.status).toBe(429);
});

test('a proxy that is trusted says who it is; the same header from elsewhere says nothing', async () => {
  await using trusted = await serveConsole({ args: ['--trust-proxy', '127.0.0.0/8'] });
  const named = await ask(trusted.url, '/', {
    headers: { 'x-forwarded-email': 'ada@example.com', host: 'console.example.com' },
  });
  expect([named.status, named.text]).toEqual([200, expect.stringContaining('ada@example.com')]);
  await using other = await serveConsole({ args: ['--host', '0.0.0.0', '--trust-proxy', '10.9.9.9'] });
  const stranger = await ask(other.url, '/', { headers: { 'x-forwarded-email': 'ada@example.com' } });
  expect([stranger.status, stranger.text]).toEqual([403, expect.not.stringContaining('ada@')]);
});

test('every answer has the headers against framing and sniffing', async () => {
  await using served = await serveConsole();
  for (const path of ['/', '/now', '/nothing', '/healthz', '/metrics', '/api/v1/jobs', '/?health=no']) {
    const { headers } = await ask(served.url, path);
    expect(headers, path).toMatchObject({
      'content-security-policy': expect.stringMatching(/default-src 'none'.*frame-ancestors 'none'/),
      'x-content-type-options': 'nosniff',
      'x-frame-options': 'DENY',
    });
    expect(String(headers['content-security-policy'])).not.toContain('unsafe');
  }
});
