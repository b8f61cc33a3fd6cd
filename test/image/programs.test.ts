// run-job in an image that isn't ours: copied in by two lines, or injected into the pod; on Debian with Python, as a restricted pod runs it.
import { chmodSync, mkdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { run } from '../../deploy/tools/command.ts';
import { Images, noImage, noPythonImage } from './support/buildah.ts';
import { runContainer } from './support/container.ts';

const EXAMPLE = 'examples/any-program';
const SCRIPT = '/srv/fetch_rates.py';

/** As the image's own configuration has it; runc doesn't read that. */
const PATH = '/usr/local/bin:/usr/bin:/bin';

/** The oldest glibc and libstdc++ that run-job's Node may ask for; docs/any-program.md states them. */
const FLOOR = { GLIBC: '2.28', GLIBCXX: '3.4.21' };

/** The largest version of a symbol that a program asks its libraries for. */
function newest(program: string, family: string): string {
  const { stdout } = run('objdump', ['-T', program]);
  const versions = [...stdout.matchAll(new RegExp(`\\b${family}_(\\d+(?:\\.\\d+)*)`, 'g'))].map(
    ([, version = '']) => version,
  );
  return versions.sort((a, b) => a.localeCompare(b, 'en', { numeric: true })).at(-1) ?? 'none';
}

describe.skipIf(noImage ?? noPythonImage)('run-job in an image of Debian and Python', () => {
  let images: Images;
  let ours: string;
  let foreign: string;
  let copied: { rootfs: string; entrypoint: string[]; command: string[] };

  beforeAll(() => {
    images = new Images();
    const dockerfile = readFileSync(join(EXAMPLE, 'Dockerfile'), 'utf8');
    const base = /^FROM (.+)$/m.exec(dockerfile)?.[1] ?? '';
    const published = /--from=(\S+)/.exec(dockerfile)?.[1] ?? '';
    const name = images.build();
    images.python(base);
    ours = images.rootfs(name);
    foreign = images.rootfs(base);
    const built = images.buildOn(name, published, EXAMPLE);
    const { Entrypoint, Cmd } = images.config(built).config;
    copied = { rootfs: images.rootfs(built), entrypoint: Entrypoint, command: Cmd };
  }, 900_000);
  afterAll(() => images?.[Symbol.dispose]());

  test('runs a script with two lines copied in, as the example says', () => {
    const { code, stdout } = runContainer(copied.rootfs, images.folder, [...copied.entrypoint, ...copied.command], {
      env: { PATH },
    });
    expect(code, stdout).toBe(0);
    const lines = stdout
      .trim()
      .split('\n')
      .map((line) => JSON.parse(line));
    expect(lines).toContainEqual(expect.objectContaining({ msg: 'fetching rates', currencies: ['EUR', 'USD', 'GBP'] }));
    expect(lines.at(-1)).toMatchObject({ status: 'succeeded', result: { rates: 3 }, program: { exitCode: 0 } });
  });

  test('tells how the script failed', () => {
    const args = ['exec', 'rates', '--param', 'currencies=EUR,nonsense', '--', 'python3', SCRIPT];
    const { code, stdout } = runContainer(copied.rootfs, images.folder, [...copied.entrypoint, ...args], {
      env: { PATH },
    });
    expect(code, stdout).toBe(65);
    expect(stdout).toContain('nonsense is no currency');
  });

  test('ends a script that goes on, with its children, at its deadline', () => {
    const script =
      "import subprocess, time; subprocess.Popen(['sleep', '1000'], start_new_session=True); print('ready', flush=True); time.sleep(1000)";
    const args = ['exec', 'stuck', '--timeout', '3s', '--', 'python3', '-c', script];
    const env = { PATH, WORKER_SHUTDOWN_TIMEOUT_SECONDS: '2' };
    const { code, stdout } = runContainer(copied.rootfs, images.folder, [...copied.entrypoint, ...args], { env });
    expect(code, stdout).toBe(124);
  });

  test('says that a program isn’t in the image', () => {
    const { code, stdout } = runContainer(copied.rootfs, images.folder, [
      ...copied.entrypoint,
      'exec',
      'x',
      '--',
      'pg_dump',
    ]);
    expect(code).toBe(78);
    expect(stdout).toContain('There is no program pg_dump in PATH');
  });

  test('runs a script in an image that knows nothing of run-job, injected by an init container', () => {
    const folder = join(images.folder, 'injected');
    mkdirSync(folder);
    chmodSync(folder, 0o777);
    const mounts = { '/run-job': folder };
    const entrypoint = ['/sbin/tini', '--', '/nodejs/bin/node', '/app/dist/run-job.js'];
    const injected = runContainer(ours, images.folder, [...entrypoint, 'inject', '/run-job'], { mounts });
    expect(injected.code, injected.stdout + injected.stderr).toBe(0);
    const runner = ['/run-job/tini', '--', '/run-job/node', '/run-job/dist/run-job.js'];
    const { code, stdout } = runContainer(
      foreign,
      images.folder,
      [...runner, 'exec', 'rates', '--', 'python3', SCRIPT],
      {
        env: { PATH },
        mounts: { ...mounts, [SCRIPT]: join(process.cwd(), EXAMPLE, 'fetch_rates.py') },
      },
    );
    expect(code, stdout).toBe(0);
    expect(JSON.parse(stdout.trim().split('\n').at(-1) ?? '')).toMatchObject({
      status: 'succeeded',
      result: { rates: 3 },
    });
  });

  test('asks for no newer C library than is promised', () => {
    const node = join(ours, 'nodejs/bin/node');
    for (const [family, version] of Object.entries(FLOOR)) {
      expect([version, newest(node, family)].sort((a, b) => a.localeCompare(b, 'en', { numeric: true })).at(-1)).toBe(
        version,
      );
    }
  });
});
