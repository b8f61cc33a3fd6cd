// What telemetry is opened with.
import type { Logger } from '../job.ts';
import type { ErrorInfo } from '../runner/outcome.ts';
import type { Place } from '../runner/ports.ts';

export type Environment = Readonly<Record<string, string | undefined>>;

export interface TelemetryOptions {
  /** Where `OTEL_*`, `TRACEPARENT`, `TRACESTATE` and `BAGGAGE` are read; the SDK itself reads `process.env`. */
  readonly env: Environment;
  readonly job: string;
  /** What the run is known by. */
  readonly name: string;
  readonly runId: string;
  /** Of run-job. */
  readonly version: string;
  readonly place: Place;
  /** Hears of OTEL_* variables that can't be used. */
  readonly log: Logger;
  /** When the run began, which is when its root span begins; now unless said. */
  readonly startedAt?: Date;
  /** Keeps secrets out of the names and attributes of spans, events and metrics. */
  readonly redact: { text(text: string): string; value(value: unknown): unknown };
  /** What was thrown, as plain data without secrets. */
  readonly describe: (thrown: unknown) => ErrorInfo;
}
