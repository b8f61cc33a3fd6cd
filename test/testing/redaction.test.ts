// A run in a test redacts as a real one does: what a test asserts on is what production would tell.
import { expect, test } from 'vitest';
import { defineJob } from '../../src/index.ts';
import { runJob } from '../../src/testing/index.ts';
import tellsSecrets from '../fixtures/jobs/tells_secrets.ts';
import { createDatabase } from '../support/database.ts';
import { testPool } from '../support/pool.ts';
import { runToEnd } from '../support/run-job.ts';

const SECRET = 'hunt"er2\\Kq8/1@zz käse';

/** What is told of each line beside who told it and when. */
function told(message: string, fields: Record<string, unknown>): unknown {
  const { time, level, msg, job, name, runId, attempt, error, durationMs, ...rest } = fields;
  return [message, rest, withoutStacks(error)];
}

/** A stack's lines are the folder's of whoever runs it. */
const withoutStacks = (value: unknown): unknown =>
  JSON.parse(JSON.stringify(value ?? null, (key, item) => (key === 'stack' ? undefined : item)));

test.for(['no', 'error', 'object', 'text', 'names'] as const)(
  'the same job with the same secrets leaves the same lines, result and error as the executable (fails=%s)',
  async (fails) => {
    const env = { BANK_API_KEY: SECRET };
    const args = ['tells_secrets', '--param', `apiToken=${SECRET}`, '--param', `fails=${fails}`];
    const real = await runToEnd(args, { env: { ...env, RUN_JOB_LOG_LEVEL: 'debug' } });
    const outcome = await runJob(tellsSecrets, { params: { apiToken: SECRET, fails }, env });
    const own = ({ msg }: { msg: string }) => msg.startsWith('calling');
    const realLines = real.lines.filter(own).map((line) => told(line.msg, line));
    const testLines = outcome.log
      .filter(({ message }) => own({ msg: message }))
      .map(({ message, fields }) => told(message, fields));
    expect(realLines).toHaveLength(1);
    expect(testLines).toEqual(realLines);
    expect(outcome.result).toEqual(real.summary.result);
    expect(withoutStacks(outcome.error)).toEqual(withoutStacks(real.summary.error));
    expect(JSON.stringify(outcome)).not.toMatch(/hunt|Kq8|1@zz/);
    expect(outcome.counts).toEqual({ 'items of [redacted]': 1 });
  },
);

test('the password of a pool that the test brings is a secret, as that of DATABASE_URL is', async () => {
  await using database = await createDatabase();
  const { password, hostname, port, username } = new URL(database.url);
  const job = defineJob({
    name: 'leaks',
    description: 'Tells a password',
    needs: ['postgres'],
    run: () => `it is ${password}`,
  });
  const given = [
    { connectionString: database.url },
    { host: hostname, port: Number(port), user: username, password, database: database.name },
  ];
  for (const config of given) {
    const pool = testPool(config);
    expect((await runJob(job, { postgres: pool })).result).toBe('it is [redacted]');
    await pool.end();
  }
  expect((await runJob(job, { postgres: database.url })).result).toBe('it is [redacted]');
});
