// What an upgrade, a rollback and a new install make of a CronJob that somebody has suspended: real helm and kubectl, on an API that
// knows who owns which field.
import { execFile } from 'node:child_process';
import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import { describe, expect, onTestFinished, test } from 'vitest';
import { stringify } from 'yaml';
import { type Client, findClient } from '../../deploy/tools/helm.ts';
import { CHART, noHelm, SHIPPED } from './support/chart.ts';
import { startCluster } from './support/cluster.ts';

const CLEANUP = 'billing-run-job-database-cleanup';
// The API has no OpenAPI document.
const BLIND = '--disable-openapi-validation';

/** A cluster, and helm and kubectl that work with it. */
async function workplace() {
  const cluster = await startCluster();
  const home = mkdtempSync(join(tmpdir(), 'run-job-home-'));
  onTestFinished(async () => {
    await cluster[Symbol.asyncDispose]();
    rmSync(home, { recursive: true, force: true });
  });
  const env = { PATH: process.env.PATH, HOME: home, KUBECONFIG: cluster.kubeconfig };
  /** Runs a program, and gives what it said of an error; the API answers meanwhile. */
  const run = (client: Client, ...args: string[]) =>
    new Promise<string>((resolve) => {
      execFile(findClient(client) ?? client, args, { env }, (error, _, stderr) => resolve(error ? stderr : ''));
    });
  const helm = (...args: string[]) => run('helm', ...args);
  return {
    cluster,
    helm,
    suspend: (value: boolean, name = CLEANUP) =>
      run('kubectl', 'patch', 'cronjob', name, '-p', `{"spec":{"suspend":${value}}}`),
    suspended: (name = CLEANUP) => cluster.get('CronJob', name)?.spec.suspend,
    image: () => cluster.get('CronJob', CLEANUP)?.spec.jobTemplate.spec.template.spec.containers[0].image,
  };
}

/** A chart with one CronJob, which writes these fields. */
function smallChart(spec: object): string {
  const folder = mkdtempSync(join(tmpdir(), 'run-job-small-'));
  onTestFinished(() => rmSync(folder, { recursive: true }));
  const file = (name: string, content: object) => {
    mkdirSync(dirname(join(folder, name)), { recursive: true });
    writeFileSync(join(folder, name), stringify(content));
  };
  file('Chart.yaml', { apiVersion: 'v2', name: 'small', version: '1.0.0' });
  file('templates/cronjob.yaml', { apiVersion: 'batch/v1', kind: 'CronJob', metadata: { name: 'small' }, spec });
  return folder;
}

describe.skipIf(noHelm ?? (findClient('kubectl') ? undefined : 'no kubectl'))(
  'a CronJob that kubectl patch suspends',
  () => {
    test.each([['true'], ['false']])(
      'stays so through upgrade and rollback, and begins anew with an install (--server-side=%s)',
      async (side) => {
        const { cluster, helm, suspend, suspended, image } = await workplace();
        expect(await helm('install', 'billing', CHART, '-f', SHIPPED, BLIND, `--server-side=${side}`)).toBe('');
        expect(suspended()).toBeUndefined();
        expect(await suspend(true)).toBe('');
        expect(
          await helm(
            'upgrade',
            'billing',
            CHART,
            '-f',
            SHIPPED,
            BLIND,
            '--set',
            'image.tag=2',
            '--reset-then-reuse-values',
          ),
        ).toBe('');
        expect([suspended(), image()]).toEqual([true, expect.stringMatching(/:2$/)]);
        expect(await helm('rollback', 'billing', '1')).toBe('');
        expect([suspended(), image()]).toEqual([true, expect.not.stringMatching(/:2$/)]);
        expect(await suspend(false)).toBe('');
        expect(await helm('upgrade', 'billing', CHART, '-f', SHIPPED, BLIND)).toBe('');
        expect(suspended()).toBe(false);
        expect(await suspend(true)).toBe('');
        expect(await helm('uninstall', 'billing')).toBe('');
        expect(cluster.get('CronJob', CLEANUP)).toBeUndefined();
        expect(await helm('install', 'billing', CHART, '-f', SHIPPED, BLIND, `--server-side=${side}`)).toBe('');
        expect(suspended()).toBeUndefined();
      },
    );

    test('stays so when the release of before wrote suspend: false, which would have been a conflict again', async () => {
      const { helm, suspend, suspended } = await workplace();
      const [writes, leaves] = [
        smallChart({ schedule: '@daily', suspend: false }),
        smallChart({ schedule: '@weekly' }),
      ];
      await helm('install', 'small', writes, BLIND);
      expect(await suspend(true, 'small')).toBe('');
      expect(await helm('upgrade', 'small', writes, BLIND)).toContain('conflict with "kubectl-patch": .spec.suspend');
      expect(await helm('upgrade', 'small', leaves, BLIND)).toBe('');
      expect(suspended('small')).toBe(true);
    });

    test('is resumed when its value is taken back, and a patch against the value is a conflict that names the field', async () => {
      const { helm, suspend, suspended } = await workplace();
      const value = ['--set', 'jobs.database-cleanup.suspend=true'];
      await helm('install', 'billing', CHART, '-f', SHIPPED, BLIND, ...value);
      expect(suspended()).toBe(true);
      expect(await helm('upgrade', 'billing', CHART, '-f', SHIPPED, BLIND, '--reset-values')).toBe('');
      expect(suspended()).toBeUndefined();
      await helm('upgrade', 'billing', CHART, '-f', SHIPPED, BLIND, ...value);
      expect(await suspend(false)).toBe('');
      expect(await helm('upgrade', 'billing', CHART, '-f', SHIPPED, BLIND, ...value)).toContain('.spec.suspend');
      expect(await helm('upgrade', 'billing', CHART, '-f', SHIPPED, BLIND, '--reset-values')).toBe('');
      expect(suspended()).toBe(false);
    });
  },
);
