// What commands print of jobs, and of what these say when they are asked, holds no secret of the environment.
import { mkdtempSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { expect, inject, test } from 'vitest';
import { createDatabase } from '../support/database.ts';
import { runToEnd } from '../support/run-job.ts';

const SECRET = 'hunt"er2 Kq81zz käse';
/** Each part by itself: lines are broken, and JSON escapes the quote. */
const PARTS = /hunt|er2|Kq81|käse/;

/** A job that tells the secret wherever its author can write something, in a file named like another secret. */
function folder(): string {
  const jobs = mkdtempSync(join(inject('scratchFolder'), 'jobs-'));
  writeFileSync(
    join(jobs, 'tells.ts'),
    `import { defineJob } from 'run-job';
import * as v from 'valibot';
const secret = process.env.BANK_API_KEY;
export default defineJob({
  name: 'tells',
  description: 'A description that is long enough for its line to be broken within the key, which is ' + secret,
  params: v.object({ of: v.optional(v.pipe(v.string(), v.description('Not ' + secret)), 'x' + secret) }),
  check() { throw new Error('refused ' + secret); },
  run() { throw new Error('refused ' + secret); },
});
`,
  );
  writeFileSync(join(jobs, 'kq81zz_token.ts'), 'throw new Error(process.env.BANK_API_KEY);\n');
  return jobs;
}

const env = () => ({ RUN_JOB_DIRS: folder(), BANK_API_KEY: SECRET, OTHER_TOKEN: 'kq81zz_token' });

test.for([
  ['tells --help', 0],
  ['list', 0],
  ['list --json', 0],
  ['--help', 0],
  ['doctor --jobs tells', 78],
  ['doctor --jobs tells --json', 78],
  ['kq81zz_token', 78],
] as const)('%s', async ([line, exitCode]) => {
  const ended = await runToEnd(line.split(' '), { env: env() });
  expect(ended.exitCode, ended.stdout + ended.stderr).toBe(exitCode);
  expect(ended.stdout + ended.stderr).toContain('[redacted]');
  expect(ended.stdout + ended.stderr).not.toMatch(PARTS);
});

test('history and show print what was redacted when it was recorded', async () => {
  await using database = await createDatabase();
  const { summary } = await runToEnd(['tells'], { env: env(), database });
  for (const args of [['history'], ['history', '--json'], ['show', summary.runId], ['show', summary.runId, '--json']]) {
    // Whoever reads needn't know the secret.
    const { stdout } = await runToEnd(args, { database });
    expect(stdout).toContain('refused [redacted]');
    expect(stdout).not.toMatch(PARTS);
  }
});
