// The first hour of somebody who has nothing but README: each of its blocks is done in order, in a fresh clone and in an empty project.
import { execFileSync, spawn } from 'node:child_process';
import { once } from 'node:events';
import { cpSync, existsSync, mkdirSync, readdirSync, readlinkSync, watch, writeFileSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { findClient } from '../../deploy/tools/helm.ts';
import { createDatabase, type TestDatabase } from '../support/database.ts';
import { nodeFolder } from '../support/old-node.ts';
import { emptyFolder, mustRun, runInShell, shellEnv } from './shell.ts';
import { ROOT, type Snippet, snippets } from './snippets.ts';

/** The oldest Node that may be first in PATH in a clone, and those on which the package refuses to run. */
const OLDEST = 20;
const TOO_OLD = [20, 22];

/** How a shell tells that Ctrl-C ended a program: the program says so itself, or died of the signal. */
const INTERRUPTED = [
  [130, null],
  [null, 'SIGINT'],
];

/** Installing all that the project needs takes its time where it isn't in npm's cache, or others are at work. */
const INSTALLING_MS = 400_000;

const blocks = snippets().filter(({ page }) => page === 'README.md');
const around = emptyFolder();
const clone = join(around, 'run-job');
const project = join(around, 'my-jobs');

/** What a clone of this working tree would hold. */
function makeClone(): void {
  const listed = execFileSync('git', ['ls-files', '-z', '--cached', '--others', '--exclude-standard'], { cwd: ROOT });
  for (const file of listed.toString().split('\0').filter(Boolean)) {
    if (existsSync(join(ROOT, file))) cpSync(join(ROOT, file), join(clone, file));
  }
}

/** The processes that work in a folder, where this can be told. */
function processesIn(folder: string): string[] {
  if (!existsSync('/proc/self/cwd')) return [];
  return readdirSync('/proc')
    .filter((name) => /^\d+$/.test(name))
    .filter((pid) => {
      try {
        return readlinkSync(`/proc/${pid}/cwd`).startsWith(folder);
      } catch {
        return false;
      }
    });
}

/** Starts commands in a process group of their own, as a terminal does. */
function start(text: string, shell: Parameters<typeof shellEnv>[0] & { cwd: string }) {
  return spawn('bash', ['-c', text], {
    cwd: shell.cwd,
    env: shellEnv(shell),
    detached: true,
    stdio: ['ignore', 'pipe', 'pipe'],
  });
}

describe('README, from its first block to its last', () => {
  let database: TestDatabase;
  let old: string[];
  beforeAll(async () => {
    makeClone();
    mkdirSync(project);
    database = await createDatabase({ migrated: false });
    old = [nodeFolder(OLDEST)];
  });
  afterAll(() => database?.[Symbol.asyncDispose]());

  test('Ctrl-C while npm installs ends that too', async () => {
    const installing = new Promise<void>((resolve) => {
      const watcher = watch(clone, (_, name) => {
        if (name !== 'node_modules') return;
        watcher.close();
        resolve();
      });
    });
    const demo = start('npm run demo', { cwd: clone, path: old });
    const ended = once(demo, 'close');
    await installing;
    process.kill(-(demo.pid as number), 'SIGINT');
    expect(INTERRUPTED).toContainEqual(await ended);
    expect(processesIn(clone)).toEqual([]);
    expect(existsSync(join(clone, 'node_modules/.package-lock.json'))).toBe(false);
  });

  const named = blocks.map((block) => [`${block.line}: ${block.language} ${block.place}`, block] as const);
  test.each(named.filter(([, { place }]) => !['cluster', 'ci'].includes(place)))(
    '%s',
    async (_, block) => {
      if (block.language !== 'sh') {
        paste(block);
        return;
      }
      const env = { DATABASE_URL: database.url };
      switch (block.place) {
        case 'clone':
          await mustRun(block.text, { cwd: clone, path: old });
          break;
        case 'new-project':
          await mustRun(block.text, { cwd: project });
          break;
        case 'database':
          await mustRun(block.text, { cwd: project, env });
          break;
        case 'helm':
          await renders(block.text);
          break;
        case 'console':
          await opens(block.text, env);
          break;
        default:
          throw new Error(`nobody knows where ${block.place} is`);
      }
    },
    INSTALLING_MS,
  );

  test.each(TOO_OLD)('what the project has installed refuses Node %i in a sentence', async (major) => {
    const { code, output } = await runInShell('npx run-job hello', { cwd: project, path: [nodeFolder(major)] });
    expect({ code, output }).toEqual({
      code: 78,
      output: expect.stringMatching(/^run-job: this is Node \S+, and run-job needs Node 24 or newer: /m),
    });
  });
});

/** Puts a block into the file that its first line names. */
function paste({ text }: Snippet): void {
  const [, path] = /^(?:\/\/|#) (\S+)\n/.exec(text) ?? [];
  if (path === undefined) throw new Error(`nobody knows which file this is: ${text}`);
  mkdirSync(dirname(join(project, path)), { recursive: true });
  writeFileSync(join(project, path), text);
}

async function renders(text: string): Promise<void> {
  const helm = findClient('helm');
  if (helm === undefined) {
    console.warn('NOT CHECKED here: that README renders its values. helm is missing: npm run tools');
    return;
  }
  const output = await mustRun(text, { cwd: project, path: [dirname(helm)], env: { KUBECONFIG: '/nonexistent' } });
  expect(output).toContain('name: "my-jobs-run-job-hello"\n');
  expect(output).toContain('name: "my-jobs-run-job-rates"\n');
}

/** Opens the console at the address that it tells, on a port of its own. */
async function opens(text: string, env: Readonly<Record<string, string>>): Promise<void> {
  const serving = start(`${text.trim()} --port 0`, { cwd: project, env });
  const ended = once(serving, 'close');
  try {
    const url = await new Promise<string>((resolve, reject) => {
      let said = '';
      for (const stream of [serving.stdout, serving.stderr]) {
        stream.on('data', (chunk) => {
          said += String(chunk);
          const [, found] = /the console is at (http:\/\/[^\s"]+)/.exec(said) ?? [];
          if (found !== undefined) resolve(found);
        });
      }
      serving.on('close', () => reject(new Error(`it ended: ${said}`)));
    });
    const page = await fetch(url);
    expect(page.status).toBe(200);
    expect(await page.text()).toContain('hello');
  } finally {
    process.kill(-(serving.pid as number), 'SIGINT');
  }
  expect(INTERRUPTED).toContainEqual(await ended);
}
