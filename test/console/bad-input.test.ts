// What nobody should send, and databases that nobody should give.

import { once } from 'node:events';
import { request } from 'node:http';
import { connect, type Socket } from 'node:net';
import { expect, test } from 'vitest';
import { MIGRATIONS, migrate } from '../../src/postgres/migrate.ts';
import { serverAt } from '../postgres/server-at.ts';
import { createDatabase } from '../support/database.ts';
import { ask, recordRun, serveConsole, whenShown } from './support.ts';

test.for([
  '/?health=sick',
  '/?page=0',
  '/?page=-1',
  '/?page=1e9',
  '/?page=999999',
  `/?q=${'x'.repeat(201)}`,
  '/?q=%00',
  '/?tag=%0d%0aset-cookie:x',
  '/night?page=x',
  '/api/v1/jobs?health=sick',
  '/api/v1/night?page=0',
  '/?page=1%00',
  '/?page=%C2%B2',
  '/?page=1&page=x&health=constructor',
  '/?tag=%1b[31m',
])('a garbled parameter is one sentence: %s', async (path) => {
  await using served = await serveConsole();
  const { status, text } = await ask(served.url, path);
  expect(status).toBe(400);
  expect(text).toMatch(/The parameter (health|page|q|tag) (must|may)/);
  expect(served.said()).not.toContain('"error"');
});

test('a parameter that nobody asked for, in any shape, is none', async () => {
  await using served = await serveConsole();
  for (const query of [
    '__proto__=x&constructor[prototype][q]=y',
    'q[]=a&q=b&q=c',
    'q=%ff%fe',
    'q=%',
    'q=%25%27%22%5c%20OR%201=1--',
    '&&&=&==;;',
    `utm=${'x'.repeat(10_000)}`,
    'q=%F0%9F%90%98&owner=%E2%80%AE',
  ]) {
    for (const path of ['/', '/night', '/now', '/metrics', '/api/v1/jobs']) {
      const { status } = await ask(served.url, `${path}?${query}`);
      expect([path, query, status]).toEqual([path, query, 200]);
    }
  }
  expect(served.said()).not.toContain('"level":"error"');
});

test('odd paths lead nowhere, and none is an error of ours', async () => {
  await using served = await serveConsole();
  const odd = [
    '/../../etc/passwd',
    '/assets/../../package.json',
    '/assets/%2e%2e/%2e%2e/etc/passwd',
    '/jobs/%00',
    '/jobs/%ff',
    '/jobs/%E0%A4%A',
    '/runs/1',
    '/runs/%27%20OR%201=1',
    '/runs/00000000-0000-0000-0000-000000000000',
    `/jobs/${'x'.repeat(5_000)}`,
    '//evil.example.com/',
    '/api/v1/jobs/__proto__',
    '/jobs/constructor',
  ];
  for (const path of odd) {
    const { status, text } = await ask(served.url, path);
    expect([path, status]).toEqual([path, 404]);
    expect(text.length, path).toBeLessThan(3_000);
  }
  expect((await ask(served.url, '/login', { method: 'POST', body: 'x' })).status).toBe(303);
  expect(served.said()).not.toContain('"level":"error"');
});

test('a path that is there by other methods says by which', async () => {
  await using database = await createDatabase();
  await recordRun(database, { name: 'here' });
  await using served = await serveConsole({ database });
  await using acting = await serveConsole({ database, args: ['--actions'] });
  const answers = async ({ url }: { url: string }, asked: readonly (readonly [string, string])[]) =>
    Promise.all(
      asked.map(async ([method, path]) => {
        const { status, headers } = await ask(url, path, { method });
        return [method, path, status, headers.allow];
      }),
    );
  expect(
    await answers(served, [
      ['POST', '/now'],
      ['OPTIONS', '/api/v1/jobs/here'],
      ['PUT', '/healthz'],
      ['DELETE', '/login'],
      ['GET', '/logout'],
      ['POST', '/jobs/here/pause'],
      ['DELETE', '/nowhere'],
    ]),
  ).toEqual([
    ['POST', '/now', 405, 'GET, HEAD'],
    ['OPTIONS', '/api/v1/jobs/here', 405, 'GET, HEAD'],
    ['PUT', '/healthz', 405, 'GET, HEAD'],
    ['DELETE', '/login', 405, 'GET, HEAD, POST'],
    ['GET', '/logout', 405, 'POST'],
    // Nothing may be done here.
    ['POST', '/jobs/here/pause', 404, undefined],
    ['DELETE', '/nowhere', 404, undefined],
  ]);
  expect(await answers(acting, [['GET', '/jobs/here/pause']])).toEqual([['GET', '/jobs/here/pause', 405, 'POST']]);
  expect((await ask(served.url, '/now', { method: 'POST' })).text).toContain('/now takes no POST, only GET, HEAD.');
});

test('a name is a page, whatever its last letter is; only what programs read is JSON', async () => {
  await using database = await createDatabase();
  await recordRun(database, { name: 'quiz' });
  await using served = await serveConsole({ database, env: { RUN_JOB_CONSOLE_TOKEN: 'Vt8-kk2_Qw91xxZp44' } });
  expect(await ask(served.url, '/jobs/quiz')).toMatchObject({
    status: 303,
    headers: { location: '/login?next=%2Fjobs%2Fquiz' },
  });
  const authorization = 'Bearer Vt8-kk2_Qw91xxZp44';
  const missing = await ask(served.url, '/jobs/fizz', { headers: { authorization } });
  expect(missing).toMatchObject({ status: 404, text: expect.stringContaining('<h1>No such name</h1>') });
  expect((await ask(served.url, '/metrics')).headers['content-type']).toBe('application/json');
});

test('who asks for the headers of the stream of changes gets them and an end', async () => {
  await using served = await serveConsole();
  const { status, headers } = await ask(served.url, '/events', { method: 'HEAD' });
  expect([status, headers['content-type']]).toEqual([200, 'text/event-stream; charset=utf-8']);
  served.running.kill('SIGTERM');
  const { exitCode, stderr } = await served.running.done;
  expect([exitCode, stderr]).toEqual([0, expect.not.stringContaining('Error')]);
});

test('a character that turns text around is shown, and turns nothing', async () => {
  await using database = await createDatabase();
  const id = await recordRun(database, {
    status: 'failed',
    error: { name: 'Error', message: 'no file \u202egpj.exe' },
    output: ['a line \u2066 of it'],
  });
  await using served = await serveConsole({ database });
  const { text } = await ask(served.url, `/runs/${id}`);
  expect(text).toMatch(/no file \\u202egpj\.exe[\s\S]*a line \\u2066 of it/);
  expect(text).not.toMatch(/[\u202a-\u202e\u2066-\u2069]/);
});

test('headers that are too large and clients that are too slow are cut off, and others are served meanwhile', async () => {
  await using served = await serveConsole();
  const { port } = new URL(served.url);
  const large = connect(Number(port), '127.0.0.1');
  large.on('error', () => {});
  let answer = '';
  large.setEncoding('utf8').on('data', (text: string) => {
    answer += text;
  });
  large.write('GET / HTTP/1.1\r\nHost: localhost\r\n');
  for (let megabyte = 0; megabyte < 10 && !large.destroyed; megabyte++)
    large.write(`x-${megabyte}: ${'x'.repeat(1_000_000)}\r\n`);
  const slow = connect(Number(port), '127.0.0.1');
  slow.on('error', () => {});
  slow.resume();
  slow.write('GET / HTTP/1.1\r\nHost: loc');
  const closed = (socket: Socket) =>
    new Promise<void>((resolve) => (socket.destroyed ? resolve() : socket.on('close', () => resolve())));
  await closed(large);
  expect(answer === '' || answer.startsWith('HTTP/1.1 431')).toBe(true);
  expect((await ask(served.url, '/')).status).toBe(200);
  await closed(slow);
});

test('a thousand listeners hear of a change, and cost one look at the database', async () => {
  await using served = await serveConsole();
  const { hostname, port } = new URL(served.url);
  const listeners = Array.from({ length: 1_000 }, () => request({ hostname, port, path: '/events', agent: false }));
  const heard = listeners.map(async (sent) => {
    sent.on('error', () => {});
    sent.end();
    const [response] = await once(sent, 'response');
    expect(response.statusCode).toBe(200);
    response.setEncoding('utf8');
    for await (const text of response) if (text.includes('heard_of')) return true;
    return false;
  });
  await Promise.all(listeners.map((sent) => once(sent, 'response')));
  await recordRun(served.database, { name: 'heard_of' });
  expect(await Promise.all(heard)).toEqual(heard.map(() => true));
  const [open] = await served.database.query<{ count: number }>(
    `SELECT count(*)::integer AS count FROM pg_stat_activity WHERE datname = current_database() AND application_name LIKE '%serve%'`,
  );
  expect(open?.count).toBeLessThanOrEqual(4);
  for (const sent of listeners) sent.destroy();
}, 110_000);

test.for([
  ['no schema', 0],
  ['a schema that lacks the newest step', MIGRATIONS.length - 1],
] as const)('%s is told with the remedy, and the console comes to life when it is migrated', async ([_, steps]) => {
  await using database = await createDatabase({ migrated: false });
  if (steps > 0) await migrate(serverAt(database.url), MIGRATIONS.slice(0, steps));
  await using served = await serveConsole({ database });
  for (const path of ['/', '/now', '/night', '/jobs/a', '/api/v1/jobs']) {
    const { status, text } = await ask(served.url, path);
    expect([path, status, text]).toEqual([path, 503, expect.stringContaining('run-job migrate')]);
  }
  expect((await ask(served.url, '/readyz')).status).toBe(503);
  expect((await ask(served.url, '/healthz')).status).toBe(200);
  expect((await ask(served.url, '/metrics')).status).toBe(200);
  await migrate(serverAt(database.url));
  await whenShown(
    served.url,
    () => ask(served.url, '/'),
    ({ status }) => status === 200,
    20_000,
  );
  expect((await ask(served.url, '/readyz')).status).toBe(200);
});

test('a schema of a newer run-job that shuts us out is told', async () => {
  await using database = await createDatabase();
  await database.query(`INSERT INTO run_job.migrations (version, name, breaking) VALUES (999, '999_future', true)`);
  await using served = await serveConsole({ database });
  expect((await ask(served.url, '/')).text).toContain('newer run-job');
  // One that only adds doesn't.
  await database.query('UPDATE run_job.migrations SET breaking = false WHERE version = 999');
  await whenShown(
    served.url,
    () => ask(served.url, '/'),
    ({ status }) => status === 200,
  );
});
