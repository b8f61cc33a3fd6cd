// Running again what a recorded run did: the same job, name, parameters and slot, here or as a Job of Kubernetes.
import { chmodSync, mkdirSync, mkdtempSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { expect, inject, test } from 'vitest';
import { calledWith } from '../../src/app/job-manifest.ts';
import { exec } from '../exec/support.ts';
import { expectAccounts } from '../support/accounts.ts';
import { createDatabase, type TestDatabase } from '../support/database.ts';
import { onEveryPostgres } from '../support/every-postgres.ts';
import { openGate } from '../support/gate.ts';
import { type Ended, runJob } from '../support/run-job.ts';
import { command, SLOT, schedule } from './support.ts';

const SUCCEEDED = { status: 'succeeded', exitCode: 0 } as const;

const started = ({ lines }: Ended) => lines.find(({ msg }) => msg === 'run started');

async function record(database: TestDatabase, { summary }: Ended) {
  const [row] = await database.query('select *, params_digest as digest from run_job.runs where id = $1', [
    summary.runId,
  ]);
  return row;
}

onEveryPostgres((create) => {
  test('it has the same job, name, parameters and slot, and its record says forced', async () => {
    await using database = await create({ migrated: true });
    const given = ['--param', 'tables=["a","b"]', '--params', '{"days":3}', '--attempts=2', '--timeout=90s'];
    const first = await command(database, ['takes_params', '--as=eu', '--scheduled-at', SLOT, ...given]);
    await expectAccounts(first, database, SUCCEEDED);
    const again = await command(database, ['rerun', first.summary.runId.slice(-8)]);
    await expectAccounts(again, database, SUCCEEDED);
    expect(again.summary).toMatchObject({ job: 'takes_params', name: 'eu', scheduledAt: SLOT });
    expect(again.summary.result).toEqual(first.summary.result);
    const [one, other] = [await record(database, first), await record(database, again)];
    expect(other).toMatchObject({ forced: true, digest: one?.digest, params: one?.params, ordered: one?.ordered });
    expect(one?.ordered).toEqual({
      params: { days: 3 },
      pairs: { tables: '["a","b"]' },
      timeoutMs: 90_000,
      attempts: 2,
    });
    const length = (line: Ended) =>
      Date.parse(String(started(line)?.deadline)) - Date.parse(String(started(line)?.time));
    expect(length(again)).toBeLessThan(91_000);
  });

  test('a parameter may be changed; what the environment makes different is refused, unless somebody says it', async () => {
    await using database = await create({ migrated: true });
    const first = await command(database, ['takes_params', '--scheduled-at', SLOT], { env: { FIXTURE_DAYS: '7' } });
    const id = first.summary.runId;
    const other = await command(database, ['rerun', id], { env: { FIXTURE_DAYS: '8' } });
    await expectAccounts(other, database, {
      status: 'rejected',
      exitCode: 64,
      error: 'makes other parameters of takes_params here',
    });
    const same = await command(database, ['rerun', id], { env: { FIXTURE_DAYS: '7' } });
    expect(same.summary.result).toMatchObject({ days: 7 });
    const changed = await command(database, ['rerun', id, '--param', 'days=9']);
    await expectAccounts(changed, database, SUCCEEDED);
    expect(changed.summary.result).toMatchObject({ days: 9 });
  });

  test('a program is run again with its arguments, exit codes and parameters', async () => {
    await using database = await create({ migrated: true });
    const script = 'echo "$1 $RUN_JOB_PARAM_KEY"; exit 24';
    const flags = ['--exit-code', '24=succeeded', '--param', 'key=value', '--scheduled-at', SLOT];
    const first = await exec(['sh', '-c', script, '--', '$it'], flags, { database }).done;
    await expectAccounts(first, database, SUCCEEDED);
    const again = await command(database, ['rerun', first.summary.runId]);
    await expectAccounts(again, database, SUCCEEDED);
    expect(again.lines.some(({ msg }) => msg === '$it value')).toBe(true);
    expect((await record(database, again))?.digest).toBe((await record(database, first))?.digest);
  });
});

test('a shard is run again as the same shard', async () => {
  await using database = await createDatabase();
  const env = { RUN_JOB_SHARDS: '5', JOB_COMPLETION_INDEX: '3' };
  const first = await command(database, ['noop', '--scheduled-at', SLOT], { env });
  const again = await command(database, ['rerun', first.summary.runId]);
  await expectAccounts(again, database, SUCCEEDED);
  expect(again.summary.shard).toEqual({ index: 3, count: 5 });
});

test('a paused name isn’t run again either', async () => {
  await using database = await createDatabase();
  const first = await command(database, ['noop', '--scheduled-at', SLOT]);
  await command(database, ['pause', 'noop', '--why', 'because']);
  const again = await command(database, ['rerun', first.summary.runId]);
  await expectAccounts(again, database, { status: 'skipped', exitCode: 0, reason: 'paused' });
});

test('the record of a version that kept no order is enough where the parameters say all', async () => {
  await using database = await createDatabase();
  const first = await command(database, ['takes_params', '--param', 'days=4', '--scheduled-at', SLOT]);
  await database.query('update run_job.runs set ordered = null');
  const again = await command(database, ['rerun', first.summary.runId]);
  await expectAccounts(again, database, SUCCEEDED);
  expect(again.summary.result).toMatchObject({ days: 4 });
});

test('a secret that no record keeps has to be given anew', async () => {
  await using database = await createDatabase();
  const first = await exec(['true'], ['--param', 'apiToken=s3cr3t-0f-m1ne', '--scheduled-at', SLOT], { database }).done;
  await expectAccounts(first, database, SUCCEEDED);
  expect(JSON.stringify(await record(database, first))).not.toContain('s3cr3t');
  const id = first.summary.runId;
  const refused = await command(database, ['rerun', id]);
  expect(refused).toMatchObject({ exitCode: 64, stdout: '' });
  expect(refused.stderr).toContain('give it by --param apiToken=…');
  await expectAccounts(
    await command(database, ['rerun', id, '--param', 'apiToken=s3cr3t-0f-m1ne']),
    database,
    SUCCEEDED,
  );
  const inArgs = await exec(['echo', '--password=s3cr3t-0f-m1ne'], [], { database }).done;
  const alsoRefused = await command(database, ['rerun', inArgs.summary.runId]);
  expect(alsoRefused.stderr).toContain('holds a secret, which no record keeps: run it anew with run-job exec it');
});

test('what still runs, and what nobody knows, is refused', async () => {
  await using database = await createDatabase();
  await using gate = await openGate();
  await using run = runJob(['waits', '--param', `gate=${gate.path}`], { database });
  await run.until(gate.arrival());
  const { runId } = await run.waitForLine(({ msg }) => msg === 'run started');
  const running = await command(database, ['rerun', String(runId)]);
  expect(running).toMatchObject({ exitCode: 64, stdout: '' });
  expect(running.stderr).toContain('still runs');
  for (const [args, sentence] of [
    [['rerun', 'abcdef'], 'no recorded run'],
    [['rerun', 'xyz'], 'hexadecimal digits'],
    [['rerun', String(runId), '--cronjob=x'], '--cronjob needs --emit=job'],
    [['rerun', String(runId), '--emit=pod'], '--emit must be one of job'],
    [['rerun'], 'needs an argument'],
  ] as const) {
    const ended = await command(database, args);
    expect(ended).toMatchObject({ exitCode: 64, stdout: '' });
    expect(ended.stderr).toContain(sentence);
  }
});

const CRONJOB = {
  apiVersion: 'batch/v1',
  kind: 'CronJob',
  metadata: { name: 'run-job-takes-params-with-a-name-that-is-as-long-as-can-be', namespace: 'jobs', uid: 'cron-uid' },
  spec: {
    schedule: '0 2 * * *',
    jobTemplate: {
      metadata: { labels: { app: 'x' } },
      spec: {
        completionMode: 'Indexed',
        completions: 5,
        parallelism: 2,
        backoffLimitPerIndex: 2,
        podFailurePolicy: {
          rules: [
            { action: 'FailIndex', onExitCodes: { operator: 'In', values: [65] } },
            { action: 'FailJob', onExitCodes: { operator: 'In', values: [64, 78, 79] } },
          ],
        },
        template: {
          metadata: { labels: { app: 'x' } },
          spec: {
            restartPolicy: 'Never',
            containers: [
              { name: 'sidecar', image: 'y', args: ['stay'] },
              {
                name: 'run-job',
                image: 'x',
                args: ['takes_params', '--locked=wait'],
                env: [{ name: 'RUN_JOB_SHARDS', value: '5' }],
              },
            ],
          },
        },
      },
    },
  },
};

/** A kubectl that answers with the CronJob when it is asked for the right one. */
function fakeKubectl(): string {
  const folder = mkdtempSync(join(inject('scratchFolder'), 'kubectl-'));
  mkdirSync(join(folder, 'bin'));
  const answer = join(folder, 'cronjob.json');
  writeFileSync(answer, JSON.stringify(CRONJOB));
  const program = join(folder, 'bin/kubectl');
  writeFileSync(
    program,
    `#!/bin/sh\nif [ "$*" = "get cronjob cleanup --namespace jobs --output json" ]; then cat ${answer}; else echo "error: $*" >&2; exit 1; fi\n`,
  );
  chmodSync(program, 0o755);
  return join(folder, 'bin');
}

test('a slot that was missed is no run: backfill does it', async () => {
  await using database = await createDatabase();
  await schedule(database, 'takes_params', { validFrom: '2026-11-25' });
  await command(database, ['status', 'takes_params']);
  const [missed] = await database.query(
    `select id from run_job.runs where status = 'missed' order by scheduled_at limit 1`,
  );
  const again = await command(database, ['rerun', missed?.id]);
  expect(again).toMatchObject({ exitCode: 64, stdout: '' });
  expect(again.stderr).toContain(
    'was missed; run-job backfill takes_params --from 2026-11-25T02:00:00Z --to 2026-11-25T02:00:00Z does it',
  );
  const cancelled = await command(database, ['cancel', missed?.id]);
  expect(cancelled).toMatchObject({ exitCode: 64, stdout: '' });
  expect(cancelled.stderr).toContain('was missed; there is nothing to cancel');
});

test.each([
  ['the image’s own', undefined, ['hello'], { args: [] }],
  ['its executable', ['run-job', 'hello'], undefined, { command: ['run-job'], args: [] }],
  [
    'its script',
    ['tini', '--', 'node', 'dist/run-job.js'],
    ['hello'],
    { command: ['tini', '--', 'node', 'dist/run-job.js'], args: [] },
  ],
  ['an init', ['tini'], ['--', '/usr/bin/run-job', 'hello'], { command: ['tini'], args: ['--', '/usr/bin/run-job'] }],
  ['a program of theirs', ['/entrypoint'], ['hello'], { command: ['/entrypoint'], args: [] }],
  ['a shell', ['sh', '-c', 'run-job hello'], undefined, undefined],
  ['a shell with the script as its argument', ['sh', '-c'], ['run-job hello'], undefined],
] as const)(
  'a container that starts run-job by %s gets its arguments where it takes them',
  (_, command_, args, expected) => {
    const container = { name: 'job', ...(command_ && { command: command_ }), ...(args && { args }) };
    const called = () => calledWith(container, ['noop', '--as=x$(y)']);
    if (expected === undefined) expect(called).toThrow('which no arguments of run-job can be given to');
    else expect(called()).toEqual({ name: 'job', ...expected, args: [...expected.args, 'noop', '--as=x$$(y)'] });
  },
);

test('--emit=job prints the Job that the CronJob would make, with the CronJob as its owner', async () => {
  await using database = await createDatabase();
  const env = { RUN_JOB_SHARDS: '5', JOB_COMPLETION_INDEX: '3', CRONJOB_NAME: 'cleanup', POD_NAMESPACE: 'jobs' };
  const first = await command(database, ['takes_params', '--as=eu', '--scheduled-at', SLOT, '--param', 'name=a$(b)c'], {
    env,
  });
  const path = `${fakeKubectl()}:${process.env.PATH}`;
  const emitted = await command(database, ['rerun', first.summary.runId, '--emit=job', '--param', 'days=2'], {
    env: { PATH: path },
  });
  expect(emitted, emitted.stderr).toMatchObject({ exitCode: 0, stderr: '' });
  const job = JSON.parse(emitted.stdout);
  expect(job).toMatchObject({
    apiVersion: 'batch/v1',
    kind: 'Job',
    metadata: {
      name: expect.stringMatching(
        /^run-job-takes-params-with-a-name-that-is-as-long-as-rerun-[0-9a-f]{6}$|^.{1,50}-rerun-[0-9a-f]{6}$/,
      ),
      namespace: 'jobs',
      labels: { app: 'x' },
      annotations: { 'cronjob.kubernetes.io/instantiate': 'manual', 'run-job/rerun-of': first.summary.runId },
      ownerReferences: [
        { apiVersion: 'batch/v1', kind: 'CronJob', name: CRONJOB.metadata.name, uid: 'cron-uid', controller: true },
      ],
    },
  });
  expect(job.metadata.name.length).toBeLessThanOrEqual(63);
  const { spec } = job;
  expect(Object.keys(spec)).not.toContain('completionMode');
  expect(spec).toMatchObject({
    backoffLimit: 2,
    podFailurePolicy: { rules: [{ action: 'FailJob' }, { action: 'FailJob' }] },
  });
  const [sidecar, container] = spec.template.spec.containers;
  expect(sidecar.args).toEqual(['stay']);
  expect(container.args).toEqual([
    'takes_params',
    '--as=eu',
    `--scheduled-at=${SLOT}`,
    '--force',
    '--locked=wait',
    '--param=name=a$$(b)c',
    '--param=days=2',
  ]);
  expect(container.env).toEqual([
    { name: 'RUN_JOB_SHARDS', value: '5' },
    { name: 'JOB_COMPLETION_INDEX', value: '3' },
  ]);
  // What it says is what runs.
  const again = await command(
    database,
    container.args.map((text: string) => text.replaceAll('$$', '$')),
    {
      env: { RUN_JOB_SHARDS: '5', JOB_COMPLETION_INDEX: '3' },
    },
  );
  await expectAccounts(again, database, SUCCEEDED);
  expect(again.summary).toMatchObject({
    name: 'eu',
    result: { days: 2, name: 'a$(b)c' },
    shard: { index: 3, count: 5 },
  });
});

test('--emit=job takes the CronJob from a file, of a program too, and says what it lacks', async () => {
  await using database = await createDatabase();
  const first = await exec(['sh', '-c', 'exit 0'], ['--scheduled-at', SLOT, '--raw'], { database }).done;
  const id = first.summary.runId;
  const unknown = await command(database, ['rerun', id, '--emit=job']);
  expect(unknown).toMatchObject({ exitCode: 64, stdout: '' });
  expect(unknown.stderr).toContain('belongs to no CronJob that is known');
  await schedule(database, 'it');
  await database.query(`update run_job.schedules set cronjob_name = 'other', namespace = 'jobs'`);
  const refused = await command(database, ['rerun', id, '--emit=job'], {
    env: { PATH: `${fakeKubectl()}:${process.env.PATH}` },
  });
  expect(refused).toMatchObject({ exitCode: 69, stdout: '' });
  expect(refused.stderr).toContain('kubectl get cronjob other failed: error: get cronjob other --namespace jobs');
  const folder = mkdtempSync(join(inject('scratchFolder'), 'cronjob-'));
  const file = join(folder, 'cronjob.json');
  writeFileSync(file, JSON.stringify(CRONJOB));
  const emitted = await command(database, ['rerun', id, '--emit=job', `--cronjob=${file}`]);
  expect(emitted.exitCode, emitted.stderr).toBe(0);
  const job = JSON.parse(emitted.stdout);
  expect(Object.keys(job.spec)).not.toContain('completions');
  expect(job.spec.template.spec.containers[1].args).toEqual([
    'exec',
    'it',
    `--scheduled-at=${SLOT}`,
    '--force',
    '--locked=wait',
    '--raw',
    '--',
    'sh',
    '-c',
    'exit 0',
  ]);
  writeFileSync(file, '{"kind":"Job"}');
  for (const path of [file, `${file}.not`]) {
    const bad = await command(database, ['rerun', id, '--emit=job', `--cronjob=${path}`]);
    expect(bad).toMatchObject({ exitCode: 64, stdout: '' });
    expect(bad.stderr.trim().split('\n')).toHaveLength(1);
  }
});
