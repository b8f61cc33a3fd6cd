// What a job saves of its progress is there for the next run of the same slot, and for no other.
import { execFileSync } from 'node:child_process';
import { mkdirSync, mkdtempSync, readdirSync, readFileSync, rmdirSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import { expect, inject, test } from 'vitest';
import { createDatabase, type TestDatabase } from '../support/database.ts';
import { runToEnd } from '../support/run-job.ts';
import { JOBS, runSlot, SLOT, startSlot, tablesOf } from './support.ts';

const keeps = (database: TestDatabase, env: Record<string, string> = {}, args: readonly string[] = []) =>
  runSlot(['keeps', ...args], { database, env });

const rows = (database: TestDatabase) =>
  database.query<{ value: unknown; saves: string; runs: number }>('SELECT value, saves, runs FROM run_job.checkpoints');

test('a run goes on from what the one before has saved, and its success deletes that', async () => {
  await using database = await createDatabase();
  const first = await keeps(database, { SAVES: '1,2,3', ENDS: 'throws' });
  expect(first.summary).toMatchObject({ status: 'failed', exitCode: 65 });
  expect(await rows(database)).toEqual([{ value: { done: 3 }, saves: '3', runs: 1 }]);
  const second = await keeps(database);
  expect(second.summary).toMatchObject({ status: 'succeeded', result: { before: { done: 3 } } });
  expect(await rows(database)).toEqual([]);
  expect(first.stdout + second.stdout).not.toContain('"value"');
});

test('another slot, other parameters, another name and another shard do not see it', async () => {
  await using database = await createDatabase();
  await keeps(database, { SAVES: '7', ENDS: 'throws' });
  const nothing = { status: 'succeeded', result: { before: null } };
  const env = { RUN_JOB_DIRS: JOBS };
  const later = await runToEnd(['keeps', '--scheduled-at', '2026-11-24T02:00:00Z'], { database, env });
  expect(later.summary).toMatchObject(nothing);
  expect((await keeps(database, {}, ['--as', 'other'])).summary).toMatchObject(nothing);
  const shard = { RUN_JOB_SHARDS: '2', JOB_COMPLETION_INDEX: '1' };
  expect((await keeps(database, shard)).summary).toMatchObject(nothing);
  expect((await keeps(database)).summary).toMatchObject({ result: { before: { done: 7 } } });
});

test('a run that never asks for it deletes it as well when the slot succeeds', async () => {
  await using database = await createDatabase();
  await keeps(database, { SAVES: '1', ENDS: 'throws' });
  // As if noop had saved it: whose work it is, is part of the slot.
  await runToEnd(['noop'], { database });
  await database.query(
    `UPDATE run_job.checkpoints SET name = 'noop', params_digest = (SELECT params_digest FROM run_job.runs WHERE name = 'noop')`,
  );
  await runToEnd(['noop', ...SLOT], { database });
  expect(await rows(database)).toEqual([]);
});

test('a dry run sees it, and changes nothing', async () => {
  await using database = await createDatabase();
  await keeps(database, { SAVES: '4', ENDS: 'throws' });
  const dry = await keeps(database, { SAVES: '9' }, ['--dry-run']);
  expect(dry.summary).toMatchObject({ status: 'succeeded', result: { before: { done: 4 } } });
  expect(await rows(database)).toEqual([{ value: { done: 4 }, saves: '1', runs: 1 }]);
});

test('--restart drops it once, also where the pods of one Job all say so', async () => {
  await using database = await createDatabase();
  await keeps(database, { SAVES: '5', ENDS: 'throws' });
  const again = await keeps(database, { SAVES: '6', ENDS: 'throws', JOB_UID: 'a' }, ['--restart']);
  expect(again.summary.result ?? null).toBe(null);
  expect(await rows(database)).toEqual([{ value: { done: 6 }, saves: '2', runs: 2 }]);
  const next = await keeps(database, { JOB_UID: 'a' }, ['--restart']);
  expect(next.summary).toMatchObject({ result: { before: { done: 6 } } });
});

test('a value of an older shape is refused with the way out, or taken by a schema that knows it', async () => {
  await using database = await createDatabase();
  await keeps(database, { SAVES: '5', ENDS: 'throws' });
  await database.query(`UPDATE run_job.checkpoints SET value = '5'`);
  const refused = await keeps(database);
  expect(refused.summary).toMatchObject({ status: 'failed', exitCode: 65 });
  expect(refused.summary.error?.message).toMatch(/doesn't fit the job's schema .*--restart/);
  const taken = await keeps(database, { SCHEMA: 'migrates' });
  expect(taken.summary).toMatchObject({ result: { before: { done: 5 } } });
});

test('256 KiB are enough, and one byte more is refused with the numbers, before anything is saved', async () => {
  await using database = await createDatabase();
  const head = Buffer.byteLength(JSON.stringify({ done: 1, text: '' }));
  const most = 256 * 1024 - head;
  const fits = await keeps(database, { SAVES: '1', SIZE: String(most), ENDS: 'throws' });
  expect(fits.summary.error?.message).toBe('as it was told');
  const larger = await keeps(database, { SAVES: '2', SIZE: String(most + 1) });
  expect(larger.summary).toMatchObject({ exitCode: 65, error: { message: expect.stringContaining('262145 bytes') } });
  expect(await rows(database)).toMatchObject([{ value: { done: 1 }, saves: '1' }]);
});

test('every saves once in a while, and the rest when the attempt ends or the run is asked to stop', async () => {
  await using database = await createDatabase();
  await keeps(database, { SAVES: '1,2,3', EVERY: '1h', ENDS: 'throws' });
  expect(await rows(database)).toEqual([{ value: { done: 3 }, saves: '2', runs: 1 }]);
  await using running = startSlot(['keeps'], { database, env: { SAVES: '4,5', EVERY: '1h', ENDS: 'waits' } });
  await running.waitForLine(({ msg }) => msg === 'waits');
  running.kill('SIGTERM');
  expect((await running.done).summary).toMatchObject({ status: 'interrupted' });
  expect(await rows(database)).toEqual([{ value: { done: 5 }, saves: '4', runs: 2 }]);
});

test('text that jsonb would not take comes back as it was', async () => {
  await using database = await createDatabase();
  await keeps(database, { SAVES: '1', ENDS: 'throws' });
  await database.query(`UPDATE run_job.checkpoints SET value = '{"done":1,"text":"a\\u0000b"}'`);
  expect((await keeps(database)).summary.result).toEqual({ before: { done: 1, text: 'a\u0000b' } });
});

test('a run whose record was closed by somebody else can save no more, and ends as unavailable', async () => {
  await using database = await createDatabase();
  await keeps(database, { SAVES: '1', ENDS: 'throws' });
  const fence = '9000000000000000';
  await database.query(`UPDATE run_job.checkpoints SET fence = ${fence}`);
  const { summary } = await keeps(database, { SAVES: '2' });
  expect(summary).toMatchObject({ status: 'unavailable', exitCode: 69 });
  expect(summary.error?.message).toContain('no longer holds its lock');
  expect(await rows(database)).toMatchObject([{ value: { done: 1 } }]);
});

test('without a database: misconfigured, unless WORKER_CHECKPOINT_FILE names a file, which is then used', async () => {
  const lacking = await runSlot(['keeps'], {});
  expect(lacking.summary).toMatchObject({ status: 'misconfigured', exitCode: 78 });
  expect(lacking.summary.error?.message).toMatch(/DATABASE_URL is not set.*WORKER_CHECKPOINT_FILE/);
  const folder = mkdtempSync(join(inject('scratchFolder'), 'checkpoint-'));
  mkdirSync(join(folder, 'volume'));
  const file = join(folder, 'volume', 'progress.json');
  const env = { WORKER_CHECKPOINT_FILE: file };
  await runSlot(['keeps'], { env: { ...env, SAVES: '1,2', ENDS: 'throws' } });
  expect(JSON.parse(readFileSync(file, 'utf8'))).toMatchObject({ name: 'keeps', value: { done: 2 } });
  const other = await runToEnd(['keeps', '--scheduled-at', '2026-11-24T02:00:00Z', '--dry-run'], {
    env: { ...env, RUN_JOB_DIRS: JOBS },
  });
  expect(other.summary.result).toEqual({ before: null });
  const second = await runSlot(['keeps'], { env });
  expect(second.summary.result).toEqual({ before: { done: 2 } });
  expect(readdirSync(join(folder, 'volume'))).toEqual([]);
  writeFileSync(file, 'garbage');
  expect((await runSlot(['keeps'], { env })).summary).toMatchObject({ exitCode: 78 });
  const nowhere = await runSlot(['keeps'], { env: { WORKER_CHECKPOINT_FILE: '/proc/nowhere/file' } });
  expect(nowhere.summary).toMatchObject({
    exitCode: 78,
    error: { message: expect.stringContaining('WORKER_CHECKPOINT_FILE') },
  });
});

/** Whether a volume can be made that is as small as a test wants it: not in a container without the right to. */
function mayMount(): boolean {
  const folder = mkdtempSync(join(tmpdir(), 'run-job-mount-'));
  try {
    execFileSync('mount', ['-t', 'tmpfs', 'tmpfs', folder], { stdio: 'ignore' });
    execFileSync('umount', [folder]);
    return true;
  } catch {
    return false;
  } finally {
    rmdirSync(folder);
  }
}

const inFile = (file: string, env: Record<string, string>, args: readonly string[] = []) =>
  runSlot([...(args.length > 0 ? args : ['keeps'])], { env: { WORKER_CHECKPOINT_FILE: file, ...env } });

const newFile = () => join(mkdtempSync(join(inject('scratchFolder'), 'checkpoint-')), 'progress.json');

test('in a file too, other parameters do not see it', async () => {
  const file = newFile();
  await inFile(file, { ENDS: 'throws', SAVES: '1' });
  const other = await inFile(file, { ENDS: 'throws' }, ['copies_nothing', '--as', 'keeps', '--param', 'row=2']);
  expect(other.summary.error?.message).toBe('goes on from nothing');
  const same = await inFile(file, {}, ['copies_nothing', '--as', 'keeps', '--param', 'row=3', '--dry-run']);
  expect(same.summary.error?.message).toBe('goes on from nothing');
});

test('a file keeps what one name saves: another is refused, and takes nothing away', async () => {
  const file = newFile();
  await inFile(file, { ENDS: 'throws', SAVES: '1' });
  const other = await inFile(file, {}, ['keeps', '--as', 'other']);
  expect(other.summary).toMatchObject({ status: 'misconfigured', exitCode: 78 });
  expect(other.summary.error?.message).toMatch(/keeps what keeps has saved: name another file for other/);
  expect((await inFile(file, {})).summary.result).toEqual({ before: { done: 1 } });
});

test('a run whose file another run has taken saves nothing more, and ends as unavailable', async () => {
  const file = newFile();
  await using first = startSlot(['keeps'], {
    env: { WORKER_CHECKPOINT_FILE: file, SAVES: '1,2', EVERY: '1h', ENDS: 'waits' },
  });
  await first.waitForLine(({ msg }) => msg === 'waits');
  await inFile(file, { ENDS: 'throws', SAVES: '7' });
  first.kill('SIGTERM');
  expect((await first.done).stdout).toContain('no longer holds its lock');
  expect(JSON.parse(readFileSync(file, 'utf8'))).toMatchObject({ value: { done: 7 } });
});

test('a file of another version, or one that is torn, is refused; what a killed run was writing is tidied up', async () => {
  const file = newFile();
  await inFile(file, { ENDS: 'throws', SAVES: '1' });
  const content = readFileSync(file, 'utf8');
  for (const other of [content.replace('"version":1', '"version":2'), content.slice(0, 100), '', 'null', '{}']) {
    writeFileSync(file, other);
    const { summary } = await inFile(file, {});
    expect(summary).toMatchObject({ status: 'misconfigured', exitCode: 78 });
    expect(summary.error?.message).toContain('is no checkpoint of this version of run-job');
  }
  writeFileSync(file, content);
  writeFileSync(`${file}.${JSON.parse(content).runId}.next`, content.slice(0, 50));
  await inFile(file, { ENDS: 'throws' });
  expect(readdirSync(dirname(file))).toEqual(['progress.json']);
});

test.runIf(mayMount())('a volume that is full: unavailable, and what was saved before stays', async () => {
  const file = newFile();
  const mounted = (command: string, ...more: string[]) => execFileSync(command, [...more, dirname(file)]);
  mounted('mount', '-t', 'tmpfs', '-o', 'size=256k', 'tmpfs');
  try {
    await inFile(file, { ENDS: 'throws', SAVES: '1', SIZE: '50000' });
    const full = await inFile(file, { SAVES: '2', SIZE: '250000' });
    expect(full.summary).toMatchObject({ status: 'unavailable', exitCode: 69 });
    expect(full.summary.error?.message).toContain('(ENOSPC)');
    expect(readdirSync(dirname(file))).toEqual(['progress.json']);
    expect(JSON.parse(readFileSync(file, 'utf8'))).toMatchObject({ value: { done: 1 } });
    mounted('mount', '-o', 'remount,ro');
    const readOnly = await inFile(file, {});
    expect(readOnly.summary).toMatchObject({ status: 'misconfigured', exitCode: 78 });
    expect(readOnly.summary.error?.message).toContain('(EROFS)');
  } finally {
    mounted('umount');
  }
});

test('pruning leaves the old checkpoint that a run goes on from now', async () => {
  await using database = await createDatabase();
  await keeps(database, { SAVES: '1', ENDS: 'throws' });
  await database.query(`UPDATE run_job.checkpoints SET saved_at = now() - interval '100 days'`);
  await database.query(
    `UPDATE run_job.runs SET started_at = started_at - interval '100 days', ended_at = ended_at - interval '100 days'`,
  );
  await using running = startSlot(['keeps'], { database, env: { ENDS: 'waits' } });
  await running.waitForLine(({ msg }) => msg === 'waits');
  await runToEnd(['noop'], { database });
  expect(await database.query('SELECT FROM run_job.runs')).toHaveLength(2);
  expect(await rows(database)).toMatchObject([{ value: { done: 1 } }]);
  running.kill('SIGKILL');
  await running.done;
  await database.query(
    `UPDATE run_job.runs SET started_at = started_at - interval '100 days', deadline = deadline - interval '100 days'`,
  );
  await runToEnd(['noop', '--as', 'keeps'], { database });
  expect(await rows(database)).toEqual([]);
});

test('show and status tell what is kept, and nothing of it once the slot has succeeded', async () => {
  await using database = await createDatabase();
  const { summary } = await keeps(database, { SAVES: '1,2', ENDS: 'throws' });
  const look = async (...args: string[]) => (await runToEnd(args, { database, env: { RUN_JOB_DIRS: JOBS } })).stdout;
  expect(await look('show', summary.runId)).toMatch(
    /Checkpoint +saved \S+Z by run \S+, the only one of its slot\n +\{\n +"done": 2\n +\}/,
  );
  expect(JSON.parse(await look('show', summary.runId, '--json'))).toMatchObject({
    checkpoint: { value: { done: 2 }, saves: 2, steps: [], bytes: 10 },
  });
  expect(await look('status')).toMatch(/^keeps .*checkpoint .* ago/m);
  const status = JSON.parse(await look('status', '--json')) as { name: string }[];
  expect(status.find(({ name }) => name === 'keeps')).toMatchObject({
    checkpoints: [{ runId: summary.runId, saves: 2, bytes: 10 }],
  });
  await keeps(database);
  expect(await look('show', summary.runId)).not.toContain('Checkpoint');
  expect(await look('status')).not.toMatch(/^keeps .*checkpoint/m);
});

test.for(['losing', 'closing'])(
  'work whose run has no lock, or no record, any more can’t be committed, even by a job that passes over the error (%s)',
  async (by) => {
    await using database = await createDatabase();
    await database.query(tablesOf(1));
    const { summary } = await runSlot(['loses_its_lock'], { database, env: { BY: by } });
    expect(summary).toMatchObject({ status: 'unavailable', exitCode: 69 });
    expect(await database.query('SELECT FROM target')).toEqual([]);
    expect(await rows(database)).toMatchObject([{ value: null, saves: '0' }]);
  },
);
