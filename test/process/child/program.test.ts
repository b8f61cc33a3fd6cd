// What stands between a name and a running program is told in one sentence, before anything is started.
import { chmodSync, mkdirSync, mkdtempSync, readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { beforeAll, expect, inject, test } from 'vitest';
import { hasCode } from '../../../src/errors.ts';
import { findProgram } from '../../../src/process/child/program.ts';

let folder: string;
beforeAll(() => {
  folder = mkdtempSync(join(inject('scratchFolder'), 'programs-'));
});

function file(name: string, content: string | Buffer, mode = 0o755): string {
  const path = join(folder, name);
  writeFileSync(path, content);
  chmodSync(path, mode);
  return path;
}

const problem = (program: string, path: string | undefined = process.env.PATH): unknown => {
  try {
    return findProgram(program, path, folder);
  } catch (error) {
    expect(hasCode(error, 'ERR_RUN_JOB_CONFIG')).toBe(true);
    return (error as Error).message;
  }
};

test('a name is looked up in PATH, and a path is taken as it is', () => {
  const script = file('script', '#!/bin/sh\n');
  expect(problem('sh')).toMatch(/\/sh$/);
  expect(problem('script', `/nowhere:${folder}`)).toBe(script);
  expect(problem('./script')).toBe(script);
  expect(problem(script)).toBe(script);
});

test('an executable later in PATH is taken before one that isn’t executable', () => {
  mkdirSync(join(folder, 'first'), { recursive: true });
  writeFileSync(join(folder, 'first/tool'), 'text', { mode: 0o644 });
  const tool = file('tool', '#!/bin/sh\n');
  expect(problem('tool', `${folder}/first:${folder}`)).toBe(tool);
  expect(problem('tool', `${folder}/first`)).toContain('chmod +x');
});

test.each<[string, () => string, RegExp]>([
  ['isn’t in PATH', () => 'no-such-program', /^There is no program no-such-program in PATH \(.*\): install it/],
  ['isn’t there', () => '/no/such/file', /^There is no file \/no\/such\/file/],
  ['is a folder', () => folder, /is a folder and no program/],
  ['isn’t executable', () => file('plain', '#!/bin/sh\n', 0o644), /is not executable for this user: chmod \+x/],
  ['is empty', () => file('empty', ''), /is empty/],
  [
    'has no interpreter',
    () => file('python9', '#!/usr/bin/python9 -u\n'),
    /is run by \/usr\/bin\/python9, which isn't there/,
  ],
  ['has a folder for an interpreter', () => file('run-by-folder', '#!/tmp\n'), /is run by \/tmp, which isn't there/],
  [
    'has a text for an interpreter',
    () => file('run-by-text', '#!/etc/passwd\n'),
    /is run by \/etc\/passwd, which is not executable for this user/,
  ],
  ['names no interpreter', () => file('run-by-nothing', '#! \t\necho\n'), /names no interpreter: write it behind #!/],
  ['begins with a byte order mark', () => file('marked', '\ufeff#!/bin/sh\n'), /begins with a byte order mark/],
  ['is a device', () => '/dev/null', /is a pipe, a socket or a device/],
  ['has Windows line ends', () => file('windows', '#!/bin/sh\r\n'), /ends with a carriage return/],
  ['is an empty text', () => '', /is an empty text/],
  ['was built for macOS', () => file('mac', Buffer.from('cffaedfe0c000001', 'hex')), /was built for macOS and this/],
  ['is a part of a program', () => file('part', readFileSync('/bin/sh').subarray(0, 40)), /wasn't copied whole/],
])('a program that %s', (_, program, told) => {
  expect(problem(program())).toMatch(told);
});

test('a PATH that is empty, or not there', () => {
  expect(problem('no-such-program', '')).toContain('in PATH (which is empty): ');
  expect(() => findProgram('no-such-program', undefined, folder)).toThrow('in PATH (which is not set): ');
});

test('a program for another machine, and one for another C library', () => {
  const node = readFileSync(process.execPath).subarray(0, 4096);
  const foreign = Buffer.from(node);
  foreign.writeUInt16LE(22, 18);
  expect(problem(file('foreign', foreign))).toMatch(/was built for s390x and this machine is /);
  const at = node.indexOf('/ld-linux');
  const musl = Buffer.from(node);
  musl.write('/ld-mvsl9', at, 'latin1');
  expect(at).toBeGreaterThan(0);
  expect(problem(file('musl', musl))).toMatch(/is loaded by .*ld-mvsl9.*, which isn't there: .*C library/);
});

test('a working directory that isn’t there', () => {
  expect(() => findProgram('sh', process.env.PATH, '/no/such/folder')).toThrow(
    'The working directory /no/such/folder is no folder',
  );
});

test('a relative path behind #! is read from where the program works, as the kernel does', () => {
  mkdirSync(join(folder, 'bin'), { recursive: true });
  file('bin/interpreter', readFileSync('/bin/sh'));
  const script = file('run-by-relative', '#!bin/interpreter\n');
  expect(problem(script)).toBe(script);
});
