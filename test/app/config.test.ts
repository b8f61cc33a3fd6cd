import { expect, test } from 'vitest';
import { loadConfig, missingFor, readConfig } from '../../src/app/config.ts';
import { ENVIRONMENT } from '../../src/app/environment.ts';

const GARBLED: Partial<Record<keyof typeof ENVIRONMENT, string>> = {
  DATABASE_URL: 'mysql://s3cret@x',
  AMQP_URL: 'amqp://fine,http://s3cret@x',
  AMQP_EXCHANGE: 's3cret'.repeat(50),
  LOG_LEVEL: 's3cret',
  LOG_FORMAT: 's3cret',
  RUN_JOB_SHUTDOWN_URLS: 's3cret',
};
/** Any text is fine for these. */
const FREE = new Set(['RUN_JOB_DIRS']);

test('an empty environment is a valid one, and empty variables count as unset', () => {
  const config = loadConfig({});
  expect(config).toMatchObject({
    databaseUrl: undefined,
    defaultTimeoutMs: 300_000,
    graceMs: 30_000,
    maxConcurrentJobs: 10,
  });
  const empty = Object.fromEntries(Object.keys(ENVIRONMENT).map((name) => [name, '']));
  expect(loadConfig(empty)).toEqual(config);
});

test.each(Object.keys(ENVIRONMENT).filter((name) => !FREE.has(name)))(
  '%s, garbled, is named without its value',
  (name) => {
    const value = GARBLED[name as keyof typeof GARBLED] ?? 's3cret\u0007';
    const { problems } = readConfig({ [name]: value });
    expect(problems).toHaveLength(1);
    expect(problems[0]).toMatch(new RegExp(`^${name} must `));
    expect(problems[0]).not.toContain('s3cret');
  },
);

test.each(['events\n', 'eve\nnts', 'events\u0000'])(
  'an AMQP_EXCHANGE of %j is refused: no exchange has such a name',
  (name) => {
    expect(readConfig({ AMQP_EXCHANGE: name }).problems).toEqual(['AMQP_EXCHANGE must not contain control characters']);
  },
);

test.each(['AMQP_URL', 'RUN_JOB_SHUTDOWN_URLS', 'RUN_JOB_CHECKINS', 'RUN_JOB_NOTIFY'])(
  '%s with port 0 is refused: nobody listens there',
  (name) => {
    const scheme = name === 'AMQP_URL' ? 'amqp' : 'http';
    expect(readConfig({ [name]: `${scheme}://localhost:0/x` }).problems).toEqual([expect.stringMatching(name)]);
    expect(readConfig({ [name]: `${scheme}://localhost:1/x` }).problems).toEqual([]);
  },
);

test('all problems are told at once', () => {
  expect(() => loadConfig({ WORKER_MAX_CONCURRENT_JOBS: '0', LOG_LEVEL: 'loud' })).toThrow(
    'The environment has 2 problems: WORKER_MAX_CONCURRENT_JOBS must be a whole number from 1 to 10000; LOG_LEVEL must be debug, info, warn or error',
  );
});

test.each([
  [{ JOB_COMPLETION_INDEX: '0' }, 'RUN_JOB_SHARDS'],
  [{ RUN_JOB_SHARDS: '4' }, 'JOB_COMPLETION_INDEX'],
  [{ RUN_JOB_SHARDS: '4', JOB_COMPLETION_INDEX: '4' }, 'JOB_COMPLETION_INDEX'],
])('shards that make no sense (%j) are a problem of %s', (env, name) => {
  expect(readConfig(env).problems).toEqual([expect.stringMatching(new RegExp(`^${name} `))]);
});

test('shards are what Kubernetes says', () => {
  expect(loadConfig({ RUN_JOB_SHARDS: '4', JOB_COMPLETION_INDEX: '3' }).shard).toEqual({ index: 3, count: 4 });
});

test('only what a job needs is required', () => {
  const config = loadConfig({});
  expect(missingFor({ needs: [] }, config)).toEqual([]);
  expect(missingFor({ needs: ['postgres', 'rabbitmq'] }, config)).toEqual([
    expect.stringContaining('DATABASE_URL is not set'),
    expect.stringContaining('AMQP_URL is not set'),
  ]);
});
