// No secret is logged, recorded, sent or left in the termination message.
import { writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { inspect } from 'node:util';
import { expect, inject, test } from 'vitest';
import { readRecords } from '../support/accounts.ts';
import { createDatabase } from '../support/database.ts';
import { startOtlpReceiver } from '../support/otlp-receiver.ts';
import { runToEnd } from '../support/run-job.ts';

/** With all that an encoding may stumble over. */
const SECRET = 'hunt"er2\\Kq8/1@zz käse';

/** Each part by itself, as it would stay where only a piece of the secret is recognised. */
const PARTS = ['hunt', 'Kq8', '1@zz', 'Kq8%2F1', 'aHVudCJl'];

/** Everything that a run leaves anywhere, as one text. */
async function traces(
  args: readonly string[],
  env: Readonly<Record<string, string>>,
  exitCode: number,
): Promise<string> {
  await using database = await createDatabase();
  await using collector = await startOtlpReceiver();
  const ended = await runToEnd(args, {
    env: { OTEL_EXPORTER_OTLP_ENDPOINT: collector.url, OTEL_LOGS_EXPORTER: 'otlp', ...env },
    database,
  });
  expect(ended.exitCode, ended.stdout + ended.stderr).toBe(exitCode);
  const { spans, metrics, logs } = collector;
  expect([spans, metrics, logs].every(({ length }) => length > 0)).toBe(true);
  const sent = inspect({ spans, metrics, logs }, { depth: null, maxArrayLength: null, maxStringLength: null });
  return [
    ended.stdout,
    ended.stderr,
    JSON.stringify(ended.termination),
    JSON.stringify(await readRecords(database)),
    sent,
  ].join('\n');
}

test.for([
  ['no', 0],
  ['error', 1],
  ['object', 1],
  ['text', 1],
  ['names', 1],
] as const)(
  'a secret of the environment: in log lines, names, spans, metrics, results and errors (fails=%s)',
  async ([fails, code]) => {
    const args = ['tells_secrets', '--param', `apiToken=${SECRET}`, '--param', `fails=${fails}`];
    const text = await traces(args, { BANK_API_KEY: SECRET }, code);
    expect(text).toContain('[redacted]');
    for (const part of PARTS) expect(text).not.toContain(part);
  },
);

test('a secret in a file that the environment names', async () => {
  const path = join(inject('scratchFolder'), `secret-${process.pid}`);
  writeFileSync(path, `${SECRET}\n`);
  const text = await traces(['tells_secrets', '--param', `apiToken=${SECRET}`], { BANK_API_KEY_FILE: path }, 0);
  for (const part of PARTS) expect(text).not.toContain(part);
});

test('a parameter that is named like a secret, by its name alone', async () => {
  const secret = 'hunter2-Kq81zz';
  await using database = await createDatabase();
  const ended = await runToEnd(['takes_params', '--param', 'name=x', '--param', `password=${secret}`], { database });
  expect(ended.stdout + JSON.stringify(await readRecords(database))).not.toContain(secret);
});

test('what merely looks like a word of a secret stays', async () => {
  const ended = await runToEnd(['takes_params', '--param', 'name=tokens of gratitude']);
  expect(ended.summary.result).toMatchObject({ name: 'tokens of gratitude' });
});
