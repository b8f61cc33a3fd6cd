// `run-job new` refuses what could not run, and overwrites nothing. What it writes is run in test/package.

import { spawnSync } from 'node:child_process';
import { existsSync, mkdirSync, mkdtempSync, readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { expect, inject, test } from 'vitest';
import { EXECUTABLE } from '../support/built.ts';

function inFolder(folder: string, ...args: string[]) {
  const { status, stdout, stderr } = spawnSync(process.execPath, [EXECUTABLE, ...args], {
    cwd: folder,
    encoding: 'utf8',
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

test.each(['../escape', '///', 'list', 'database_cleanup'])('%s is refused', (name) => {
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
