// Jobs are found by their files, and a file that can't be a job is named.
import { mkdirSync, mkdtempSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { expect, inject, test } from 'vitest';
import { expectAccounts } from '../support/accounts.ts';
import { FIXTURES, runToEnd } from '../support/run-job.ts';

/** A folder with these files, by name. */
function folder(files: Record<string, string>): string {
  const path = mkdtempSync(join(inject('scratchFolder'), 'jobs-'));
  for (const [name, text] of Object.entries(files)) {
    mkdirSync(join(path, name, '..'), { recursive: true });
    writeFileSync(join(path, name), text);
  }
  return path;
}

const job = (name: string, body = 'return 1') =>
  `import { defineJob } from 'run-job';
export default defineJob({ name: '${name}', description: 'A job', run() { ${body} } });`;

const run = (name: string, ...folders: string[]) => runToEnd([name], { env: { RUN_JOB_DIRS: folders.join(':') } });

const MISCONFIGURED = { status: 'misconfigured', exitCode: 78 } as const;

test.for(['mine.js', 'mine.mjs', 'mine.ts', 'mine/index.js', 'mine/index.ts'])('%s is the job mine', async (file) => {
  const text = file.endsWith('ts') ? `${job('mine')}\nconst typed: number = 1;` : job('mine');
  const ended = await run('mine', folder({ [file]: text }));
  await expectAccounts(ended, undefined, { status: 'succeeded', exitCode: 0 });
});

test('several folders are searched, and only the module of the job that runs is loaded', async () => {
  const broken = `${job('broken')}\nthrow new Error('this module must not be loaded');`;
  const ended = await run(
    'second',
    folder({ 'first.js': job('first'), 'broken.js': broken }),
    folder({ 'second.js': job('second') }),
  );
  await expectAccounts(ended, undefined, { status: 'succeeded', exitCode: 0 });
});

test('an ES module that Node takes for CommonJS is refused with what to do', async () => {
  const path = folder({ 'package.json': '{ "type": "commonjs" }', 'mine.ts': job('mine') });
  await expectAccounts(await run('mine', path), undefined, {
    ...MISCONFIGURED,
    error: /"type": "module": rename the file to mine\.mts, or say so there/,
  });
});

test('tests, declarations and helpers beside the jobs are no jobs', async () => {
  const helper = `throw new Error('this is no job')`;
  const path = folder({
    'mine.js': job('mine'),
    'mine.test.js': helper,
    'mine.d.ts': '',
    'Helper.js': helper,
    'a-helper.js': helper,
  });
  await expectAccounts(await run('mine', path), undefined, { status: 'succeeded', exitCode: 0 });
});

test('two files that claim one name: misconfigured, and both are named', async () => {
  const one = folder({ 'mine.js': job('mine') });
  const two = folder({ 'mine.ts': job('mine') });
  const error = new RegExp(`${join(one, 'mine.js')}.*${join(two, 'mine.ts')}`);
  await expectAccounts(await run('mine', one, two), undefined, { ...MISCONFIGURED, error });
});

test('a file without a job as its default export: misconfigured', async () => {
  const path = folder({ 'mine.js': 'export default { name: "mine" };' });
  await expectAccounts(await run('mine', path), undefined, { ...MISCONFIGURED, error: join(path, 'mine.js') });
});

test('a job with another name than its file: misconfigured', async () => {
  const path = folder({ 'mine.js': job('yours') });
  await expectAccounts(await run('mine', path), undefined, { ...MISCONFIGURED, error: /mine\.js.*yours/ });
});

test.for([
  [`timeout: '30d'`, /timeout 30d/],
  [`timeout: 'soon'`, /timeout soon/],
  [`retry: { attempts: 0 }`, /retry\.attempts 0/],
  [`retry: { attempts: 2, baseDelay: 'soon' }`, /retry\.baseDelay soon/],
  [`needs: ['postgress']`, /needs postgress/],
  [`description: undefined`, /description/],
] as const)('a job with %s: misconfigured', async ([part, error]) => {
  const path = folder({ 'mine.js': job('mine').replace(', run()', `, ${part}, run()`) });
  await expectAccounts(await run('mine', path), undefined, { ...MISCONFIGURED, error });
});

test('a job named like a command: misconfigured', async () => {
  const path = folder({ 'history.js': job('history'), 'mine.js': job('mine') });
  await expectAccounts(await run('mine', path), undefined, { ...MISCONFIGURED, error: join(path, 'history.js') });
});

test('a file that can’t be loaded: misconfigured, with the reason', async () => {
  const path = folder({ 'mine.js': 'export default (', 'yours.js': 'import "nowhere-to-be-found";' });
  await expectAccounts(await run('mine', path), undefined, { ...MISCONFIGURED, error: join(path, 'mine.js') });
  await expectAccounts(await run('yours', path), undefined, { ...MISCONFIGURED, error: 'nowhere-to-be-found' });
});

test('a module whose loading never ends: crashed', async () => {
  const path = folder({ 'mine.js': `${job('mine')}\nawait new Promise(() => {});` });
  await expectAccounts(await run('mine', path), undefined, { status: 'crashed', exitCode: 70, error: /./ });
});

test('run-job list tells every job in the folders', async () => {
  const { stdout, exitCode } = await runToEnd(['list', '--json'], { env: { RUN_JOB_DIRS: FIXTURES } });
  expect(exitCode).toBe(0);
  expect(JSON.parse(stdout)).toEqual(
    expect.arrayContaining([expect.objectContaining({ name: 'needs_postgres', needs: ['postgres'] })]),
  );
});

test('run-job list tells of the jobs that came with run-job where there are no others, or where it is asked to', async () => {
  const list = async (args: readonly string[], dirs: string | undefined) => {
    const { stdout } = await runToEnd(['list', '--json', ...args], { env: { RUN_JOB_DIRS: dirs } });
    return (JSON.parse(stdout) as { name: string }[]).map(({ name }) => name);
  };
  const own = folder({ 'mine.js': job('mine') });
  expect(await list([], own)).toEqual(['mine']);
  expect(await list(['--all'], own)).toEqual(['database_cleanup', 'mine', 'report_generator']);
  expect(await list([], folder({}))).toEqual(['database_cleanup', 'report_generator']);
});

test('run-job list tells every job beside a file that is none, and says what is wrong with that', async () => {
  const folder = mkdtempSync(join(inject('scratchFolder'), 'jobs-'));
  writeFileSync(join(folder, 'helper.ts'), 'export const help = 1;\n');
  writeFileSync(join(folder, 'broken.ts'), 'export default {;\n');
  const env = { RUN_JOB_DIRS: `${FIXTURES}:${folder}` };
  const ended = await runToEnd(['list'], { env });
  expect(ended).toMatchObject({ exitCode: 0, stdout: expect.stringMatching(/^noop /m) });
  expect(ended.stderr.trimEnd().split('\n')).toEqual([
    expect.stringMatching(/broken\.ts can't be loaded/),
    expect.stringMatching(/helper\.ts .*default/),
  ]);
  const jobs = JSON.parse((await runToEnd(['list', '--json'], { env })).stdout) as { name: string }[];
  expect(jobs).toContainEqual({ name: 'helper', problem: expect.stringContaining('helper.ts') });
});
