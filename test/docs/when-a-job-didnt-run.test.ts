// The outputs in docs/when-a-job-didnt-run.md are what the commands say; `DOCS_UPDATE=1` writes them anew.
import { mkdtempSync, readFileSync, writeFileSync } from 'node:fs';
import { delimiter, dirname, join } from 'node:path';
import { expect, inject, test } from 'vitest';
import { findClient } from '../../deploy/tools/helm.ts';
import { createDatabase } from '../support/database.ts';
import { runToEnd } from '../support/run-job.ts';
import { startKubeApi } from '../why/kube-api.ts';
import { cronJob } from '../why/objects.ts';

const PAGE = 'docs/when-a-job-didnt-run.md';
const KUBECTL = findClient('kubectl');
const DAY = 86_400_000;

/** What differs each time: times, ids, and how long something takes. */
const masked = (text: string): string =>
  text
    .replace(/\d{4}-\d\d-\d\d[T ]\d\d:\d\d(?::\d\d(?:\.\d+)?)?Z?/g, 'TIME')
    .replace(/[0-9a-f]{8}-[0-9a-f]{4}-7[0-9a-f]{3}-[0-9a-f]{4}-[0-9a-f]{12}/g, 'ID')
    .replace(/\b(?=[a-f]*\d)[0-9a-f]{8}\b/g, 'ID')
    .replace(/\d\d:\d\d|\b\d+ \d+(?= \* \* \*)/g, 'TIME')
    .replace(/\b(?:\d+(?:\.\d+)?(?:ms|s|m|h|d) ?)+\b/g, 'SPAN')
    .replace(/host \S+|by \S+@\S+/g, 'WHERE');

const JOB = `import { defineJob } from 'run-job';

export default defineJob({
  name: 'orders_report',
  description: 'Reports the orders of a day',
  run() {
    if (process.env.WAREHOUSE === 'down') throw new Error('the warehouse answered 503');
  },
});
`;

test.skipIf(KUBECTL === undefined)('each output is that of its command', async () => {
  await using database = await createDatabase();
  const now = new Date();
  // Twelve hours from the slots, so that none is due while we look.
  const hour = (now.getUTCHours() + 12) % 24;
  const slots = Array.from({ length: 9 }, (_, index) => {
    const day = new Date(now.getTime() - (9 - index) * DAY);
    const at = Date.UTC(day.getUTCFullYear(), day.getUTCMonth(), day.getUTCDate(), hour);
    return new Date(at <= now.getTime() - 9 * DAY + index * DAY ? at + DAY : at);
  });
  const since = new Date(now.getTime() - 9 * DAY);
  await database.query(
    `insert into run_job.schedules (name, job, cron, time_zone, source, late_after_ms, owner, cronjob_name, namespace, valid_from, settled_to)
     values ('orders_report', 'orders_report', $1, 'Etc/UTC', 'jobs/billing', 900000, 'team-orders', 'orders', 'jobs', $2, $2)`,
    [`0 ${hour} * * *`, since],
  );
  const folder = mkdtempSync(join(inject('scratchFolder'), 'orders-'));
  writeFileSync(join(folder, 'orders_report.ts'), JOB);
  await using api = await startKubeApi({
    cronjobs: [
      cronJob({ suspend: true, schedule: `0 ${hour} * * *` }, { lastScheduleTime: slots[3]?.toISOString() ?? '' }),
    ],
  });
  const config = join(folder, 'kubeconfig');
  const context = { name: 'test', context: { cluster: 'test', user: 'test', namespace: 'jobs' } };
  const clusters = [{ name: 'test', cluster: { server: api.url } }];
  writeFileSync(
    config,
    JSON.stringify({
      apiVersion: 'v1',
      kind: 'Config',
      clusters,
      contexts: [context],
      'current-context': 'test',
      users: [{ name: 'test', user: {} }],
    }),
  );
  const env = {
    RUN_JOB_DIRS: folder,
    KUBECONFIG: config,
    HOME: folder,
    PATH: `${dirname(KUBECTL ?? '')}${delimiter}${process.env.PATH}`,
  };
  const run = (args: readonly string[], more: Record<string, string> = {}) =>
    runToEnd(args, { database, env: { ...env, ...more } });
  for (const slot of slots.slice(0, 3)) await run(['orders_report', '--scheduled-at', slot.toISOString()]);
  await run(['orders_report', '--scheduled-at', slots[3]?.toISOString() ?? ''], { WAREHOUSE: 'down' });

  let page = readFileSync(PAGE, 'utf8');
  const blocks = [...page.matchAll(/```text\n\$ run-job (?<args>.*)\n(?<output>[^`]*)```/g)];
  expect(blocks).toHaveLength(5);
  for (const { 0: block, groups } of blocks) {
    const args = groups?.args?.split(' ') ?? [];
    const ended = await run(args);
    expect(ended.exitCode, ended.stderr).toBe(0);
    if (process.env.DOCS_UPDATE)
      page = page.replace(block, () => `\`\`\`text\n$ run-job ${groups?.args}\n${ended.stdout}\`\`\``);
    else expect(masked(groups?.output ?? ''), groups?.args).toBe(masked(ended.stdout));
  }
  if (process.env.DOCS_UPDATE) writeFileSync(PAGE, page);
});
