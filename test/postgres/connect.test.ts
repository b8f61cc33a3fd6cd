// Connecting: never for longer than was allowed, and one sentence with the remedy when it can't be done.
import { inspect } from 'node:util';
import { describe, expect, inject, test } from 'vitest';
import { openConnection } from '../../src/postgres/connect.ts';
import { createDatabase } from '../support/database.ts';
import { freePorts } from '../support/free-port.ts';
import { startPgBouncer } from '../support/pgbouncer.ts';
import { startBlackHole } from '../support/tcp-proxy.ts';
import { serverAt } from './server-at.ts';

const UNAVAILABLE = 'ERR_RUN_JOB_UNAVAILABLE';
const CONFIG = 'ERR_RUN_JOB_CONFIG';

/** The error of a connection that must fail, with its code and message. */
async function failure(url: string, connectTimeoutMs = 5_000): Promise<Error & { code: string }> {
  const error = await Promise.resolve()
    .then(() => openConnection(serverAt(url, connectTimeoutMs)))
    .then(
      () => Promise.reject(new Error('It connected')),
      (reason) => reason,
    );
  expect(inspect(error, { depth: 9, showHidden: true })).not.toContain('s3cret');
  return error;
}

const change = (url: string, given: Partial<URL>) => Object.assign(new URL(url), given).href;

describe.for([
  ['no scheme', 'some text with s3cret'],
  ['another scheme', 'mysql://user:s3cret@host/db'],
  ['no host and a bad port', 'postgres://user:s3cret@host:port/db'],
] as const)('a URL with %s', ([_, url]) => {
  test('is a configuration error that does not repeat it', async () => {
    const error = await failure(url);
    expect(error.code).toBe(CONFIG);
    expect(error.message).toMatch(/^DATABASE_URL is not a (PostgreSQL|valid) URL/);
  });
});

test('a URL that names a certificate which is not there is a configuration error that names the file', async () => {
  const error = await failure('postgres://user:s3cret@host/db?sslrootcert=/nowhere/ca.pem');
  expect(error).toMatchObject({ code: CONFIG, message: expect.stringContaining('/nowhere/ca.pem') });
});

test('a server that refuses connections is unavailable', async () => {
  const [port] = await freePorts(1);
  const error = await failure(`postgres://user:s3cret@127.0.0.1:${port}/db`);
  expect(error.code).toBe(UNAVAILABLE);
  expect(error.message).toBe(
    `PostgreSQL at 127.0.0.1:${port}/db refused the connection; check that it runs and that DATABASE_URL has the right host and port`,
  );
});

test('an address of IPv6 is told as a URL has it', async () => {
  const [port] = await freePorts(1);
  const { message } = await failure(`postgres://user:s3cret@[::1]:${port}/db`);
  expect(message).toContain(`PostgreSQL at [::1]:${port}/db `);
});

test('a server that takes the connection and never answers is unavailable after the connect timeout', async () => {
  await using hole = await startBlackHole();
  const since = performance.now();
  const error = await failure(`postgres://user:s3cret@127.0.0.1:${hole.port}/db`, 300);
  expect(performance.now() - since).toBeLessThan(3_000);
  expect(error).toMatchObject({ code: UNAVAILABLE, message: expect.stringContaining("didn't answer within 0.3 s") });
});

test('a host name that does not resolve is unavailable', async () => {
  const error = await failure('postgres://user:s3cret@nowhere.invalid/db');
  expect(error).toMatchObject({ code: UNAVAILABLE, message: expect.stringContaining("doesn't resolve") });
});

test('a wrong password, a role or a database that is not there are configuration errors', async () => {
  const url = inject('postgresUrl');
  const password = await failure(change(url, { password: 's3cret' }));
  expect(password).toMatchObject({
    code: CONFIG,
    message: expect.stringContaining('check the user name and the password'),
  });
  const role = await failure(change(url, { username: 'nobody', password: 's3cret' }));
  expect(role).toMatchObject({
    code: CONFIG,
    message: expect.stringContaining('check the user name and the password'),
  });
  const database = await failure(change(url, { pathname: '/nowhere' }));
  expect(database).toMatchObject({ code: CONFIG, message: expect.stringContaining('has no such database') });
  const none = await failure(change(url, { password: '' }));
  expect(none).toMatchObject({ code: CONFIG, message: expect.stringContaining('DATABASE_URL has none') });
  const tls = await failure(change(url, { search: '?sslmode=verify-full' }));
  expect(tls).toMatchObject({ code: CONFIG, message: expect.stringContaining('sslmode=disable') });
});

test('a wrong password, a role or a database that is not there are configuration errors behind PgBouncer too', async () => {
  await using pooler = await startPgBouncer(inject('postgresUrl'));
  const password = await failure(change(pooler.url, { password: 's3cret' }));
  expect(password).toMatchObject({
    code: CONFIG,
    message: expect.stringContaining('check the user name and the password'),
  });
  const role = await failure(change(pooler.url, { username: 'nobody', password: 's3cret' }));
  expect(role).toMatchObject({
    code: CONFIG,
    message: expect.stringContaining('check the user name and the password'),
  });
  // PgBouncer lets the client in and finds out with the first query.
  const connection = await openConnection(serverAt(change(pooler.url, { pathname: '/nowhere' }))).catch(
    (error) => error,
  );
  const error = connection instanceof Error ? connection : await connection.query('SELECT').catch((e: Error) => e);
  expect(error.message).toMatch(/database/);
});

test('a server without a free connection is unavailable', async () => {
  await using database = await createDatabase();
  await database.query(`ALTER DATABASE ${database.name} CONNECTION LIMIT 0`);
  await database.query(`CREATE ROLE ${database.name}_app LOGIN PASSWORD 's3cret'`);
  try {
    const error = await failure(change(database.url, { username: `${database.name}_app`, password: 's3cret' }));
    expect(error).toMatchObject({ code: UNAVAILABLE, message: expect.stringContaining('has no free connection') });
  } finally {
    await database.query(`DROP ROLE ${database.name}_app`);
  }
});

test('a password with characters that mean something in a URL works when it is percent-encoded', async () => {
  await using database = await createDatabase();
  const role = `${database.name}_app`;
  await database.query(`CREATE ROLE ${role} LOGIN PASSWORD 'p@ss/w:rd%?#'`);
  try {
    const url = new URL(database.url);
    url.username = role;
    url.password = encodeURIComponent('p@ss/w:rd%?#');
    const connection = await openConnection(serverAt(url.href));
    await connection.close();
  } finally {
    await database.query(`DROP ROLE ${role}`);
  }
});
