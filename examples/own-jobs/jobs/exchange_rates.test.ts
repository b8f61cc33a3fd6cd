import assert from 'node:assert/strict';
import { createServer } from 'node:http';
import type { AddressInfo } from 'node:net';
import { test } from 'node:test';
import { runJob } from 'run-job/testing';
import job from './exchange_rates.ts';

/** An API that gives each of these answers once. */
async function api(...answers: { status: number; body?: unknown; retryAfter?: string }[]) {
  const asked: string[] = [];
  const server = createServer((request, response) => {
    asked.push(request.url ?? '');
    const { status, body = {}, retryAfter } = answers.shift() ?? { status: 500 };
    response.writeHead(status, retryAfter === undefined ? {} : { 'retry-after': retryAfter });
    response.end(JSON.stringify(body));
  });
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  const url = `http://127.0.0.1:${(server.address() as AddressInfo).port}/rates`;
  return { url, asked, [Symbol.asyncDispose]: async () => void server.close() };
}

/** A pool that keeps what it is asked. */
function pool() {
  const queries: unknown[][] = [];
  return { queries, query: async (_sql: string, values: unknown[]) => void queries.push(values) };
}

const good = { status: 200, body: { rates: { EUR: 1, USD: 1.1 } } };

test('stores the rates of the slot’s day, and tries again while the API is busy or fails', async () => {
  await using server = await api({ status: 503, retryAfter: '0' }, { status: 500 }, good);
  const postgres = pool();
  const outcome = await runJob(job, {
    params: { url: server.url },
    postgres,
    scheduledAt: '2026-11-22T23:30:00Z',
  });
  assert.equal(outcome.status, 'succeeded');
  assert.equal(outcome.attempts, 3);
  assert.deepEqual(outcome.result, { day: '2026-11-22', stored: 2 });
  assert.deepEqual(postgres.queries, [['2026-11-22', ['EUR', 'USD'], [1, 1.1]]]);
  assert.equal(server.asked[0], '/rates?day=2026-11-22');
});

test('gives up at once when the API refuses the request', async () => {
  await using server = await api({ status: 401 });
  const { exitCode, attempts } = await runJob(job, { env: { RATES_URL: server.url }, postgres: pool() });
  assert.deepEqual({ exitCode, attempts }, { exitCode: 65, attempts: 1 });
});

test('stores nothing in a dry run', async () => {
  await using server = await api(good);
  const postgres = pool();
  await runJob(job, { params: { url: server.url }, postgres, dryRun: true });
  assert.deepEqual(postgres.queries, []);
});
