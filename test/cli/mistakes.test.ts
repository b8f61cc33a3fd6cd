// What somebody types, forgets or mixes up in the first hour: each is answered by what to do, and not by how we met with it.
import { mkdirSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { expect, test } from 'vitest';
import { createDatabase } from '../support/database.ts';
import { runToEnd } from '../support/run-job.ts';
import { createScratchFolder } from '../support/scratch-folder.ts';

test.for([
  [['run', 'noop'], 'There is no job or command named run'],
  [['jobs/noop.ts'], 'There is no job or command named jobs/noop.ts; did you mean noop?'],
  [['version'], 'There is no job or command named version; did you mean --version?'],
  [['nop', '--pram', 'a=1'], 'There is no job or command named nop; did you mean noop?'],
  [['noop', 'to=top-secret'], 'run-job noop takes no arguments, and got 1; did you mean --param to=…?'],
] as const)('%j', async ([args, sentence]) => {
  const { summary, stdout } = await runToEnd(args);
  expect(summary).toMatchObject({ status: 'rejected', exitCode: 64 });
  expect(summary.error?.message).toContain(sentence);
  expect(stdout).not.toContain('top-secret');
});

test('a database that isn’t there, isn’t migrated or lets nobody in is told without the frames of run-job and Node', async () => {
  await using database = await createDatabase({ migrated: false });
  const elsewhere = (change: Partial<URL>) => Object.assign(new URL(database.url), change).href;
  for (const [url, sentence] of [
    [database.url, "doesn't have the schema that this version needs"],
    [elsewhere({ pathname: '/nowhere' }), 'has no such database'],
    [elsewhere({ password: 'wrong' }), 'refused the login'],
    [`${database.url}?sslmode=require`, "doesn't offer TLS"],
  ] as const) {
    const ended = await runToEnd(['noop'], { env: { DATABASE_URL: url } });
    expect(ended.summary).toMatchObject({ status: 'misconfigured', exitCode: 78 });
    expect(ended.summary.error?.message).toContain(sentence);
    expect(ended.stdout).not.toMatch(/\bat .*(?:node:|dist\/)/);
    const { stdout } = await runToEnd(['noop', '--log-format', 'pretty'], { env: { DATABASE_URL: url } });
    expect(stdout).toContain(sentence);
    expect(stdout).not.toMatch(/^ +at /m);
  }
});

test('a file that can’t be parsed or lacks a package is told once, with the line, and without the frames that found it', async () => {
  await using scratch = createScratchFolder();
  const folder = join(scratch.path, 'jobs');
  mkdirSync(folder);
  writeFileSync(join(folder, 'unparsed.mts'), 'export const one = 1;\nexport default {{{\n');
  writeFileSync(join(folder, 'lacks.mts'), "import nothing from 'no-such-package';\nexport default nothing;\n");
  const told = async (job: string) => {
    const { stdout } = await runToEnd([job, '--log-format', 'pretty'], { env: { RUN_JOB_DIRS: folder } });
    expect(stdout).not.toMatch(/^ +at /m);
    return stdout;
  };
  expect(await told('unparsed')).toMatch(/unparsed\.mts:2\n(?:.*\n)?export default \{\{\{\n/);
  const last = (await told('lacks')).trim().split('\n').at(-1) ?? '';
  expect(last.match(/Cannot find package/g)).toHaveLength(1);
});
