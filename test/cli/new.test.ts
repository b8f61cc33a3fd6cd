// `run-job new` refuses what could not run, and overwrites nothing. What it writes is run in test/package.

import { spawnSync } from 'node:child_process';
import { existsSync, mkdirSync, mkdtempSync, readFileSync, symlinkSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { expect, inject, test } from 'vitest';
import { EXECUTABLE } from '../support/built.ts';

function inFolder(folder: string, ...args: string[]) {
  const { status, stdout, stderr } = spawnSync(process.execPath, [EXECUTABLE, ...args], {
    cwd: folder,
    encoding: 'utf8',
    timeout: 20_000,
    env: { PATH: process.env.PATH },
  });
  return { status, stdout, stderr };
}

const emptyFolder = () => mkdtempSync(join(inject('scratchFolder'), 'new-'));

test.each([
  ['SendReport', 'send_report'],
  ['send-report', 'send_report'],
  ['send report', 'send_report'],
  ['2_reports', 'reports'],
])('%s is refused, and %s suggested', (name, suggestion) => {
  const folder = emptyFolder();
  const said = inFolder(folder, 'new', name);
  expect(said).toMatchObject({ status: 64, stderr: expect.stringContaining(`did you mean ${suggestion}?`) });
  expect(existsSync(join(folder, 'jobs'))).toBe(false);
});

test.each(['../escape', '///', 'list', 'database_cleanup', 'a'.repeat(101)])('%s is refused', (name) => {
  expect(inFolder(emptyFolder(), 'new', name).status).toBe(64);
});

test('a job that is there already is not overwritten, nor is a test alone', () => {
  const folder = emptyFolder();
  mkdirSync(join(folder, 'jobs'));
  writeFileSync(join(folder, 'jobs/mine.test.mts'), 'mine');
  expect(inFolder(folder, 'new', 'mine')).toMatchObject({
    status: 64,
    stderr: expect.stringContaining('jobs/mine.test.mts is there already'),
  });
  expect(existsSync(join(folder, 'jobs/mine.mts'))).toBe(false);
  expect(readFileSync(join(folder, 'jobs/mine.test.mts'), 'utf8')).toBe('mine');

  expect(inFolder(folder, 'new', 'yours').status).toBe(0);
  expect(inFolder(folder, 'new', 'yours')).toMatchObject({ status: 64, stderr: expect.stringContaining('already') });
});

test('the job that it writes is found at once, and run', () => {
  const folder = emptyFolder();
  inFolder(folder, 'new', 'mine');
  expect(inFolder(folder, 'mine', '--param', 'to=Ada')).toMatchObject({
    status: 0,
    stdout: expect.stringContaining('"result":{"greeted":"Ada"}'),
  });
});

test('a folder that can’t be made or written to is told in a sentence, and waited for in vain by nobody', () => {
  const folder = emptyFolder();
  symlinkSync('/nonexistent/folder', join(folder, 'jobs'));
  const sentence = "run-job: jobs can't be written to (EEXIST): is it a folder of yours, with room in it?\n";
  expect(inFolder(folder, 'new', 'mine')).toMatchObject({ status: 78, stdout: '', stderr: sentence });
});

// Node's own way to make a folder and those that it lies in never ends here.
test.skipIf(process.platform !== 'linux').each([
  [['inject', '/proc/run-job'], "run-job can't be copied to /proc/run-job (ENOENT)"],
  [['inject', '/proc/some/folder'], "run-job can't be copied to /proc/some/folder (ENOENT)"],
])('%j ends', (args, sentence) => {
  expect(inFolder(emptyFolder(), ...args)).toMatchObject({ status: 78, stderr: expect.stringContaining(sentence) });
});

test.skipIf(process.platform !== 'linux')('a working directory that somebody has removed is told in a sentence', () => {
  const gone = emptyFolder();
  const inGone = (command: string) =>
    spawnSync('sh', ['-c', `rmdir "$PWD" && exec "$0" "$1" ${command}`, process.execPath, EXECUTABLE], {
      cwd: mkdtempSync(join(gone, 'gone-')),
      encoding: 'utf8',
      timeout: 20_000,
    });
  expect(inGone('new mine')).toMatchObject({ status: 78, stderr: expect.stringContaining("jobs can't be written to") });
  expect(inGone('exec it -- true')).toMatchObject({
    status: 78,
    stdout: expect.stringContaining('The working directory is gone: change to a folder that is there'),
  });
});

test('a package.json that is no object is none', () => {
  for (const text of ['null', '[]', '"text"', '{"dependencies":null}']) {
    const folder = emptyFolder();
    writeFileSync(join(folder, 'package.json'), text);
    expect(inFolder(folder, 'new', 'mine')).toMatchObject({ status: 0, stderr: '' });
  }
});

test('where Node came by npm, its tests are run by that', () => {
  const folder = emptyFolder();
  writeFileSync(join(folder, 'package.json'), '{"devDependencies":{"node":"24"}}');
  expect(inFolder(folder, 'new', 'mine').stdout).toContain("  npx node --test 'jobs/*.test.mts'\n");
  expect(inFolder(emptyFolder(), 'new', 'mine').stdout).toContain("  node --test 'jobs/*.test.mts'\n");
});

test('a file where the folder of the jobs should be is told as that', () => {
  const folder = emptyFolder();
  writeFileSync(join(folder, 'jobs'), '');
  const sentence = "run-job: The folder jobs can't be read (ENOTDIR); mend or remove it\n";
  for (const args of [['list'], ['new', 'mine']])
    expect(inFolder(folder, ...args)).toMatchObject({ status: 78, stderr: sentence });
});
