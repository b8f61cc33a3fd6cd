// Services that refuse, hang, answer nonsense or aren't there: the run's outcome stands, its end isn't late, and one sentence says what to do.
import { createServer } from 'node:http';
import type { AddressInfo } from 'node:net';
import { expect, test } from 'vitest';
import { CHECK, CRONITOR_KEY, PING_KEY, SENTRY_KEY, startCheckInServices } from '../support/check-in-services.ts';
import { freePorts } from '../support/free-port.ts';
import { runToEnd } from '../support/run-job.ts';

const warningsOf = (lines: readonly { level: string; msg: string }[]) =>
  lines.filter(({ level, msg }) => level === 'warn' && msg.includes('check-in')).map(({ msg }) => msg);

const SERVICES = ['healthchecks', 'sentry', 'cronitor', 'webhook'] as const;

/** What each service is complained of, in the order above, where it answers whatever it is asked with this. */
const every = (sentence: string) => SERVICES.map(() => sentence);

const REDIRECTED = 'which leads elsewhere: name that address instead';

test.concurrent.for([
  ['400', { status: 400 }, ['it answered 400', 'is the DSN that of a project?', 'it answered 400', 'it answered 400']],
  ['401', { status: 401 }, every('is the key right?')],
  ['403', { status: 403 }, every('is the key right?')],
  ['404', { status: 404 }, ['it has no check', ...every('it answered 404').slice(1)]],
  ['409', { status: 409 }, ['it has several checks', ...every('it answered 409').slice(1)]],
  ['413', { status: 413 }, ['it answered 413', 'is the DSN that of a project?', 'it answered 413', 'it answered 413']],
  ['429 for an hour', { status: 429, headers: { 'retry-after': '3600' } }, every('it answered 429')],
  ['500', { status: 500 }, every('it answered 500')],
  ['503', { status: 503 }, every('it answered 503')],
  ['301', { status: 301, headers: { location: '/elsewhere' } }, every(REDIRECTED)],
  ['302', { status: 302, headers: { location: '/elsewhere' } }, every(REDIRECTED)],
  ['307', { status: 307, headers: { location: '/elsewhere' } }, every(REDIRECTED)],
  ['308', { status: 308, headers: { location: '/elsewhere' } }, every(REDIRECTED)],
  ['a hang-up', { hangUp: true }, every('the connection was reset')],
  ['silence', { delayMs: Number.POSITIVE_INFINITY }, every('no answer in time')],
] as const)('%s', async ([_, answer, sentences]) => {
  await using services = await startCheckInServices();
  services.forever = answer;
  const { summary, lines, stdout, tookMs } = await runToEnd(['noop'], {
    env: {
      RUN_JOB_CHECKINS: SERVICES.map((name) => services[name]).join('\n'),
      // What answers is waited for, however busy this machine is.
      RUN_JOB_NOTIFY_TIMEOUT_MS: 'delayMs' in answer ? '1500' : '20000',
    },
  });
  expect(summary).toMatchObject({ status: 'succeeded', exitCode: 0 });
  const warnings = warningsOf(lines);
  expect(warnings).toHaveLength(SERVICES.length);
  for (const [index, label] of ['Healthchecks', 'Sentry', 'Cronitor', 'webhook'].entries())
    expect(warnings.find((warning) => warning.includes(`with ${label} at`))).toContain(sentences[index]);
  for (const key of [CHECK, SENTRY_KEY, CRONITOR_KEY, '/hook/of']) expect(stdout).not.toContain(key);
  // Nobody is sent elsewhere with what he was to be told.
  expect(services.requests.filter(({ path }) => path === '/elsewhere')).toEqual([]);
  expect(tookMs).toBeLessThan(15_000);
});

test.concurrent('a service that says yes, and never comes to the end of what it says beside, has taken it and keeps nobody waiting', async () => {
  const heard: string[] = [];
  const server = createServer((request, response) => {
    heard.push(new URL(request.url ?? '', 'http://fake').pathname.split('/').at(-1) ?? '');
    response.writeHead(200).write('OK');
  });
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  const { port } = server.address() as AddressInfo;
  try {
    const { lines, tookMs } = await runToEnd(['noop'], {
      env: {
        RUN_JOB_CHECKINS: `healthchecks+http://127.0.0.1:${port}/ping/${CHECK}`,
        RUN_JOB_NOTIFY_TIMEOUT_MS: '20000',
      },
    });
    expect(warningsOf(lines)).toEqual([]);
    expect(heard).toEqual(['start', CHECK]);
    expect(tookMs).toBeLessThan(8_000);
  } finally {
    server.closeAllConnections();
    server.close();
  }
});

test.concurrent('429 and 500 that pass within the time are tried again', async () => {
  await using services = await startCheckInServices();
  services.answer({ status: 429, headers: { 'retry-after': '0' } }, {}, { status: 503 });
  const { lines } = await runToEnd(['noop'], {
    env: { RUN_JOB_CHECKINS: services.sentry, RUN_JOB_NOTIFY_TIMEOUT_MS: '20000' },
  });
  expect(warningsOf(lines)).toEqual([]);
  expect(services.of('sentry')).toEqual(['in_progress', 'ok']);
});

test.concurrent.for(['seconds', 'a date'] as const)(
  '429 with Retry-After as %s: not before that, and in time',
  async (as) => {
    await using services = await startCheckInServices();
    const date = new Date(Date.now() + 3_000).toUTCString();
    services.answer({ status: 429, headers: { 'retry-after': as === 'a date' ? date : '1' } });
    const { lines } = await runToEnd(['noop'], {
      env: { RUN_JOB_CHECKINS: services.cronitor, RUN_JOB_NOTIFY_TIMEOUT_MS: '20000' },
    });
    expect(warningsOf(lines)).toEqual([]);
    expect(services.of('cronitor')).toEqual(['run', 'complete']);
    const [first = 0, second = 0] = services.requests.map(({ at }) => at.getTime());
    // A timer may be a millisecond early.
    expect(second).toBeGreaterThanOrEqual((as === 'a date' ? Date.parse(date) : first + 1_000) - 5);
  },
);

test.concurrent('a start that hangs leaves time for the end', async () => {
  await using services = await startCheckInServices();
  services.answer({ delayMs: Number.POSITIVE_INFINITY });
  await runToEnd(['noop'], { env: { RUN_JOB_CHECKINS: services.sentry, RUN_JOB_NOTIFY_TIMEOUT_MS: '4000' } });
  // The hanging start was heard of all the same.
  expect(services.of('sentry')).toEqual(['in_progress', 'ok']);
});

test.concurrent('nobody listens, and a name that nobody knows', async () => {
  const { summary, lines } = await runToEnd(['noop'], {
    env: {
      RUN_JOB_CHECKINS: `http://127.0.0.1:${(await freePorts(1))[0]}/a, http://nowhere.invalid/b`,
      RUN_JOB_NOTIFY_TIMEOUT_MS: '5000',
    },
  });
  expect(summary.status).toBe('succeeded');
  const warnings = warningsOf(lines).join('\n');
  expect(warnings).toContain('the connection was refused');
  expect(warnings).toMatch(/its host name (?:is unknown|could not be looked up)/);
});

test.concurrent('a proxy is used, unless NO_PROXY names the host', async () => {
  await using services = await startCheckInServices();
  const seen: string[] = [];
  const proxy = createServer((request, response) => {
    seen.push(request.url ?? '');
    request.resume();
    response.writeHead(200).end('OK');
  });
  await new Promise<void>((resolve) => proxy.listen(0, '127.0.0.1', resolve));
  const HTTP_PROXY = `http://127.0.0.1:${(proxy.address() as AddressInfo).port}`;
  try {
    const env = { RUN_JOB_CHECKINS: 'http://hooks.example/alerts', HTTP_PROXY };
    const { lines } = await runToEnd(['noop'], { env });
    expect(warningsOf(lines)).toEqual([]);
    expect(seen).toEqual(['http://hooks.example/alerts', 'http://hooks.example/alerts']);
    await runToEnd(['noop'], { env: { ...env, RUN_JOB_CHECKINS: services.webhook, NO_PROXY: '127.0.0.1' } });
    expect(services.of('webhook')).toEqual(['start', 'success']);
  } finally {
    await new Promise((resolve) => proxy.close(resolve));
  }
});

test.concurrent('several at once, of which one hangs: the others have all of it', async () => {
  await using services = await startCheckInServices();
  await using silent = await startCheckInServices();
  silent.forever = { delayMs: Number.POSITIVE_INFINITY };
  const { lines } = await runToEnd(['noop'], {
    env: {
      RUN_JOB_CHECKINS: [silent.webhook, services.sentry, services.cronitor].join(),
      RUN_JOB_NOTIFY_TIMEOUT_MS: '3000',
    },
  });
  expect(services.of('sentry')).toEqual(['in_progress', 'ok']);
  expect(services.of('cronitor')).toEqual(['run', 'complete']);
  expect(warningsOf(lines)).toHaveLength(1);
});

test.concurrent.for([
  ['Healthchecks without a key', 'https://hc-ping.com/', 'needs a check’s UUID or a ping key'],
  ['Healthchecks with a slug in capitals', `https://hc-ping.com/${PING_KEY}/Nightly`, 'small letters'],
  ['Sentry without a project', `sentry+https://${SENTRY_KEY}@o1.ingest.sentry.io/`, 'needs the DSN of a project'],
  ['Cronitor without a key', 'https://cronitor.link/', 'needs an API key'],
] as const)('%s: a warning that names the place, and the run goes on', async ([_, address, sentence]) => {
  const { summary, lines } = await runToEnd(['noop'], { env: { RUN_JOB_CHECKINS: address } });
  expect(summary.status).toBe('succeeded');
  const [warning = ''] = lines.filter(({ msg }) => msg.startsWith('RUN_JOB_CHECKINS, number 1:')).map(({ msg }) => msg);
  expect(warning).toContain(sentence);
});

test.concurrent('the keys are told nowhere, also by a job that prints its environment', async () => {
  await using services = await startCheckInServices();
  const keyed = services.healthchecks.replace(CHECK, PING_KEY);
  const { stdout, stderr } = await runToEnd(['exec', 'spies', '--', 'printenv', 'RUN_JOB_CHECKINS'], {
    env: { RUN_JOB_CHECKINS: [services.healthchecks, keyed, services.sentry, services.cronitor].join('\n') },
  });
  for (const key of [CHECK, PING_KEY, SENTRY_KEY, CRONITOR_KEY]) expect(stdout + stderr).not.toContain(key);
});
