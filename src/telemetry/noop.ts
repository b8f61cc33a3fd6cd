// Telemetry that goes nowhere. It still knows the caller's trace, so that log lines can be found by it.
import type { Span } from '../job.ts';
import type { Telemetry } from '../runner/ports.ts';
import type { Environment } from './options.ts';

/** https://www.w3.org/TR/trace-context/#traceparent-header, version 00 */
const TRACEPARENT = /^00-(?!0{32})([0-9a-f]{32})-(?!0{16})([0-9a-f]{16})-[0-9a-f]{2}$/;

/** A span that nobody will see. */
export const NO_SPAN: Span = {
  setAttributes() {},
  addEvent() {},
  headers: () => ({}),
};

/** Does nothing; the trace is that of `TRACEPARENT`, if there is one. */
export function noTelemetry(env: Environment): Telemetry {
  const [, traceId, spanId] = TRACEPARENT.exec(env.TRACEPARENT?.trim() ?? '') ?? [];
  const caller = traceId !== undefined && spanId !== undefined ? { traceId, spanId } : undefined;
  return {
    traceId,
    currentSpan: () => caller,
    span: async (_name, _options, step) => step(NO_SPAN),
    count() {},
    exportsLogs: false,
    log() {},
    end() {},
    flush: async () => undefined,
  };
}
