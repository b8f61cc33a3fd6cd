// A PostgreSQL that speaks TLS: what each sslmode makes sure of, and that a cancel request is as private as the connection that it is for.
import { chmodSync, chownSync } from 'node:fs';
import { createConnection, createServer } from 'node:net';
import { dirname } from 'node:path';
import { afterAll, beforeAll, expect, test, vi } from 'vitest';
import { openConnection } from '../../src/postgres/connect.ts';
import { openPool } from '../../src/postgres/job-pool.ts';
import { type Certificates, makeCertificates } from '../rabbitmq/certificates.ts';
import { type PostgresServer, startPostgres } from '../support/postgres-server.ts';
import { runToEnd } from '../support/run-job.ts';
import { unprivilegedUser } from '../support/unprivileged.ts';
import { serverAt } from './server-at.ts';

let certificates: Certificates;
let others: Certificates;
let server: PostgresServer;

beforeAll(async () => {
  certificates = makeCertificates();
  others = makeCertificates();
  const { cert, key } = certificates.server;
  const user = unprivilegedUser();
  // The server refuses a key that others may read.
  chmodSync(key, 0o600);
  if (user) for (const path of [dirname(key), cert, key]) chownSync(path, user.uid, user.gid);
  server = await startPostgres({ settings: { ssl: 'on', ssl_cert_file: cert, ssl_key_file: key } });
});
afterAll(async () => {
  await server[Symbol.asyncDispose]();
  certificates[Symbol.dispose]();
  others[Symbol.dispose]();
});

/** The server's URL. The certificate is for the host localhost, and not for its address. */
function url(host: string, mode: string, ca?: Certificates): string {
  const here = new URL(server.url);
  here.hostname = host;
  here.searchParams.set('sslmode', mode);
  if (ca) here.searchParams.set('sslrootcert', ca.ca);
  return here.href;
}

async function isEncrypted(at: string): Promise<boolean> {
  const connection = await openConnection(serverAt(at));
  const { rows } = await connection.query<{ ssl: boolean }>('SELECT ssl FROM pg_stat_ssl WHERE pid = pg_backend_pid()');
  await connection.close();
  return rows[0]?.ssl ?? false;
}

test.for([
  ['verify-full', 'localhost', true, true],
  ['verify-ca', 'localhost', true, true],
  ['verify-ca', '127.0.0.1', true, true],
  ['require', 'localhost', true, true],
  ['prefer', 'localhost', true, true],
  ['no-verify', '127.0.0.1', false, true],
  ['disable', '127.0.0.1', false, false],
] as const)('sslmode=%s connects to %s', async ([mode, host, ca, encrypted]) => {
  expect(await isEncrypted(url(host, mode, ca ? certificates : undefined))).toBe(encrypted);
});

test.for([
  ['verify-full', '127.0.0.1', 'ours', 'for another host name'],
  ['require', '127.0.0.1', 'ours', 'for another host name'],
  ['verify-full', 'localhost', 'another', 'not trusted; name its CA with sslrootcert'],
  ['verify-ca', 'localhost', 'another', 'not trusted; name its CA with sslrootcert'],
  ['require', 'localhost', 'another', 'not trusted; name its CA with sslrootcert'],
  ['require', 'localhost', 'none', 'not trusted; name its CA with sslrootcert'],
  ['verify-full', 'localhost', 'none', 'not trusted; name its CA with sslrootcert'],
] as const)('sslmode=%s refuses %s with %s CA: the certificate is %s', async ([mode, host, ca, why]) => {
  const at = url(host, mode, { ours: certificates, another: others, none: undefined }[ca]);
  await expect(openConnection(serverAt(at))).rejects.toMatchObject({
    code: 'ERR_RUN_JOB_CONFIG',
    message: expect.stringContaining(why),
  });
});

test('verify-ca without a CA is misconfigured before anything is opened', async () => {
  const ended = await runToEnd(['noop'], { env: { DATABASE_URL: url('localhost', 'verify-ca') } });
  expect(ended.summary).toMatchObject({
    exitCode: 78,
    error: { message: expect.stringContaining('must name the CA with sslrootcert when sslmode is verify-ca') },
  });
});

test('a run over TLS is locked and recorded', async () => {
  const database = { url: url('127.0.0.1', 'verify-ca', certificates) };
  expect((await runToEnd(['migrate'], { database })).exitCode).toBe(0);
  const { summary } = await runToEnd(['noop'], { database });
  expect((await runToEnd(['show', summary.runId, '--json'], { database })).stdout).toContain('"succeeded"');
});

test('a statement over TLS is cancelled by a request over TLS, which nobody on the way can read', async () => {
  await using proxy = await recordBeginnings(server.port);
  const at = url('localhost', 'verify-full', certificates).replace(`:${server.port}/`, `:${proxy.port}/`);
  const opened = openPool(serverAt(at), { max: 1 });
  const abort = new AbortController();
  const reason = new Error('stop');
  const sleeping = opened.pool.statement(abort.signal, 'SELECT pg_sleep(600)');
  sleeping.catch(() => {});
  const probe = await openConnection(serverAt(url('127.0.0.1', 'no-verify')));
  const sleepers = async () =>
    (await probe.query("SELECT 1 FROM pg_stat_activity WHERE state = 'active' AND query LIKE 'SELECT pg_sleep%'"))
      .rowCount;
  await vi.waitUntil(async () => (await sleepers()) === 1, { timeout: 20_000 });
  abort.abort(reason);
  await expect(sleeping).rejects.toBe(reason);
  // The connection of the cancelled statement serves the next one.
  expect((await opened.pool.query('SELECT 1 AS one')).rows).toEqual([{ one: 1 }]);
  expect(await sleepers()).toBe(0);
  await opened.close();
  await probe.close();
  // One for the pool's connection, one for the cancel request: each asks for TLS, and the rest is a handshake.
  expect(proxy.beginnings).toEqual([SSL_REQUEST, SSL_REQUEST]);
});

/** The first message of a client that wants TLS: its length, and the code 80877103. */
const SSL_REQUEST = '0000000804d2162f';

/** A proxy in front of the server that keeps the first eight bytes of each connection. */
async function recordBeginnings(port: number): Promise<AsyncDisposable & { port: number; beginnings: string[] }> {
  const beginnings: string[] = [];
  const proxy = createServer((client) => {
    const upstream = createConnection(port, '127.0.0.1');
    client.once('data', (bytes: Buffer) => beginnings.push(bytes.subarray(0, 8).toString('hex')));
    client.pipe(upstream).pipe(client);
    for (const [one, other] of [
      [client, upstream],
      [upstream, client],
    ] as const) {
      one.on('error', () => other.destroy());
      one.on('close', () => other.destroy());
    }
  });
  await new Promise<void>((listening) => proxy.listen(0, 'localhost', listening));
  return {
    port: (proxy.address() as { port: number }).port,
    beginnings,
    [Symbol.asyncDispose]: () => new Promise((closed) => proxy.close(() => closed())),
  };
}
