import { context, diag, logs, metrics, propagation, trace } from '@opentelemetry/api';
import { afterAll, afterEach, beforeAll, expect, test, vi } from 'vitest';
import type { Logger } from '../../src/job.ts';
import { describeError } from '../../src/runner/error-info.ts';
import { createRedactor } from '../../src/runner/redact.ts';
import { noTelemetry } from '../../src/telemetry/noop.ts';
import { openTelemetry } from '../../src/telemetry/open.ts';
import { telemetryContract } from '../contracts/telemetry.ts';
import { type OtlpReceiver, startOtlpReceiver } from '../support/otlp-receiver.ts';

const SILENT: Logger = { debug() {}, info() {}, warn() {}, error() {} };

let receiver: OtlpReceiver;
beforeAll(async () => {
  receiver = await startOtlpReceiver();
  // The SDK reads its variables itself.
  vi.stubEnv('OTEL_EXPORTER_OTLP_ENDPOINT', receiver.url);
  vi.stubEnv('OTEL_LOGS_EXPORTER', 'otlp');
});
afterAll(() => receiver[Symbol.asyncDispose]());
// The SDK registers itself for the whole process, which is for one run.
afterEach(() => {
  for (const api of [context, diag, logs, metrics, propagation, trace]) api.disable();
});

const open = (log = SILENT) =>
  openTelemetry({
    env: process.env,
    job: 'some_job',
    name: 'some_job',
    runId: '01890a5d-ac96-774b-bcce-b302099a8057',
    version: '0.0.0',
    place: { host: 'here', pid: 1 },
    log,
    redact: createRedactor([]),
    describe: (thrown) => describeError(thrown, createRedactor([])),
  });

telemetryContract('telemetry that goes nowhere', async () => noTelemetry({}));
telemetryContract('telemetry that is sent', () => open());

const PARENT = { traceId: '0af7651916cd43dd8448eb211c80319c', spanId: 'b7ad6b7169203331' };

test("telemetry that goes nowhere still knows the caller's trace", () => {
  const telemetry = noTelemetry({ TRACEPARENT: `00-${PARENT.traceId}-${PARENT.spanId}-01` });
  expect(telemetry.traceId).toBe(PARENT.traceId);
  expect(telemetry.currentSpan()).toEqual(PARENT);
});

test.for([
  'nonsense',
  `00-${'0'.repeat(32)}-${PARENT.spanId}-01`,
  `00-${PARENT.traceId}-${'0'.repeat(16)}-01`,
  `ff-${PARENT.traceId}-${PARENT.spanId}-01`,
  `00-${PARENT.traceId}-${PARENT.spanId}`,
])('a TRACEPARENT that breaks the rules is no trace: %s', (value) => {
  const telemetry = noTelemetry({ TRACEPARENT: value });
  expect(telemetry.traceId).toBeUndefined();
  expect(telemetry.currentSpan()).toBeUndefined();
});

test('an SDK that cannot be started is a warning, and the run goes on without', async () => {
  const warnings: string[] = [];
  vi.doMock('../../src/telemetry/sdk.ts', () => ({
    openSdk: () => {
      throw new Error('it is broken');
    },
  }));
  const telemetry = await open({ ...SILENT, warn: (message) => warnings.push(message) });
  vi.doUnmock('../../src/telemetry/sdk.ts');

  expect(warnings).toEqual(['telemetry could not be started; the run goes on without it']);
  expect(await telemetry.span('step', {}, async () => 'done')).toBe('done');
});
