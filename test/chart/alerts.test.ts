// The alert rules, tried by promtool on series as kube-state-metrics has them.
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { describe, expect, test } from 'vitest';
import { stringify } from 'yaml';
import { run } from '../../deploy/tools/command.ts';
import { findProgram } from '../support/install.ts';
import { noHelm, only, render } from './support/chart.ts';

const noPromtool = findProgram('promtool')
  ? undefined
  : 'NOT CHECKED here: the alert rules. promtool is missing: npm run tools';
if (noPromtool) console.warn(noPromtool);

const DAY = 86_400;
const MINUTE = 60;
const CLEANUP = 'billing-run-job-database-cleanup';
const of = (cronjob: string) => `namespace="jobs", cronjob="${cronjob}"`;
const job = (name: string) => `namespace="jobs", job_name="${name}"`;
const owned = (name: string, by = CLEANUP) => ({
  [`kube_job_owner{${job(name)}, owner_kind="CronJob", owner_name="${by}"}`]: 1,
});

/** Series that hold one value throughout. */
type Series = Record<string, number | string>;

const ALERTS = ['RunJobFailed', 'RunJobNotSucceeded', 'RunJobRunsLong', 'RunJobHistoryUnreachable'];
const rules = noHelm ? '' : stringify(only(render({ prometheusRule: { enabled: true } }), 'PrometheusRule').spec);

/** Runs promtool on files that are there only for it. */
function promtool(args: readonly string[], files: Readonly<Record<string, string>>) {
  const folder = mkdtempSync(join(tmpdir(), 'run-job-alerts-'));
  try {
    for (const [name, text] of Object.entries(files)) writeFileSync(join(folder, name), text);
    return run('promtool', [...args, join(folder, Object.keys(files).at(-1) ?? '')]);
  } finally {
    rmSync(folder, { recursive: true });
  }
}

/** The alerts that fire at a time (in seconds), given the series: promtool is told to expect none, and names those that do. */
function firing(series: Series, at: number, text = rules, alerts = ALERTS): string[] {
  const input_series = Object.entries(series).map(([name, value]) => ({
    series: name,
    values: typeof value === 'string' ? value : `${value}x${Math.ceil(at / (10 * MINUTE)) + 1}`,
  }));
  const alert_rule_test = alerts.map((alertname) => ({ eval_time: `${at}s`, alertname, exp_alerts: [] }));
  const tests = [{ interval: '10m', input_series, alert_rule_test }];
  const { code, stdout, stderr } = promtool(['test', 'rules'], {
    'rules.yaml': text,
    // No rule waits (`for`), so that the one evaluation that is asked about is enough.
    'test.yaml': stringify({ rule_files: ['rules.yaml'], evaluation_interval: `${at}s`, tests }),
  });
  const found = [...(stdout + stderr).matchAll(/alertname:\s*(\w+)/g)].map(([, name]) => name ?? '');
  if (code !== 0 && found.length === 0) throw new Error(stdout + stderr);
  return found;
}

describe.skipIf(noHelm ?? noPromtool)('the alerts', () => {
  test('are rules that Prometheus takes', () => {
    const { code, stdout, stderr } = promtool(['check', 'rules', '--lint-fatal'], { 'rules.yaml': rules });
    expect(code, stdout + stderr).toBe(0);
  });

  const healthy: Series = {
    [`kube_cronjob_created{${of(CLEANUP)}}`]: 0,
    [`kube_cronjob_spec_suspend{${of(CLEANUP)}}`]: 0,
    [`kube_cronjob_status_last_successful_time{${of(CLEANUP)}}`]: 2 * DAY,
    [`kube_job_status_start_time{${job('a')}}`]: 2 * DAY - 60,
    [`kube_job_failed{${job('a')}, condition="true"}`]: 0,
    [`kube_job_status_active{${job('a')}}`]: 0,
    ...owned('a'),
  };
  const failed = (name: string, start: number): Series => ({
    [`kube_job_status_start_time{${job(name)}}`]: start,
    [`kube_job_failed{${job(name)}, condition="true"}`]: 1,
    ...owned(name),
  });

  test('are silent while all is well', () => {
    expect(firing(healthy, 3 * DAY)).toEqual([]);
  });

  test('tell of a failed Job until a later one has succeeded', () => {
    expect(firing({ ...healthy, ...failed('b', 2 * DAY + 60) }, 2 * DAY + 600)).toEqual(['RunJobFailed']);
    expect(firing({ ...healthy, ...failed('b', 2 * DAY - 600) }, 2 * DAY + 600)).toEqual([]);
  });

  test('tell of a failed Job of a CronJob that never succeeded', () => {
    const { [`kube_cronjob_status_last_successful_time{${of(CLEANUP)}}`]: _, ...never } = healthy;
    expect(firing({ ...never, ...failed('b', 60) }, 600)).toEqual(['RunJobFailed']);
  });

  test("don't mind a Job that failed elsewhere, or that nobody's CronJob owns", () => {
    const orphan = Object.fromEntries(
      Object.entries(failed('b', 2 * DAY + 60)).filter(([name]) => !name.includes('owner')),
    );
    const others = { ...failed('c', 2 * DAY + 60), ...owned('c', 'somebody-elses') };
    const theirs = Object.fromEntries(
      Object.entries(others).filter(([name]) => !name.includes(`owner_name="${CLEANUP}"`)),
    );
    expect(firing({ ...healthy, ...orphan, ...theirs }, 2 * DAY + 600)).toEqual([]);
  });

  test("tell of a daily job that hasn't succeeded for a day and its deadline, unless it is suspended", () => {
    expect(firing(healthy, 3 * DAY + 3 * 3600)).toEqual(['RunJobNotSucceeded']);
    expect(firing({ ...healthy, [`kube_cronjob_spec_suspend{${of(CLEANUP)}}`]: 1 }, 5 * DAY)).toEqual([]);
  });

  /** A sample at 2 days in each series of the runner's, and none after: a run sends once. */
  const at2Days = (value: number) => `${'_ '.repeat((2 * DAY) / (10 * MINUTE))}${value}`;
  const runs = (labels: string) => `job_runs_total{job_name="database_cleanup", ${labels}}`;
  const succeeded = (name = 'database_cleanup') => `job_last_success_seconds{job_name="${name}"}`;
  /** Kubernetes takes a run that did nothing for a success. */
  const recent: Series = { ...healthy, [`kube_cronjob_status_last_successful_time{${of(CLEANUP)}}`]: 4 * DAY };
  const soon = 4 * DAY - 3600;

  test('take a Job that was only skipped, or dry, for no success, and the true one for one', () => {
    const daily = (labels: string): Series => ({ [runs(labels)]: `_x${soon / (10 * MINUTE)} 1x6` });
    expect(firing({ ...recent, ...daily('job_run_status="succeeded"') }, soon + 1200)).toEqual([]);
    expect(firing({ ...recent, ...daily('job_run_status="skipped"') }, soon + 1200)).toEqual(['RunJobNotSucceeded']);
    expect(firing({ ...recent, ...daily('job_run_status="succeeded", job_dry_run="true"') }, soon + 1200)).toEqual([
      'RunJobNotSucceeded',
    ]);
    // Done an hour ago, and skipped since, because it was done.
    const done = { [succeeded()]: `_x${soon / (10 * MINUTE)} ${soon}` };
    expect(firing({ ...recent, ...daily('job_run_status="skipped"'), ...done }, soon + 1200)).toEqual([]);
    // … by another name, or long ago.
    const other = { [succeeded('acme')]: `_x${soon / (10 * MINUTE)} ${soon}` };
    expect(firing({ ...recent, ...daily('job_run_status="skipped"'), ...other }, soon + 1200)).toEqual([
      'RunJobNotSucceeded',
    ]);
    const old = { [succeeded()]: at2Days(2 * DAY) };
    expect(firing({ ...recent, ...daily('job_run_status="skipped"'), ...old }, soon + 1200)).toEqual([
      'RunJobNotSucceeded',
    ]);
  });

  test('believe a success that Kubernetes does not know of, and one whose telemetry was lost', () => {
    const elsewhere = { [succeeded()]: `_x${(3 * DAY) / (10 * MINUTE)} ${3 * DAY}` };
    expect(firing(healthy, 3 * DAY + 4 * 3600)).toEqual(['RunJobNotSucceeded']);
    expect(firing({ ...healthy, ...elsewhere }, 3 * DAY + 4 * 3600)).toEqual([]);
    expect(firing({ ...recent, [succeeded()]: at2Days(2 * DAY) }, 4 * DAY)).toEqual([]);
  });

  test('tell of a failed Job although later ones were skipped', () => {
    const skipped = { [runs('job_run_status="skipped"')]: `_x${soon / (10 * MINUTE)} 1x6` };
    const done = { [succeeded()]: `_x${(soon - 4 * 3600) / (10 * MINUTE)} ${soon - 4 * 3600}` };
    const series = { ...recent, ...failed('b', soon - 3 * 3600), ...done };
    expect(firing(series, soon + 1200)).toEqual([]);
    expect(firing({ ...series, ...skipped }, soon + 1200)).toEqual(['RunJobFailed']);
  });

  test("keep to their own namespace's runs where metrics name it, and take an entry that is always dry as it is", () => {
    const skipped = (namespace: string) => ({
      [runs(`job_run_status="skipped", k8s_namespace_name="${namespace}"`)]: `_x${soon / (10 * MINUTE)} 1x6`,
    });
    expect(firing({ ...recent, ...skipped('jobs') }, soon + 1200)).toEqual(['RunJobNotSucceeded']);
    expect(firing({ ...recent, ...skipped('staging') }, soon + 1200)).toEqual([]);
    const dry = { jobs: { 'database-cleanup': { dryRun: true } }, prometheusRule: { enabled: true } };
    expect(stringify(only(render(dry), 'PrometheusRule').spec.groups[0])).not.toContain('job_last_success');
  });

  test('tell of a Job that runs longer than one run may take', () => {
    const running = (start: number): Series => ({
      [`kube_job_status_start_time{${job('b')}}`]: start,
      [`kube_job_status_active{${job('b')}}`]: 1,
      ...owned('b'),
    });
    expect(firing({ ...healthy, ...running(2 * DAY) }, 2 * DAY + 40 * MINUTE)).toEqual([]);
    expect(firing({ ...healthy, ...running(2 * DAY) }, 2 * DAY + 50 * MINUTE)).toEqual(['RunJobRunsLong']);
  });

  test('tell of a run that could not reach the history, whether its counter is new or has grown', () => {
    const runs = 'job_runs_total{job_name="database_cleanup", job_run_status="unavailable", service_instance_id="x"}';
    const quiet = 'job_runs_total{job_name="database_cleanup", job_run_status="succeeded", service_instance_id="x"}';
    const at = 10 * 3600;
    expect(firing({ ...healthy, [runs]: `${'_ '.repeat(58)}1 1 1` }, at)).toEqual(['RunJobHistoryUnreachable']);
    expect(firing({ ...healthy, [runs]: `3x57 4 4 4` }, at)).toEqual(['RunJobHistoryUnreachable']);
    expect(firing({ ...healthy, [runs]: '3x61' }, at)).toEqual([]);
    expect(firing({ ...healthy, [quiet]: `${'_ '.repeat(58)}1 1 1` }, at)).toEqual([]);
  });
});

describe.skipIf(noHelm ?? noPromtool)('the dashboard', () => {
  const dashboard = JSON.parse(
    noHelm
      ? '{}'
      : only(render({ grafanaDashboard: { enabled: true } }), 'ConfigMap', 'dashboard').data['run-job.json'],
  ) as { panels: { title: string; gridPos: { x: number; w: number }; targets?: { expr: string }[] }[] };

  test('asks only what Prometheus understands', () => {
    const exprs = dashboard.panels.flatMap(({ targets = [] }) => targets.map(({ expr }) => expr));
    expect(exprs.length).toBeGreaterThan(8);
    const record = (expr: string, index: number) => ({
      record: `panel:${index}`,
      expr: expr.replaceAll(/\$__(rate_)?(interval|range)/g, '1h'),
    });
    const file = stringify({ groups: [{ name: 'panels', rules: exprs.map(record) }] });
    const { code, stdout, stderr } = promtool(['check', 'rules'], { 'rules.yaml': file });
    expect(code, stdout + stderr).toBe(0);
  });

  test('counts what was skipped apart from what was done', () => {
    const about = (title: string) => dashboard.panels.find((panel) => panel.title === title)?.targets?.[0]?.expr;
    expect(about('Runs by status')).toContain('job_run_status!="skipped"');
    expect(about('Skipped runs')).toContain('job_run_status="skipped"');
    expect(about('Since the last true success')).toContain('job_last_success_seconds');
  });

  test('has panels with titles, side by side', () => {
    for (const { title, gridPos } of dashboard.panels) {
      expect(title).not.toBe('');
      expect(gridPos.x + gridPos.w).toBeLessThanOrEqual(24);
    }
  });
});

describe.skipIf(noHelm)('the period of a schedule', () => {
  test.each([
    ['*/15 * * * *', 15 * 60],
    ['@hourly', 3600],
    ['0 2 * * *', DAY],
    ['0 6,18 * * *', 12 * 3600],
    ['0 8 * * 1', 7 * DAY],
    ['0 8 * * MON-FRI', 3 * DAY],
    ['0 0 1,15 * *', 17 * DAY],
    ['@monthly', 31 * DAY],
  ])('of %s is %d s at most', (schedule, period) => {
    const values = {
      prometheusRule: { enabled: true },
      jobs: { 'report-generator': null, 'database-cleanup': { schedule, retries: 0, activeDeadlineSeconds: 3600 } },
    };
    const rule = only(render(values), 'PrometheusRule').spec.groups[0].rules.find(
      ({ alert }: { alert: string }) => alert === 'RunJobNotSucceeded',
    );
    expect(Number(/^ *> (\d+)$/m.exec(rule.expr)?.[1])).toBe(period + 3600);
  });
});

const CONSOLE_ALERTS = [
  'RunJobFailing',
  'RunJobOverdue',
  'RunJobSlotsMissed',
  'RunJobPlacesExhausted',
  'RunJobConsoleStale',
];
const consoleRules = noHelm
  ? ''
  : stringify(only(render('helm/run-job/ci/console-values.yaml'), 'PrometheusRule').spec);

describe.skipIf(noHelm ?? noPromtool)('the alerts on what the console tells', () => {
  const AT = 2 * DAY;
  const of = (replica: string) => `name="ledger", namespace="jobs", pod="${replica}"`;
  /** As two replicas tell it. */
  const told = (changes: Readonly<Record<string, number>> = {}): Series => {
    const values = {
      consecutive_failures: 0,
      overdue_seconds: 0,
      missed_slots: 0,
      paused: 0,
      free: 4,
      last_look: AT,
      ...changes,
    };
    const { free, last_look, ...ofName } = values;
    return Object.fromEntries(
      ['a', 'b'].flatMap((replica) => [
        ...Object.entries(ofName).map(([metric, value]) => [`run_job_${metric}{${of(replica)}}`, value] as const),
        [`run_job_places{state="free", pod="${replica}"}`, free] as const,
        [`run_job_console_last_look_timestamp_seconds{pod="${replica}"}`, last_look] as const,
      ]),
    );
  };
  const firingOf = (series: Series) => firing(series, AT, consoleRules, [...ALERTS, ...CONSOLE_ALERTS]);

  test('are rules that Prometheus takes, in the place of those that Kubernetes alone can tell', () => {
    const { code, stdout, stderr } = promtool(['check', 'rules', '--lint-fatal'], { 'rules.yaml': consoleRules });
    expect(code, stdout + stderr).toBe(0);
    for (const alert of CONSOLE_ALERTS) expect(consoleRules).toContain(`alert: ${alert}`);
    expect(consoleRules).not.toMatch(/RunJobFailed|RunJobNotSucceeded/);
    expect(consoleRules).toContain('RunJobRunsLong');
    expect(rules).not.toContain('RunJobConsoleStale');
  });

  test.for([
    [{}, []],
    [{ consecutive_failures: 2 }, ['RunJobFailing']],
    [{ consecutive_failures: 2, paused: 1 }, []],
    [{ overdue_seconds: 300 }, ['RunJobOverdue']],
    [{ missed_slots: 1 }, ['RunJobSlotsMissed']],
    [{ missed_slots: 1, paused: 1 }, []],
    [{ free: 0 }, ['RunJobPlacesExhausted']],
    [{ last_look: AT - 600 }, ['RunJobConsoleStale']],
  ] as const)('%j', ([changes, alerts]) => {
    expect(firingOf(told(changes))).toEqual(alerts);
  });

  test('a console that is not there is told', () => {
    expect(firingOf({})).toEqual(['RunJobConsoleStale']);
  });
});
