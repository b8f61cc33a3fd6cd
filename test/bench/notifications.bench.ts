// Whether every notification exists once by its key, however many runs are killed: `npm run bench -- notifications [rounds] [times]`.
import { execFileSync } from 'node:child_process';
import { resolve } from 'node:path';
import pg from 'pg';
import { killAtRandom } from '../notifications/kill-at-random.ts';
import { SECRET, startNotificationReceiver } from '../support/notification-receiver.ts';
import { startPostgres } from '../support/postgres-server.ts';
import { createScratchFolder } from '../support/scratch-folder.ts';
import { tell } from './report.ts';

export async function bench([rounds = '100', times = '3']: readonly string[]): Promise<void> {
  await using scratch = createScratchFolder();
  await using postgres = await startPostgres();
  await using receiver = await startNotificationReceiver();
  const rows: string[][] = [];
  for (let time = 1; time <= Number(times); time += 1) {
    const name = `kills_${time}`;
    await query(postgres.url, `create database ${name}`);
    const url = Object.assign(new URL(postgres.url), { pathname: `/${name}` }).href;
    execFileSync(process.execPath, [resolve('dist/run-job.js'), 'migrate'], { env: { DATABASE_URL: url } });
    const startedAt = performance.now();
    const { records, expected, keys } = await killAtRandom(Number(rounds), {
      database: databaseAt(url, name),
      scratchFolder: scratch.path,
      env: { RUN_JOB_NOTIFY: receiver.webhook, RUN_JOB_NOTIFY_SECRET: SECRET, RUN_JOB_NOTIFY_TIMEOUT_MS: '20000' },
    });
    const received = new Set(receiver.events.map(({ id }) => id));
    const wrong = [
      ...expected.filter((key) => !keys.includes(key) || !received.has(key)),
      ...keys.filter((key) => !expected.includes(key)),
    ];
    if (wrong.length > 0) process.exitCode = 1;
    const seconds = ((performance.now() - startedAt) / 1_000).toFixed(0);
    rows.push([String(time), String(records), String(expected.length), String(wrong.length), seconds]);
  }
  tell('notifications', ['time', 'records', 'notifications', 'missing or too many', 'seconds'], rows, { rows });
}

const databaseAt = (url: string, name: string) => ({
  url,
  name,
  query: <Row extends pg.QueryResultRow>(sql: string, values?: unknown[]) => query<Row>(url, sql, values),
  connect: async () => {
    const client = new pg.Client({ connectionString: url });
    await client.connect();
    return client;
  },
  async [Symbol.asyncDispose]() {},
});

async function query<Row extends pg.QueryResultRow>(url: string, sql: string, values?: unknown[]): Promise<Row[]> {
  const client = new pg.Client({ connectionString: url });
  await client.connect();
  try {
    return (await client.query<Row>(sql, values)).rows;
  } finally {
    await client.end();
  }
}
