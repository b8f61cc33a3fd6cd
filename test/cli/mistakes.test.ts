// What somebody types, forgets or mixes up in the first hour: each is answered by what to do, and not by how we met with it.
import { spawnSync } from 'node:child_process';
import { mkdirSync, symlinkSync, writeFileSync } from 'node:fs';
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
  [['noop', '--to', 'top-secret'], 'run-job noop has no flag --to; did you mean --param to=…? It takes'],
  [['noop', '--to=top-secret'], 'run-job noop has no flag --to; did you mean --param to=…? It takes'],
  [['noop', '-n'], 'run-job noop has no flag -n. It takes'],
  [['noop', 'more'], 'run-job noop takes no arguments, and got 1; see run-job noop --help'],
  [['noop', '--', '--help'], 'run-job noop takes no arguments, and got 1; see run-job noop --help'],
  [['noop', '--help=yes'], '--help takes no value'],
  [['noop', '--locked'], '--locked needs a value: --locked <wait|fail|skip>'],
] as const)('%j', async ([args, sentence]) => {
  const { summary, stdout } = await runToEnd(args);
  expect(summary).toMatchObject({ status: 'rejected', exitCode: 64 });
  expect(summary.error?.message).toContain(sentence);
  expect(stdout).not.toContain('top-secret');
});

test.for([
  [['--versoin'], '--versoin is no flag of run-job itself; did you mean --version?'],
  [['--dry-run', 'noop'], '--dry-run is no flag of run-job itself; name a job or a command first'],
  [['schedules', 'apply', 'file.yaml'], 'takes at most 1 argument, and got 2; see run-job schedules --help'],
] as const)('%j', async ([args, sentence]) => {
  expect(await runToEnd(args)).toMatchObject({ exitCode: 64, stderr: expect.stringContaining(sentence) });
});

test('doctor tells of variables that are nearly ours, and that nothing reads', async () => {
  const env = { RUN_JOB_NOTFY: 'https://top-secret.example.com', AMQP_URI: 'x', RUN_JOB_DIR: 'x', WORKER_NAME: 'x' };
  const { exitCode, stdout } = await runToEnd(['doctor', '--json'], {
    env: { ...env, RUN_JOB_SERVICE_HOST: '10.0.0.1' },
  });
  const warned = (JSON.parse(stdout) as { verdict: string; message: string }[]).filter(
    ({ verdict }) => verdict === 'warning',
  );
  expect(warned.map(({ message }) => message).sort()).toEqual([
    'nothing reads AMQP_URI; did you mean AMQP_URL?',
    'nothing reads RUN_JOB_NOTFY; did you mean RUN_JOB_NOTIFY?',
  ]);
  expect(exitCode).toBe(0);
  expect(stdout).not.toContain('top-secret');
});

test('the help of a job says how long it may take, also where the job doesn’t', async () => {
  const { stdout } = await runToEnd(['noop', '--help'], { env: { WORKER_DEFAULT_TIMEOUT_SECONDS: '90' } });
  expect(stdout).toContain('timeout 1m 30s (WORKER_DEFAULT_TIMEOUT_SECONDS)');
});

test('the sources say how they are run', () => {
  const { status, stderr } = spawnSync(process.execPath, ['src/run-job.ts', 'noop'], { encoding: 'utf8' });
  expect({ status, stderr }).toEqual({
    status: 78,
    stderr: 'run-job: src/ is not run as it is: npm run build, then npx node dist/run-job.js\n',
  });
});

/** A folder with one job that works. */
function folderWithJob() {
  const scratch = createScratchFolder();
  const folder = join(scratch.path, 'jobs');
  mkdirSync(folder);
  writeFileSync(join(folder, 'works.mts'), job('works'));
  return { folder, [Symbol.asyncDispose]: () => scratch[Symbol.asyncDispose]() };
}

const job = (name: string, more = '') =>
  `import { defineJob } from 'run-job';\nexport default defineJob({ name: '${name}', description: 'd', run() {}, ${more} });\n`;

test('a link that leads nowhere, a circle of links and an empty folder beside the jobs are no jobs', async () => {
  await using made = folderWithJob();
  symlinkSync('/nonexistent', join(made.folder, 'nowhere'));
  symlinkSync('circle', join(made.folder, 'circle'));
  mkdirSync(join(made.folder, 'empty'));
  const env = { RUN_JOB_DIRS: made.folder };
  expect(await runToEnd(['works'], { env })).toMatchObject({ exitCode: 0 });
  const { stdout } = await runToEnd(['list', '--json'], { env });
  expect((JSON.parse(stdout) as { name: string }[]).map(({ name }) => name)).toEqual(['works']);
});

test.each([
  ['send-mail.mts', 'send-mail'],
  ['send-mail.mts', 'send_mail'],
  ['SendMail.ts', 'send_mail'],
  ['SendMail.ts', 'SendMail'],
  ['send_mail.cts', 'send_mail'],
  ['send_mail', 'send_mail'],
])('%s is no job’s file, and whoever runs %s is told so', async (file, name) => {
  await using made = folderWithJob();
  if (file.includes('.')) writeFileSync(join(made.folder, file), job('send_mail'));
  else mkdirSync(join(made.folder, file));
  const { summary } = await runToEnd([name], { env: { RUN_JOB_DIRS: made.folder } });
  expect(summary).toMatchObject({ status: 'rejected', exitCode: 64 });
  expect(summary.error?.message).toContain(`${join(made.folder, file)} is no job's file: name that in snake_case`);
});

test('a job whose name is mistyped only in its case is the one that is meant', async () => {
  await using made = folderWithJob();
  writeFileSync(join(made.folder, 'send_mail.mts'), job('send_mail'));
  const { summary } = await runToEnd(['Send_Mail'], { env: { RUN_JOB_DIRS: made.folder } });
  expect(summary.error?.message).toContain(
    'There is no job or command named Send_Mail; did you mean send_mail? Jobs: ',
  );
});

test.each([
  ['params: { to: 1 }', 'has params that are no schema: write them with valibot, such as v.object({ to: v.string() })'],
  ['params: null', 'has params that are no schema'],
  ['retry: null', 'has retry set to what is no object: write { attempts: 3 }'],
  ['after: [null]', 'comes after what has no name'],
  ["timeOut: '5m'", 'has timeOut, which no job has; did you mean timeout?'],
  ['retries: 3', 'has retries, which no job has'],
  ["command: 'ls -l'", "has a command that is no list: write ['pg_dump', '--file=/backup/orders.dump']"],
])('a job with %s is refused', async (part, sentence) => {
  await using made = folderWithJob();
  writeFileSync(join(made.folder, 'wrong.mts'), job('wrong', part));
  const { summary } = await runToEnd(['wrong'], { env: { RUN_JOB_DIRS: made.folder } });
  expect(summary).toMatchObject({ status: 'misconfigured', exitCode: 78 });
  expect(summary.error?.message).toContain(`${join(made.folder, 'wrong.mts')} ${sentence}`);
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
