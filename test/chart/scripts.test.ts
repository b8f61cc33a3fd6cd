// The shell scripts, and what can be known of the smoke test without a cluster.
import { cpSync, existsSync, mkdirSync, mkdtempSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { delimiter, join } from 'node:path';
import { describe, expect, test } from 'vitest';
import { run } from '../../deploy/tools/command.ts';
import { findProgram } from '../support/install.ts';
import { refusals } from './support/api-server.ts';
import { noHelm, objectsIn, podsOf, render } from './support/chart.ts';
import { typeErrors } from './support/kube-types.ts';
import { violations } from './support/pod-security.ts';

const SMOKE = 'deploy/kind/smoke.sh';
const STUB = 'test/chart/support/stub-cluster.sh';
const noShellcheck = findProgram('shellcheck')
  ? undefined
  : 'NOT CHECKED here: the shell scripts. shellcheck is missing: npm run tools';
if (noShellcheck) console.warn(noShellcheck);

/** Runs smoke.sh with stand-ins for kubectl and helm; returns what it said and what it called. */
function smoke(args: readonly string[], breaks = '', more: Readonly<Record<string, string>> = {}) {
  const folder = mkdtempSync(join(tmpdir(), 'run-job-smoke-'));
  try {
    mkdirSync(join(folder, 'bin'));
    for (const name of ['kubectl', 'helm']) cpSync(STUB, join(folder, 'bin', name));
    const log = join(folder, 'log');
    const env = {
      ...process.env,
      PATH: `${join(folder, 'bin')}${delimiter}${process.env.PATH}`,
      STUB_LOG: log,
      STUB_BREAK: breaks,
      ...more,
    };
    const done = run('bash', [SMOKE, ...args], { env });
    return { ...done, calls: existsSync(log) ? readFileSync(log, 'utf8').split('\n') : [] };
  } finally {
    rmSync(folder, { recursive: true });
  }
}

const EXISTING = ['--existing', '--image', 'registry.example.com:5000/team/run-job:1.2.3'];

describe('the shell scripts', () => {
  test.skipIf(noShellcheck)('are clean by shellcheck', () => {
    const { code, stdout } = run('shellcheck', [SMOKE, STUB]);
    expect(code, stdout).toBe(0);
  });
});

describe('the smoke test', () => {
  test('explains itself within 100 columns', () => {
    const { code, stdout } = run('bash', [SMOKE, '--help']);
    expect(code).toBe(0);
    for (const flag of ['--existing', '--context', '--image', '--namespace', '--cluster', '--timeout', '--keep'])
      expect(stdout).toContain(flag);
    for (const line of stdout.split('\n')) expect(line.length, line).toBeLessThanOrEqual(100);
  });

  test.each<[string[], string]>([
    [['--existing'], '--existing needs --image'],
    [['--context', 'kind-x'], '--context goes with --existing'],
    [['--timeout', '5m'], '--timeout must be a number of seconds'],
    [['--image'], '--image needs a value'],
    [['--imgae', 'x'], 'unknown flag --imgae'],
  ])('refuses %j with a sentence', (args, message) => {
    const { code, stderr } = run('bash', [SMOKE, ...args]);
    expect(code).toBe(1);
    expect(stderr).toContain(message);
  });

  test('goes through on a cluster that behaves, in its own namespace only, and leaves nothing', () => {
    const { code, stdout, stderr, calls } = smoke([...EXISTING, '--context', 'staging', '--namespace', 'mine']);
    expect(code, stdout + stderr).toBe(0);
    expect(stdout).toContain('smoke: all is well');
    for (const call of calls.filter((line) => line.startsWith('kubectl'))) {
      expect(call).toContain('--context staging');
      if (!/ version| namespace/.test(call)) expect(call).toContain('-n mine');
    }
    const installs = calls.filter((line) => / (install|upgrade) smoke /.test(line));
    expect(installs).toHaveLength(2);
    expect(installs[0]).toContain(
      '--set-string image.repository=registry.example.com:5000/team/run-job --set-string image.tag=1.2.3',
    );
    expect(calls.some((line) => line.includes('delete namespace mine'))).toBe(true);
  });

  test.each([
    ['helm test', 'helm test: run-job doctor', 'test smoke'],
    ['a broken cluster', 'reach the cluster', 'version'],
    ['the service pods', 'start PostgreSQL and RabbitMQ', 'rollout status deployment/rabbitmq'],
  ])('says where it failed, with what the cluster knows (%s)', (_, step, breaks) => {
    const { code, stderr, calls } = smoke([...EXISTING, '--timeout', '1'], breaks);
    expect(code).toBe(1);
    if (breaks === 'version') expect(stderr).toContain('kubectl reaches no cluster');
    else {
      expect(stderr).toContain(`FAILED at: ${step}`);
      expect(calls.some((line) => line.includes('get events'))).toBe(true);
      expect(calls.some((line) => line.includes('delete namespace'))).toBe(true);
    }
  });

  test.each([
    [
      'a pod without a network',
      { STUB_STUCK: '1' },
      'rollout status deployment/postgres',
      'PostgreSQL to be ready, but pod postgres-1: FailedCreatePodSandBox: no network',
    ],
    [
      'a Job without pods',
      { STUB_NO_PODS: '1' },
      'get job rabbit-declare',
      'job rabbit-declare to end, but job rabbit-declare: FailedCreate: exceeded quota',
    ],
  ])('does not wait its whole time for %s', (_, more, breaks, message) => {
    const { code, stderr } = smoke(EXISTING, breaks, { ...more, SMOKE_STUCK_AFTER: '1' });
    expect(code).toBe(1);
    expect(stderr).toContain(`smoke: waiting for ${message}`);
  });

  test('says so when an upgrade resumes what was suspended, and lets the entry that cannot work be found apart', () => {
    expect(smoke(EXISTING, '', { STUB_SUSPENDED: 'false' }).stderr).toContain('the upgrade has resumed');
    expect(smoke(EXISTING).calls.join('\n')).toContain('--filter !name=smoke-run-job-doctor-misconfigured');
  });

  test.skipIf(noHelm)('brings only objects that a restricted namespace takes', () => {
    const script = readFileSync(SMOKE, 'utf8');
    const rabbit =
      /<<YAML\n([\s\S]*?)\nYAML/.exec(script)?.[1]?.replaceAll('$1', 'declare').replaceAll('$image', 'run-job:1') ?? '';
    const objects = [
      ...objectsIn(readFileSync('deploy/kind/services.yaml', 'utf8')),
      ...objectsIn(rabbit),
      ...render('deploy/kind/values.yaml'),
    ];
    expect(objects.filter(({ kind }) => kind === 'Job')).toHaveLength(2);
    expect(podsOf(objects).flatMap(violations)).toEqual([]);
    expect(typeErrors({ smoke: objects })).toEqual([]);
    // A hand-written pod may leave its grace period to the default.
    const ours = objects.filter(({ metadata }) => metadata.name.includes('run-job'));
    expect(ours.flatMap(refusals)).toEqual([]);
  });
});
