// Services behind TLS, and behind a proxy: nothing is sent to whom nobody vouches for, and a proxy of HTTPS sees no more than the host.
import { once } from 'node:events';
import { createServer } from 'node:http';
import { type AddressInfo, connect } from 'node:net';
import { afterAll, expect, test } from 'vitest';
import { makeCertificates } from '../rabbitmq/certificates.ts';
import { CHECK, CRONITOR_KEY, SENTRY_KEY, startCheckInServices } from '../support/check-in-services.ts';
import { freePorts } from '../support/free-port.ts';
import { runToEnd } from '../support/run-job.ts';

const good = makeCertificates();
const expired = makeCertificates(-1);
afterAll(() => {
  good[Symbol.dispose]();
  expired[Symbol.dispose]();
});

const warningsOf = (lines: readonly { level: string; msg: string }[]) =>
  lines.filter(({ level, msg }) => level === 'warn' && msg.includes('check-in')).map(({ msg }) => msg);

/** Checks in with all of them once, by a run that succeeds. */
async function run(checkIns: string, env: Record<string, string>) {
  const ended = await runToEnd(['noop'], {
    env: { RUN_JOB_CHECKINS: checkIns, RUN_JOB_NOTIFY_TIMEOUT_MS: '10000', ...env },
  });
  expect(ended.summary).toMatchObject({ status: 'succeeded', exitCode: 0 });
  for (const key of [CHECK, SENTRY_KEY, CRONITOR_KEY, 'proxy-password'])
    expect(ended.stdout + ended.stderr).not.toContain(key);
  return warningsOf(ended.lines);
}

const EXTRA = { NODE_EXTRA_CA_CERTS: good.ca };

test('a certificate of an authority that is named', async () => {
  await using services = await startCheckInServices([], good.server);
  expect(await run([services.healthchecks, services.sentry, services.cronitor].join(), EXTRA)).toEqual([]);
  expect(services.of('healthchecks')).toEqual(['start', 'success']);
  expect(services.of('sentry')).toEqual(['in_progress', 'ok']);
  expect(services.of('cronitor')).toEqual(['run', 'complete']);
});

test.for([
  [
    'that nobody vouches for',
    good,
    {},
    'localhost',
    'nobody vouches for its certificate: name the authority in NODE_EXTRA_CA_CERTS',
  ],
  ['of another host', good, EXTRA, '127.0.0.1', 'its certificate is for another host'],
  ['that has expired', expired, { NODE_EXTRA_CA_CERTS: expired.ca }, 'localhost', 'its certificate has expired'],
] as const)('a certificate %s: a sentence, and nothing is sent', async ([_, { server }, env, host, sentence]) => {
  await using services = await startCheckInServices([], server);
  const [warning = ''] = await run(services.healthchecks.replace('localhost', host), env);
  expect(warning).toContain(sentence);
  expect(services.requests).toEqual([]);
});

test('a host that speaks no TLS', async () => {
  await using services = await startCheckInServices();
  expect((await run(services.url.replace('http:', 'https:'), {})).join()).toMatch(/webhook at 127\.0\.0\.1:\d+ failed/);
});

/** A proxy that leads to whatever host it is asked for. */
async function startProxy(answer?: string) {
  const seen: string[] = [];
  const proxy = createServer();
  proxy.on('connect', (request, socket, head) => {
    seen.push(`${request.method} ${request.url} ${request.headers['proxy-authorization'] ?? ''}`.trim());
    if (answer !== undefined) return void socket.end(answer);
    const [host = '', port] = String(request.url).split(':');
    const through = connect(Number(port), host, () => {
      socket.write('HTTP/1.1 200 Connection Established\r\n\r\n');
      through.write(head);
      through.pipe(socket).pipe(through);
    });
    for (const side of [through, socket]) side.on('error', () => through.destroy());
  });
  proxy.listen(0, '127.0.0.1');
  await once(proxy, 'listening');
  return {
    seen,
    host: `127.0.0.1:${(proxy.address() as AddressInfo).port}`,
    async [Symbol.asyncDispose]() {
      proxy.closeAllConnections();
      await new Promise((resolve) => proxy.close(resolve));
    },
  };
}

test('HTTPS_PROXY: through a tunnel, in which the proxy sees the host alone', async () => {
  await using services = await startCheckInServices([], good.server);
  await using proxy = await startProxy();
  const { host } = new URL(services.url);
  const env = { ...EXTRA, HTTPS_PROXY: `http://us:proxy-password@${proxy.host}` };
  expect(await run(services.healthchecks, env)).toEqual([]);
  expect(services.of('healthchecks')).toEqual(['start', 'success']);
  const login = Buffer.from('us:proxy-password').toString('base64');
  expect(new Set(proxy.seen)).toEqual(new Set([`CONNECT ${host} Basic ${login}`]));
});

test.for(['localhost', '*', '.example.com,localhost', 'LOCALHOST'])('NO_PROXY=%s: past the proxy', async (NO_PROXY) => {
  await using services = await startCheckInServices([], good.server);
  await using proxy = await startProxy();
  expect(await run(services.sentry, { ...EXTRA, HTTPS_PROXY: `http://${proxy.host}`, NO_PROXY })).toEqual([]);
  expect(services.of('sentry')).toEqual(['in_progress', 'ok']);
  expect(proxy.seen).toEqual([]);
});

test('a proxy that refuses, and one that isn’t there: it is said which of the two it was', async () => {
  await using services = await startCheckInServices([], good.server);
  await using proxy = await startProxy('HTTP/1.1 407 Proxy Authentication Required\r\nContent-Length: 0\r\n\r\n');
  const refused = await run(services.cronitor, { ...EXTRA, HTTPS_PROXY: `http://${proxy.host}` });
  expect(refused.join()).toContain('the proxy refused (407)');
  const [port] = await freePorts(1);
  const gone = await run(services.cronitor, { ...EXTRA, HTTPS_PROXY: `http://127.0.0.1:${port}` });
  expect(gone.join()).toContain('the connection was refused');
  expect(services.requests).toEqual([]);
});

test('a proxy without a scheme is one of HTTP', async () => {
  await using services = await startCheckInServices([], good.server);
  await using proxy = await startProxy();
  expect(await run(services.cronitor, { ...EXTRA, https_proxy: proxy.host })).toEqual([]);
  expect(services.of('cronitor')).toEqual(['run', 'complete']);
  expect(proxy.seen.length).toBeGreaterThan(0);
});

test.for(['socks5://us:proxy-password@127.0.0.1:1080', 'not a proxy'])(
  '%s is said, and not passed by',
  async (HTTPS_PROXY) => {
    await using services = await startCheckInServices([], good.server);
    const warnings = await run(services.cronitor, { ...EXTRA, HTTPS_PROXY });
    expect(warnings.join()).toContain('HTTPS_PROXY must be the URL of an HTTP proxy');
    expect(services.requests).toEqual([]);
  },
);
