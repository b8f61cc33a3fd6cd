// The image: built from the Dockerfile as it is, and run as Kubernetes would run it.

import { once } from 'node:events';
import { chmodSync, existsSync, readdirSync, readFileSync, statSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { createInterface } from 'node:readline';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { run } from '../../deploy/tools/command.ts';
import { Images, noImage } from './support/buildah.ts';
import { type Options, runContainer, startContainer } from './support/container.ts';

const BLOCKED = `import { defineJob } from 'run-job';
export default defineJob({ name: 'blocked', description: 'Blocks', timeout: '500ms', run() { for (;;); } });
`;

const WAITING = `import { defineJob } from 'run-job';
export default defineJob({
  name: 'waiting',
  description: 'Waits until it is told to stop',
  run: ({ signal, log }) => new Promise((_, reject) => {
    signal.addEventListener('abort', () => reject(signal.reason));
    setInterval(() => {}, 1000);
    log.info('waiting');
  }),
});
`;

describe.skipIf(noImage)('the image', () => {
  let images: Images;
  let name: string;
  let rootfs: string;
  let entrypoint: string[];
  const container = (args: readonly string[], options?: Options) =>
    runContainer(rootfs, images.folder, [...entrypoint, ...args], options);

  beforeAll(() => {
    images = new Images();
    name = images.build();
    rootfs = images.rootfs(name);
    entrypoint = images.config(name).config.Entrypoint;
    // A minute where nothing else runs.
  }, 600_000);
  afterAll(() => images?.[Symbol.dispose]());

  test('holds Node, an init and dist/, and no shell, npm or node_modules', () => {
    expect(readdirSync(join(rootfs, 'app')).sort()).toEqual(['LICENSE', 'dist', 'package.json']);
    for (const path of [
      'bin/sh',
      'usr/local/lib/node_modules',
      'app/node_modules',
      'app/dist/types',
      'usr/bin/apt-get',
    ]) {
      expect(existsSync(join(rootfs, path)), path).toBe(false);
    }
  });

  test('runs as one numeric user that can write to nothing of it', () => {
    const { User, Labels, Cmd } = images.config(name).config;
    expect(User).toMatch(/^[1-9]\d*:[1-9]\d*$/);
    expect(Cmd).toEqual(['--help']);
    expect(Labels).toMatchObject({
      'org.opencontainers.image.licenses': 'MIT',
      'org.opencontainers.image.title': 'run-job',
    });
    const own = run('find', [
      join(rootfs, 'app'),
      join(rootfs, 'sbin'),
      '-xdev',
      '!',
      '-user',
      '0',
      '-not',
      '-path',
      '*/.compile-cache*',
    ]);
    expect(own.stdout).toBe('');
  });

  test('adds little to its base', () => {
    const bytes =
      Number(run('du', ['-sb', join(rootfs, 'app')]).stdout.split('\t')[0]) + statSync(join(rootfs, 'sbin/tini')).size;
    console.log(`the image adds ${(bytes / 2 ** 20).toFixed(1)} MiB to its base`);
    expect(bytes).toBeLessThan(13 * 2 ** 20);
  });

  test('lists its jobs with a read-only root', () => {
    const { code, stdout, stderr } = container(['list', '--json']);
    expect(code, stderr).toBe(0);
    expect(Array.isArray(JSON.parse(stdout))).toBe(true);
  });

  test("takes what commands load from Node's compile cache, whatever the heap's limit", () => {
    const env = { NODE_DEBUG_NATIVE: 'COMPILE_CACHE', NODE_OPTIONS: '--max-old-space-size-percentage=75' };
    const { stdout, stderr } = container(['list'], { env });
    const log = stdout + stderr;
    expect(log.match(/V8 code cache for \S+ \S+ was accepted/g)?.length ?? 0).toBeGreaterThan(0);
    const mine = log.split('\n').filter((line) => line.includes('/app/dist/'));
    expect(mine.filter((line) => /rejected|not found|mismatch/.test(line))).toEqual([]);
  });

  test.for([
    ['its own user', {}, 69],
    ['any other', { uid: 1_000_810_000 }, 0],
  ] as const)('has the code of what runs load for %s, so that Node compiles nothing', ([, user, expected]) => {
    const database = expected === 69 && { DATABASE_URL: 'postgres://127.0.0.1:1/none', WORKER_LOCK_WAIT_SECONDS: '1' };
    const { code, stdout, stderr } = container(['exec', 'it', '--', '/nodejs/bin/node', '--version'], {
      ...user,
      env: { ...database, NODE_DEBUG_NATIVE: 'COMPILE_CACHE' },
    });
    expect(code, stderr).toBe(expected);
    // Node's own cache isn't even looked for, as it is for a script that there is no code for.
    expect(stdout + stderr).not.toContain('[compile cache]');
  });

  test('ends a job that blocks the event loop, tells why and says 137', () => {
    const job = join(images.folder, 'blocked.js');
    const log = join(images.folder, 'termination-log');
    writeFileSync(job, BLOCKED);
    writeFileSync(log, '');
    chmodSync(log, 0o666);
    const { code, stdout } = container(['blocked'], {
      env: { RUN_JOB_DIRS: '/jobs', WORKER_SHUTDOWN_TIMEOUT_SECONDS: '1' },
      mounts: { '/jobs/blocked.js': job, '/dev/termination-log': log },
    });
    expect(code, stdout).toBe(137);
    expect(JSON.parse(readFileSync(log, 'utf8'))).toMatchObject({ status: 'timed_out', job: 'blocked' });
  });

  test('passes SIGTERM on to a job, which stops in its grace, and says 143', async () => {
    const job = join(images.folder, 'waiting.js');
    writeFileSync(job, WAITING);
    const child = startContainer(rootfs, images.folder, [...entrypoint, 'waiting'], {
      env: { RUN_JOB_DIRS: '/jobs' },
      mounts: { '/jobs/waiting.js': job },
    });
    const ended = once(child, 'exit');
    for await (const line of createInterface(child.stdout)) {
      if (line.includes('"msg":"waiting"')) child.kill('SIGTERM');
    }
    expect(await ended).toEqual([143, null]);
  });

  test("becomes a team's own by two lines, with their jobs in TypeScript", () => {
    const example = 'examples/own-jobs';
    const from = /^FROM (.+)$/m.exec(readFileSync(join(example, 'Dockerfile'), 'utf8'))?.[1] ?? '';
    const own = images.rootfs(images.buildOn(name, from, example));
    expect(readdirSync(join(own, 'app')).sort()).toEqual(['LICENSE', 'dist', 'jobs', 'package.json']);
    const { code, stdout, stderr } = runContainer(own, images.folder, [...entrypoint, 'list']);
    expect(code, stderr).toBe(0);
    expect(stdout).toContain('exchange_rates');
  });

  test('says what is wrong with a command line, and 64', () => {
    const { code, stdout, stderr } = container(['database_cleanupp']);
    expect(code).toBe(64);
    expect(stdout + stderr).toContain('database_cleanupp');
  });
});
