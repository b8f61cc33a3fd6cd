// What goes on, as it is shown while it goes on: who waits for whom, which attempt is under way, how far a job is.
import * as v from 'valibot';
import { expect, test } from 'vitest';
import { Now, RunDetail } from '../../src/console/api/schemas.ts';
import { openHistory } from '../../src/postgres/history.ts';
import { serverAt } from '../postgres/server-at.ts';
import { createDatabase } from '../support/database.ts';
import { openGate } from '../support/gate.ts';
import { runJob, runToEnd } from '../support/run-job.ts';
import { ask, serveConsole, whenShown } from './support.ts';

const nowOf = async (url: string) => v.parse(Now, JSON.parse((await ask(url, '/api/v1/now')).text));
const runOf = async (url: string, id: string) =>
  v.parse(RunDetail, JSON.parse((await ask(url, `/api/v1/runs/${id}`)).text));

test('Now tells who waits for whom; when the waiting one has begun, its page tells how long it waited', async () => {
  await using gate = await openGate();
  await using database = await createDatabase();
  await using served = await serveConsole({ database });
  const args = ['waits', '--as', 'contended', '--param', `gate=${gate.path}`];
  await using first = runJob(args, { database });
  const holder = await first.until(gate.arrival());
  await using second = runJob([...args, '--scheduled-at', '2026-01-02T03:04:05Z'], { database });
  const now = await whenShown(
    served.url,
    () => nowOf(served.url),
    ({ waiting }) => waiting.length === 1,
    20_000,
  );
  const [holding] = now.running;
  expect(now.waiting).toMatchObject([
    {
      name: 'contended',
      reason: 'locked',
      holder: { id: holding?.id, name: 'contended' },
      scheduledAt: '2026-01-02T03:04:05.000Z',
    },
  ]);
  expect((await ask(served.url, '/now')).text).toMatch(
    new RegExp(`Who waits for whom[\\s\\S]*its lock, which <a href="/runs/${holding?.id}">`),
  );
  holder.open();
  expect((await first.done).exitCode).toBe(0);
  (await second.until(gate.arrival())).open();
  const { summary } = await second.done;
  expect(summary.status).toBe('succeeded');
  await whenShown(
    served.url,
    () => nowOf(served.url),
    ({ waiting, running }) => waiting.length + running.length === 0,
  );
  const run = await runOf(served.url, summary.runId);
  expect(Date.parse(run.begunAt ?? '') - Date.parse(run.startedAt)).toBeGreaterThan(500);
  expect((await ask(served.url, `/runs/${summary.runId}`)).text).toMatch(/waited [\d.smh ]+ for its lock/);
  expect(await database.query('SELECT FROM run_job.live')).toEqual([]);
});

test('each attempt of a run is told with its failure and the wait after it: while it lives, when it was killed, and when it has ended', async () => {
  await using database = await createDatabase();
  await using served = await serveConsole({ database });
  await using rests = runJob(['flaky', '--as', 'rests', '--param', 'wait=a minute'], { database });
  const { runId } = await rests.waitForLine(({ msg }) => msg.startsWith('attempt 1 of 3 failed'));
  const now = await whenShown(
    served.url,
    () => nowOf(served.url),
    ({ running }) => running[0]?.lastFailure !== undefined,
  );
  expect(now.running).toMatchObject([{ name: 'rests', attempts: 1, lastFailure: 'RetryableError: not for a while' }]);
  expect((await ask(served.url, '/now')).text).toContain('attempt 1 failed, another follows');
  rests.kill('SIGKILL');
  await rests.done;
  const page = await whenShown(
    served.url,
    async () => (await ask(served.url, `/runs/${runId}`)).text,
    (text) => text.includes('lost'),
  );
  expect(page).toMatch(/attempt 1: RetryableError: not for a while, after [\s\S]*waited [\s\S]* of 1m before the next/);

  const { summary } = await runToEnd(['flaky', '--as', 'mends', '--param', 'succeedsAt=3'], { database });
  const ended = await whenShown(
    served.url,
    () => runOf(served.url, summary.runId),
    ({ status }) => status === 'succeeded',
  );
  expect(ended.tries).toMatchObject([
    { error: { name: 'Error', message: 'attempt 1 is plain' } },
    { error: { name: 'Error', message: 'attempt 2 is plain' } },
    {},
  ]);
  expect((await ask(served.url, `/runs/${summary.runId}`)).text).toMatch(
    /attempt 1: Error: attempt 1 is plain[\s\S]*before the next[\s\S]*attempt 3: succeeded/,
  );
});

test('a run at its first attempt is told as one that works, also when it was killed at it', async () => {
  await using database = await createDatabase();
  await using served = await serveConsole({ database });
  await using working = runJob(['hangs', '--as', 'works', '--param', 'way=returns'], { database });
  const { runId } = await working.waitForLine(({ msg }) => msg === 'hanging');
  const pageOf = async () => (await ask(served.url, `/runs/${runId}`)).text;
  const page = await whenShown(served.url, pageOf, (text) => text.includes('under way'));
  expect(page).toMatch(/1 attempt, under way[\s\S]*attempt 1: running for \d/);
  expect(page).not.toContain('never began');
  const shown = async () => (await runToEnd(['show', String(runId)], { database })).stdout;
  expect(await shown()).toMatch(/^Attempts +1$/m);
  working.kill('SIGKILL');
  await working.done;
  const lost = await whenShown(served.url, pageOf, (text) => text.includes('lost'));
  expect(lost).toMatch(/1 attempt, nobody knows when it died[\s\S]*attempt 1: lost/);
  expect(lost).not.toContain('never began');
  expect(await shown()).toMatch(/^Status +lost\n[\s\S]*^Attempts +1$/m);
});

test('Now and the page of a run tell how far its job is', async () => {
  await using database = await createDatabase();
  await using served = await serveConsole({ database });
  await using working = runJob(['hangs', '--as', 'long', '--param', 'way=returns'], { database });
  const { runId } = await working.waitForLine(({ msg }) => msg === 'hanging');
  const history = openHistory(serverAt(database.url), { endWithinMs: 0 });
  const [run] = await database.query<{ id: string; scheduled_at: Date }>(
    'SELECT id, scheduled_at FROM run_job.runs WHERE id = $1',
    [runId],
  );
  const slot = {
    name: 'long',
    scheduledAt: run?.scheduled_at ?? new Date(),
    shard: { index: 0, count: 1 },
    paramsDigest: '',
  };
  // As the run itself does after ten seconds of work.
  await history.tell(
    { id: run?.id ?? '', job: 'hangs', slot, place: { host: 'h', pid: 1 } },
    { progress: { done: 450, total: 1_000 } },
  );
  await history.close();
  await whenShown(
    served.url,
    async () => (await ask(served.url, '/now')).text,
    (text) => text.includes('45 % done, 450 of 1000'),
  );
  expect((await ask(served.url, `/runs/${runId}`)).text).toContain('45 % done, 450 of 1000');
});
