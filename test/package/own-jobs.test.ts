// examples/own-jobs, as its team would use it, and as its image would run it.
import { spawnSync } from 'node:child_process';
import { once } from 'node:events';
import { cpSync, mkdtempSync, readFileSync } from 'node:fs';
import { createServer } from 'node:http';
import type { AddressInfo } from 'node:net';
import { dirname, join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { expect, inject, test } from 'vitest';
import { EXECUTABLE } from '../support/built.ts';
import { createDatabase } from '../support/database.ts';
import { runToEnd } from '../support/run-job.ts';
import { createProject, pack } from './project.ts';

const EXAMPLE = fileURLToPath(new URL('../../examples/own-jobs', import.meta.url));

test('its tests pass and it type-checks in a project of its own', async () => {
  const project = await createProject(await pack(), { type: 'module' });
  cpSync(join(EXAMPLE, 'jobs'), join(project.folder, 'jobs'), { recursive: true });
  cpSync(join(EXAMPLE, 'tsconfig.json'), join(project.folder, 'tsconfig.json'));
  const [tested, checked] = await Promise.all([
    project.run('node', ['--test']),
    project.run('node', ['node_modules/typescript/bin/tsc']),
  ]);
  expect(tested).toMatchObject({ exitCode: 0, stdout: expect.stringContaining('pass 3') });
  expect(checked).toEqual({ exitCode: 0, stdout: '', stderr: '' });
});

test('its job fetches and stores, with a database of its own', async () => {
  await using database = await createDatabase();
  await database.query(readFileSync(join(EXAMPLE, 'schema.sql'), 'utf8'));
  const answers = [503, 200];
  const server = createServer((_, response) => {
    response.writeHead(answers.shift() ?? 500, { 'retry-after': '0' }).end('{"rates":{"EUR":1,"USD":1.5}}');
  }).listen(0, '127.0.0.1');
  await once(server, 'listening');
  const env = {
    RUN_JOB_DIRS: join(EXAMPLE, 'jobs'),
    RATES_URL: `http://127.0.0.1:${(server.address() as AddressInfo).port}/`,
  };
  const args = ['exchange_rates', '--scheduled-at', '2026-11-23T02:00:00Z'];
  const first = await runToEnd(args, { database, env });
  expect(first.summary).toMatchObject({ status: 'succeeded', attempts: 2, result: { day: '2026-11-23', stored: 2 } });
  const again = await runToEnd(args, { database, env });
  expect(again.summary).toMatchObject({ status: 'skipped', reason: 'slot_succeeded' });
  server.close();
  expect(await database.query('SELECT currency, rate::float FROM exchange_rates ORDER BY 1')).toEqual([
    { currency: 'EUR', rate: 1 },
    { currency: 'USD', rate: 1.5 },
  ]);
});

test('its image, which is ours with jobs/ in it, finds and loads them without node_modules', () => {
  const dockerfile = readFileSync(join(EXAMPLE, 'Dockerfile'), 'utf8');
  expect(dockerfile.split('\n').filter((line) => line && !line.startsWith('#'))).toEqual([
    expect.stringMatching(/^FROM .*run-job:/),
    'COPY jobs ./jobs',
  ]);
  // Our image, as far as it matters here: /app is the working directory, and holds package.json and dist/.
  const app = mkdtempSync(join(inject('scratchFolder'), 'app-'));
  cpSync(dirname(EXECUTABLE), join(app, 'dist'), { recursive: true });
  cpSync(join(dirname(EXECUTABLE), '../package.json'), join(app, 'package.json'));
  cpSync(join(EXAMPLE, 'jobs'), join(app, 'jobs'), { recursive: true });
  const { status, stdout } = spawnSync(process.execPath, ['dist/run-job.js', 'list'], {
    cwd: app,
    encoding: 'utf8',
    env: {},
  });
  expect(status).toBe(0);
  expect(stdout).toContain('exchange_rates');
});
