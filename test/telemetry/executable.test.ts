import { expect, test } from 'vitest';
import { createDatabase } from '../support/database.ts';
import { type OtlpReceiver, startOtlpReceiver } from '../support/otlp-receiver.ts';
import { runJob, runToEnd } from '../support/run-job.ts';
import { tree } from './tree.ts';

const to = (receiver: OtlpReceiver, more: Record<string, string> = {}) => ({
  env: { OTEL_EXPORTER_OTLP_ENDPOINT: receiver.url, ...more },
});

const traced = (end: string, ...flags: string[]) => ['traced', '--param', `end=${end}`, ...flags];

test.for(['http/json', 'http/protobuf'])('a run sends its trace and its metrics as %s', async (protocol) => {
  await using receiver = await startOtlpReceiver();
  const { exitCode, summary } = await runToEnd(
    traced('succeeds'),
    to(receiver, { OTEL_EXPORTER_OTLP_PROTOCOL: protocol }),
  );

  expect(exitCode).toBe(0);
  expect(summary.telemetryFlushed).toBe(true);
  expect(new Set(receiver.requests.map(({ headers }) => headers['content-type']))).toEqual(
    new Set([protocol === 'http/json' ? 'application/json' : 'application/x-protobuf']),
  );
  expect(tree(receiver.spans)).toEqual([
    'job.run traced',
    '  job.prepare',
    '  job.connect',
    '  job.attempt',
    '    load',
    '      send',
  ]);
  const root = receiver.span('job.run traced');
  expect(root).toMatchObject({
    kind: 'internal',
    status: 'unset',
    traceId: summary.traceId,
    attributes: {
      'job.name': 'traced',
      'job.run.id': summary.runId,
      'job.run.status': 'succeeded',
      'job.run.result': 'success',
      'job.run.exit_code': 0,
      'job.run.attempts': 1,
      'job.scheduled_at': summary.scheduledAt,
      'job.slot': `traced/${summary.scheduledAt}/0`,
    },
  });
  expect(receiver.span('load')).toMatchObject({
    attributes: { 'load.source': 'orders' },
    events: [{ name: 'batch', attributes: { rows: 3 } }],
  });
  expect(receiver.span('send')).toMatchObject({ kind: 'producer', attributes: { 'messaging.system': 'rabbitmq' } });

  const run = { 'job.name': 'traced', 'job.run.status': 'succeeded', 'job.run.result': 'success' };
  expect(receiver.metric('job.runs')).toMatchObject({
    kind: 'sum',
    unit: '{run}',
    temporality: 'cumulative',
    points: [{ value: 1, attributes: run }],
  });
  expect(receiver.metric('job.attempts').points).toMatchObject([{ value: 1, attributes: run }]);
  expect(receiver.metric('job.run.duration')).toMatchObject({
    kind: 'histogram',
    unit: 's',
    points: [{ count: 1, attributes: run }],
  });
  expect(receiver.metric('job.items').points).toEqual([
    { value: 3, attributes: { 'job.name': 'traced', 'job.item': 'rows_loaded', 'db.collection.name': 'orders' } },
  ]);
  expect(receiver.metric('job.last_success').points[0]?.value).toBeCloseTo(Date.now() / 1000, -2);
});

test('a run with a database shows the lock and the history in its trace, and measures the wait for the lock', async () => {
  await using database = await createDatabase();
  await using receiver = await startOtlpReceiver();
  const { exitCode } = await runToEnd(traced('succeeds'), { ...to(receiver), database });

  expect(exitCode).toBe(0);
  expect(tree(receiver.spans)).toEqual([
    'job.run traced',
    '  job.prepare',
    '  job.lock',
    '  job.connect',
    '  job.history',
    '  job.attempt',
    '    load',
    '      send',
    '  job.history',
  ]);
  const { hostname, port, pathname } = new URL(database.url);
  const server = {
    'db.system.name': 'postgresql',
    'db.namespace': pathname.slice(1),
    'server.address': hostname,
    'server.port': Number(port),
  };
  expect(receiver.span('job.lock')).toMatchObject({ kind: 'client', attributes: server });
  expect(receiver.spans.filter(({ name }) => name === 'job.history')).toMatchObject([
    { kind: 'client', attributes: { ...server, 'db.operation.name': 'INSERT' } },
    { kind: 'client', attributes: { ...server, 'db.operation.name': 'UPDATE' } },
  ]);
  expect(receiver.metric('job.lock.wait')).toMatchObject({
    unit: 's',
    points: [{ count: 1, attributes: { 'job.name': 'traced' } }],
  });
});

test('a run that fails shows each attempt, linked to the one before, and tells each error once, where it happened', async () => {
  await using receiver = await startOtlpReceiver();
  const { exitCode } = await runToEnd(traced('fails'), to(receiver));

  expect(exitCode).toBe(1);
  const attempt = ['  job.attempt (error)', '    load (error)', '      send', '      query (error)'];
  expect(tree(receiver.spans)).toEqual([
    'job.run traced (error)',
    '  job.prepare',
    '  job.connect',
    ...attempt,
    ...attempt,
    ...attempt,
  ]);
  const attempts = receiver.spans.filter(({ name }) => name === 'job.attempt');
  expect(attempts.map(({ links }) => links.map(({ spanId }) => spanId))).toEqual([
    [],
    [attempts[0]?.spanId],
    [attempts[1]?.spanId],
  ]);
  const exceptions = receiver.spans.flatMap(({ name, events }) =>
    events.filter((event) => event.name === 'exception').map(({ attributes }) => [name, attributes['exception.type']]),
  );
  expect(exceptions).toEqual([
    ['query', 'Error'],
    ['query', 'Error'],
    ['query', 'Error'],
  ]);
  expect(receiver.span('job.run traced')).toMatchObject({
    attributes: {
      'job.run.status': 'failed',
      'job.run.result': 'failure',
      'job.run.exit_code': 1,
      'error.type': 'Error',
    },
  });
  expect(receiver.metric('job.runs').points[0]?.attributes).toMatchObject({ 'job.run.status': 'failed' });
  expect(receiver.metric('job.attempts').points[0]?.value).toBe(3);
  expect(receiver.metrics.map(({ name }) => name)).not.toContain('job.last_success');
});

test('a run that recovers in a later attempt is a success with failed attempts in it', async () => {
  await using receiver = await startOtlpReceiver();
  const { exitCode } = await runToEnd(traced('recovers'), to(receiver));

  expect(exitCode).toBe(0);
  expect(receiver.span('job.run traced').status).toBe('unset');
  const attempts = receiver.spans.filter(({ name }) => name === 'job.attempt');
  expect(attempts.map(({ status }) => status)).toEqual(['error', 'error', 'unset']);
});

test('no secret reaches the collector', async () => {
  await using receiver = await startOtlpReceiver();
  await runToEnd(traced('fails'), to(receiver, { OTEL_LOGS_EXPORTER: 'otlp' }));

  expect(receiver.span('job.run traced').statusMessage).toContain('attempt 3 failed at postgres://');
  expect(receiver.logs.length).toBeGreaterThan(0);
  const everything = [receiver.spans, receiver.metrics, receiver.logs];
  const text = JSON.stringify(everything, (_key, value) => (typeof value === 'bigint' ? String(value) : value));
  expect(text).not.toContain('hunter2');
});

test('a run that times out shows the step that hung, as an error', async () => {
  await using receiver = await startOtlpReceiver();
  const { exitCode } = await runToEnd(traced('hangs', '--timeout', '1500ms'), {
    env: { ...to(receiver).env, WORKER_SHUTDOWN_TIMEOUT_SECONDS: '0.1' },
  });

  expect(exitCode).toBe(124);
  expect(tree(receiver.spans)).toEqual([
    'job.run traced (error)',
    '  job.prepare',
    '  job.connect',
    '  job.attempt (error)',
    '    load (error)',
    '      send',
    '      query (error)',
  ]);
  expect(receiver.span('query')).toMatchObject({ attributes: { 'job.step.unfinished': true } });
  expect(receiver.span('query').statusMessage).toContain('timed_out');
  expect(receiver.span('job.run traced').attributes).toMatchObject({ 'job.run.result': 'timeout' });
});

test('a run that is told to stop shows the step that it was in, and how it ended', async () => {
  await using receiver = await startOtlpReceiver();
  await using running = runJob(traced('hangs'), {
    env: { ...to(receiver).env, WORKER_SHUTDOWN_TIMEOUT_SECONDS: '0.1' },
  });
  await running.waitForLine(({ msg }) => msg === 'sent');
  running.kill('SIGTERM');
  const { exitCode } = await running.done;

  expect(exitCode).toBe(143);
  expect(receiver.span('query')).toMatchObject({ status: 'error', attributes: { 'job.step.unfinished': true } });
  expect(receiver.span('job.run traced').attributes).toMatchObject({
    'job.run.status': 'interrupted',
    'job.run.result': 'cancellation',
  });
});

test('a run that crashes shows the step that it was in, and tells the error that nobody caught', async () => {
  await using receiver = await startOtlpReceiver();
  const { exitCode } = await runToEnd(traced('crashes'), {
    env: { ...to(receiver).env, WORKER_SHUTDOWN_TIMEOUT_SECONDS: '0.1' },
  });

  expect(exitCode).toBe(70);
  expect(receiver.span('query').status).toBe('error');
  const root = receiver.span('job.run traced');
  expect(root).toMatchObject({
    status: 'error',
    attributes: { 'job.run.status': 'crashed', 'job.run.result': 'error', 'error.type': 'RangeError' },
    events: [{ name: 'exception', attributes: { 'exception.type': 'RangeError' } }],
  });
});

test('a run that never began still leaves its trace', async () => {
  await using receiver = await startOtlpReceiver();
  const { exitCode } = await runToEnd(['no_such_job'], to(receiver));

  expect(exitCode).toBe(64);
  expect(receiver.span('job.run no_such_job')).toMatchObject({
    status: 'error',
    attributes: { 'job.run.status': 'rejected', 'job.run.exit_code': 64 },
  });
});

test("the caller's trace goes on: in the run, in its log, in its summary and in what it sends", async () => {
  const [traceId, parent] = ['0af7651916cd43dd8448eb211c80319c', 'b7ad6b7169203331'];
  await using receiver = await startOtlpReceiver();
  const { lines, summary } = await runToEnd(
    traced('succeeds'),
    to(receiver, {
      TRACEPARENT: `00-${traceId}-${parent}-01`,
      TRACESTATE: 'vendor=1',
      BAGGAGE: 'tenant=acme',
    }),
  );

  const root = receiver.span('job.run traced');
  expect(root).toMatchObject({ traceId, parentSpanId: parent, traceState: 'vendor=1' });
  expect(summary.traceId).toBe(traceId);
  const sent = lines.find(({ msg }) => msg === 'sent');
  expect(sent).toMatchObject({
    traceId,
    spanId: receiver.span('load').spanId,
    headers: {
      traceparent: `00-${traceId}-${receiver.span('send').spanId}-01`,
      tracestate: 'vendor=1',
      baggage: 'tenant=acme',
    },
  });
});

test("the caller's decision not to sample is kept, and the metrics are sent all the same", async () => {
  await using receiver = await startOtlpReceiver();
  const TRACEPARENT = '00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-00';
  const { summary } = await runToEnd(traced('succeeds'), to(receiver, { TRACEPARENT }));

  expect(receiver.spans).toEqual([]);
  expect(receiver.metric('job.runs').points).toHaveLength(1);
  expect(summary).toMatchObject({ telemetryFlushed: true, traceId: '0af7651916cd43dd8448eb211c80319c' });
});

test('log lines are sent when they are asked for, each with the span that it was written in', async () => {
  await using receiver = await startOtlpReceiver();
  await runToEnd(traced('succeeds'), to(receiver, { OTEL_LOGS_EXPORTER: 'otlp' }));

  const sent = receiver.logs.find(({ body }) => body === 'sent');
  expect(sent).toMatchObject({
    severity: 'INFO',
    traceId: receiver.span('load').traceId,
    spanId: receiver.span('load').spanId,
    attributes: { job: 'traced', attempt: 1 },
  });
});

test('the resource says which service, run, host, process and pod it was', async () => {
  await using receiver = await startOtlpReceiver();
  const { summary } = await runToEnd(traced('succeeds'), {
    env: {
      ...to(receiver).env,
      OTEL_RESOURCE_ATTRIBUTES: 'deployment.environment.name=test,service.namespace=billing',
      OTEL_SERVICE_NAME: 'nightly',
      POD_NAME: 'traced-29401920-x7abc',
      POD_NAMESPACE: 'billing',
      JOB_NAME: 'traced-29401920',
      CRONJOB_NAME: 'traced',
      NODE_NAME: 'node-1',
    },
  });

  const expected = {
    'service.name': 'nightly',
    'service.namespace': 'billing',
    'service.instance.id': summary.runId,
    'service.version': expect.stringMatching(/^\d+\.\d+\.\d+/),
    'deployment.environment.name': 'test',
    'host.name': expect.any(String),
    'host.arch': expect.any(String),
    'os.type': process.platform,
    'process.pid': expect.any(Number),
    'process.runtime.name': 'nodejs',
    'telemetry.sdk.language': 'nodejs',
    'k8s.pod.name': 'traced-29401920-x7abc',
    'k8s.namespace.name': 'billing',
    'k8s.job.name': 'traced-29401920',
    'k8s.cronjob.name': 'traced',
    'k8s.node.name': 'node-1',
  };
  expect(receiver.span('job.run traced').resource).toMatchObject(expected);
  expect(receiver.metric('job.runs').resource).toMatchObject(expected);
  expect(receiver.span('job.run traced').resource).not.toHaveProperty('process.command_args');
});

test('headers, compression, temporality and the sampler are as the variables say', async () => {
  await using receiver = await startOtlpReceiver();
  await runToEnd(
    traced('succeeds'),
    to(receiver, {
      OTEL_EXPORTER_OTLP_HEADERS: 'x-api-key=abc%20def',
      OTEL_EXPORTER_OTLP_COMPRESSION: 'gzip',
      OTEL_EXPORTER_OTLP_METRICS_TEMPORALITY_PREFERENCE: 'delta',
      OTEL_TRACES_SAMPLER: 'always_off',
    }),
  );

  expect(receiver.spans).toEqual([]);
  expect(receiver.requests).toHaveLength(1);
  expect(receiver.requests[0]?.headers).toMatchObject({ 'x-api-key': 'abc def', 'content-encoding': 'gzip' });
  expect(receiver.metric('job.runs').temporality).toBe('delta');
});

test('each signal goes to its own endpoint, or nowhere', async () => {
  await using traces = await startOtlpReceiver();
  await using rest = await startOtlpReceiver();
  await runToEnd(traced('succeeds'), {
    env: {
      OTEL_EXPORTER_OTLP_TRACES_ENDPOINT: `${traces.url}/v1/traces`,
      OTEL_EXPORTER_OTLP_ENDPOINT: rest.url,
      OTEL_METRICS_EXPORTER: 'none',
    },
  });

  expect(traces.requests.map(({ path }) => path)).toEqual(['/v1/traces']);
  expect(rest.requests).toEqual([]);
});

test('without an endpoint nothing is sent, and the summary says nothing of telemetry', async () => {
  const { exitCode, summary, lines } = await runToEnd(traced('succeeds'));

  expect(exitCode).toBe(0);
  expect(summary).not.toHaveProperty('telemetryFlushed');
  expect(summary).not.toHaveProperty('traceId');
  expect(lines.filter(({ level }) => level === 'warn')).toEqual([]);
});

test('variables that make no sense are warnings, and the run is what it was', async () => {
  await using receiver = await startOtlpReceiver();
  const { exitCode, lines } = await runToEnd(
    traced('succeeds'),
    to(receiver, {
      OTEL_TRACES_SAMPLER: 'sometimes',
      OTEL_EXPORTER_OTLP_TIMEOUT: 'soon',
      OTEL_EXPORTER_OTLP_COMPRESSION: 'zip',
      OTEL_BSP_MAX_QUEUE_SIZE: 'many',
      OTEL_METRIC_EXPORT_INTERVAL: '-1',
      OTEL_PROPAGATORS: 'pigeon',
      OTEL_RESOURCE_ATTRIBUTES: 'nonsense',
      OTEL_EXPORTER_OTLP_HEADERS: '=,;',
      OTEL_LOG_LEVEL: 'loud',
      OTEL_EXPORTER_OTLP_CERTIFICATE: '/nowhere',
      TRACEPARENT: 'nonsense',
    }),
  );

  expect(exitCode).toBe(0);
  expect(receiver.span('job.run traced').status).toBe('unset');
  expect(receiver.metric('job.runs').points).toHaveLength(1);
  const warnings = lines.filter(({ level }) => level === 'warn').map(({ msg }) => msg);
  for (const name of [
    'OTEL_TRACES_SAMPLER',
    'OTEL_EXPORTER_OTLP_TIMEOUT',
    'OTEL_EXPORTER_OTLP_COMPRESSION',
    'OTEL_METRIC_EXPORT_INTERVAL',
    'OTEL_EXPORTER_OTLP_HEADERS',
    'OTEL_LOG_LEVEL',
    'OTEL_BSP_MAX_QUEUE_SIZE',
    'OTEL_RESOURCE_ATTRIBUTES',
    'OTEL_PROPAGATORS',
  ]) {
    expect(warnings.filter((warning) => warning.includes(name))).toHaveLength(1);
  }
  // What somebody has put into the wrong variable may be a secret.
  expect(warnings.join()).not.toMatch(/sometimes|soon|\bzip|many|pigeon|loud|nonsense/);
});
