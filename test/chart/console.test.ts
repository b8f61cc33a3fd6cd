// The console in the chart: who gets in, what leads to it, and settings that can't work.
import { describe, expect, test } from 'vitest';
import { CHART, helm, noHelm, ofKind, only, render } from './support/chart.ts';

const VALUES = 'helm/run-job/ci/console-values.yaml';
const BASE = ['--set', 'secret.existing=env', '--set', 'console.enabled=true'];

describe.skipIf(noHelm)('the console', () => {
  test('is off unless asked for', () => {
    expect(ofKind(render({}), 'Deployment')).toEqual([]);
    expect(ofKind(render({}), 'Service')).toEqual([]);
  });

  test('all that leads to it selects its pods, and none of the jobs', () => {
    const objects = render(VALUES);
    const deployment = only(objects, 'Deployment');
    const labels = deployment.spec.template.metadata.labels;
    const selectors = [
      deployment.spec.selector.matchLabels,
      only(objects, 'Service').spec.selector,
      only(objects, 'PodDisruptionBudget').spec.selector.matchLabels,
    ];
    for (const selector of selectors) {
      expect(labels).toMatchObject(selector);
      expect(selector['app.kubernetes.io/component']).toBe('console');
    }
    const [container] = deployment.spec.template.spec.containers;
    expect(deployment.spec.template.spec.restartPolicy).toBe('Always');
    expect(container.args).toEqual([
      ...[
        'serve',
        '--host',
        '0.0.0.0',
        '--port',
        '8080',
        '--trust-proxy',
        '10.0.0.0/8',
        '--identity-header',
        'x-auth-request-email',
      ],
      ...['--actions', '--actors', 'ada@example.com'],
    ]);
    expect(container.livenessProbe.httpGet.path).toBe('/healthz');
    expect(container.readinessProbe.httpGet.path).toBe('/readyz');
    const token = container.env.find(({ name }: { name: string }) => name === 'RUN_JOB_CONSOLE_TOKEN');
    expect(token.valueFrom.secretKeyRef).toEqual({ name: 'run-job-console', key: 'token' });
    const [endpoint] = only(objects, 'ServiceMonitor').spec.endpoints;
    expect(endpoint).toMatchObject({
      honorLabels: true,
      authorization: { credentials: { name: 'run-job-console', key: 'token' } },
    });
  });

  test('one replica has no budget that would keep a node from being drained', () => {
    const { stdout } = helm('template', 'x', CHART, '-f', VALUES, '--set', 'console.replicas=1');
    expect(stdout).toContain('kind: Deployment');
    expect(stdout).not.toContain('kind: PodDisruptionBudget');
  });

  test.for([
    [BASE, 'lets nobody in'],
    [[...BASE, '--set', 'console.tokenSecret.name=x'], 'console.tokenSecret: give both'],
    [
      ['--set', 'console.enabled=true', '--set', 'console.trustedProxies={10.0.0.1}'],
      'console.enabled: the console reads the database',
    ],
    [
      [...BASE, '--set', 'console.trustedProxies={10.0.0.1}', '--set', 'console.ingress.enabled=true'],
      'console.ingress.host',
    ],
    [
      [...BASE, '--set', 'console.trustedProxies={10.0.0.1}', '--set', 'console.httpRoute.enabled=true'],
      'console.httpRoute.parentRefs',
    ],
    [[...BASE, '--set', 'console.trustedProxies={10.0.0.1}', '--set', 'console.actors={ada}'], 'console.actors'],
    [
      [...BASE, '--set', 'console.trustedProxies={10.0.0.1}', '--set', 'console.env.DATABASE_URL=postgres://a:b@c/d'],
      'console.env',
    ],
  ] as const)('%j', ([flags, sentence]) => {
    const { code, stderr } = helm('template', 'x', CHART, ...flags);
    expect([code, stderr]).toEqual([1, expect.stringContaining(sentence)]);
  });
});
