// The program that closes the record for a process that is stopped in the middle of its abort, and which mustn't stay so.
import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { dirname, join } from 'node:path';
import { expect, test } from 'vitest';
import { CLOSING_ORDER, type ClosingOrder } from '../../src/process/speech.ts';
import { EXECUTABLE } from '../support/built.ts';
import { startBlackHole } from '../support/tcp-proxy.ts';

/** Starts a process that ends as soon as it goes on, and the program that closes a record for it in a database that never answers. */
async function startCloser(port: number) {
  const stopped = spawn('/bin/sh', ['-c', 'kill -STOP $$; exit 3'], { stdio: 'ignore' });
  const ended = once(stopped, 'exit');
  const order: ClosingOrder = {
    databaseUrl: `postgres://u:p@127.0.0.1:${port}/d`,
    summary: {
      job: 'noop',
      name: 'noop',
      runId: '019ad000-0000-7000-8000-000000000000',
      status: 'crashed',
      exitCode: 134,
      scheduledAt: new Date().toISOString(),
      attempts: 1,
      durationMs: 1,
      peakRssBytes: 1,
      cpuMs: 1,
    },
    requests: [],
    pid: stopped.pid as number,
  };
  const closer = spawn(process.execPath, [join(dirname(EXECUTABLE), 'record-closer.cjs')], {
    stdio: 'ignore',
    env: { [CLOSING_ORDER]: JSON.stringify(order) },
  });
  return { closer, ended };
}

test.concurrent('a database that never answers: the process goes on all the same', async () => {
  await using hole = await startBlackHole();
  const { ended } = await startCloser(hole.port);
  expect(await ended).toEqual([3, null]);
});

test.concurrent('the program is killed itself: the process goes on all the same', async () => {
  await using hole = await startBlackHole();
  const { closer, ended } = await startCloser(hole.port);
  await hole.accepted;
  closer.kill('SIGKILL');
  expect(await ended).toEqual([3, null]);
});
