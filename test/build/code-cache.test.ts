// The code that V8 has made of the executable's scripts at the build: taken only where it is the code of this very source, made by this very Node.
import { spawnSync } from 'node:child_process';
import { cpSync, readFileSync, rmSync, statSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { expect, test } from 'vitest';
import { EXECUTABLE } from '../support/built.ts';
import { createScratchFolder } from '../support/scratch-folder.ts';

const DIST = join(EXECUTABLE, '..');
const START = 'lazy/start.cjs';
const CODE = 'code-cache/start.cjs.bin';
const EXEC = ['exec', 'it', '--', 'true'];

/** A copy of dist/ that may be spoiled. */
function copyOfDist() {
  const scratch = createScratchFolder();
  const dist = join(scratch.path, 'dist');
  cpSync(DIST, dist, { recursive: true, filter: (path) => !path.endsWith('/types') });
  cpSync(join(DIST, '../package.json'), join(scratch.path, 'package.json'));
  return {
    dist,
    edit: (file: string, change: (bytes: Buffer) => Buffer) =>
      writeFileSync(join(dist, file), change(readFileSync(join(dist, file)))),
    run(env: Readonly<Record<string, string>> = {}) {
      const { status, stdout, stderr } = spawnSync(process.execPath, [join(dist, 'run-job.js'), ...EXEC], {
        // Node tells of each file that it takes from its own compile cache, or puts there: those that had no code of ours.
        env: { PATH: process.env.PATH, NODE_DEBUG_NATIVE: 'COMPILE_CACHE', TMPDIR: scratch.path, ...env },
        encoding: 'utf8',
      });
      return { exitCode: status, stdout, stderr };
    },
    [Symbol.asyncDispose]: () => scratch[Symbol.asyncDispose](),
  };
}

const compiledByNode = ({ stderr }: { readonly stderr: string }) => stderr.includes(START);

test('a whole installation takes it, and Node compiles nothing', async () => {
  await using copy = copyOfDist();
  const ended = copy.run();
  expect(ended.exitCode, ended.stderr).toBe(0);
  expect(compiledByNode(ended)).toBe(false);
});

test('a script that was changed is run as it is now, even where it has as many bytes as before', async () => {
  await using copy = copyOfDist();
  const size = statSync(join(copy.dist, START)).size;
  copy.edit(START, (bytes) => Buffer.from(bytes.toString('latin1').replaceAll('run started', 'run STARTED'), 'latin1'));
  expect(statSync(join(copy.dist, START)).size).toBe(size);
  const ended = copy.run();
  expect(ended.exitCode, ended.stderr).toBe(0);
  expect(ended.stdout).toContain('"msg":"run STARTED"');
  expect(compiledByNode(ended)).toBe(true);
});

test.for<[string, (bytes: Buffer) => Buffer]>([
  ['is empty', () => Buffer.alloc(0)],
  ['was cut short', (bytes) => bytes.subarray(0, bytes.length / 2)],
  ['lost its beginning', (bytes) => bytes.subarray(1000)],
  ['is something else', (bytes) => Buffer.alloc(bytes.length, 'x')],
  ['is of another version of Node', (bytes) => ending(bytes, process.version, process.version.replace(/.$/, 'x'))],
  ['is of another architecture', (bytes) => ending(bytes, process.arch, process.arch.replace(/.$/, '9'))],
  [
    'is of another version of V8',
    (bytes) => Buffer.concat([bytes.subarray(0, 4), Buffer.alloc(4, 7), bytes.subarray(8)]),
  ],
])('code that %s is passed over', async ([, spoil]) => {
  await using copy = copyOfDist();
  copy.edit(CODE, spoil);
  const ended = copy.run();
  expect(ended.exitCode, ended.stderr).toBe(0);
  expect(ended.stdout).toContain('"msg":"run succeeded"');
  expect(compiledByNode(ended)).toBe(true);
});

function ending(bytes: Buffer, from: string, to: string): Buffer {
  const at = bytes.lastIndexOf(from);
  expect(at).toBeGreaterThan(bytes.length - 40);
  return Buffer.concat([bytes.subarray(0, at), Buffer.from(to), bytes.subarray(at + from.length)]);
}

test("a Node with other flags of V8 compiles the scripts itself; one with another limit of the heap needn't", async () => {
  await using copy = copyOfDist();
  const limited = copy.run({ NODE_OPTIONS: '--max-old-space-size=300' });
  expect([limited.exitCode, compiledByNode(limited)]).toEqual([0, false]);
  const other = copy.run({ NODE_OPTIONS: '--stack-trace-limit=7' });
  expect([other.exitCode, compiledByNode(other)]).toEqual([0, true]);
});

test("without it, Node's compile cache holds what the scripts begin with", async () => {
  await using copy = copyOfDist();
  rmSync(join(copy.dist, 'code-cache'), { recursive: true });
  expect(copy.run().exitCode).toBe(0);
  const { exitCode, stderr } = copy.run();
  expect(exitCode).toBe(0);
  const [, bytes] = /reading cache from \S+ for CommonJS \S+start\.cjs\.\.\..*size=(\d+)/.exec(stderr) ?? [];
  // A function that V8 has only looked over takes a tenth of that.
  expect(Number(bytes), stderr).toBeGreaterThan(50_000);
});

test('an installation without its scripts says so in a sentence, and that another try would not help', async () => {
  await using copy = copyOfDist();
  rmSync(join(copy.dist, 'lazy'), { recursive: true });
  const { exitCode, stderr } = copy.run();
  expect(exitCode).toBe(78);
  expect(stderr.trim().split('\n')).toEqual([
    `run-job: ${copy.dist}/lazy isn't there: run npm run build, or install run-job again`,
  ]);
});
