// The run's trace, metrics and log lines, on top of OpenTelemetry's API.
import {
  type Attributes as ApiAttributes,
  type Span as ApiSpan,
  type Context,
  context,
  isSpanContextValid,
  type Logger as LogEmitter,
  logs,
  propagation,
  ROOT_CONTEXT,
  SeverityNumber,
  type SpanContext,
  SpanKind,
  SpanStatusCode,
  type TextMapGetter,
  type Tracer,
  trace,
} from '@opentelemetry/api';
import type { Attributes, Span, SpanOptions } from '../job.ts';
import { inTime } from '../runner/limited.ts';
import type { RunEnd, RunStart, Telemetry } from '../runner/ports.ts';
import type { Delivery } from './delivery.ts';
import { Instruments } from './instruments.ts';
import { NO_SPAN } from './noop.ts';
import type { Environment, TelemetryOptions } from './options.ts';
import { isGood } from './pipeline-result.ts';
import { rootAttributes, whatHappened } from './root-attributes.ts';

/** Our levels as OpenTelemetry's severity numbers. */
const SEVERITY = {
  debug: SeverityNumber.DEBUG,
  info: SeverityNumber.INFO,
  warn: SeverityNumber.WARN,
  error: SeverityNumber.ERROR,
} as const;

/**
 * Reads a caller's trace from environment variables, named as OpenTelemetry's specification of that carrier says: `traceparent` is in
 * `TRACEPARENT`, `x-b3-traceid` in `X_B3_TRACEID`.
 */
const environmentGetter: TextMapGetter<Environment> = {
  keys: (env) => Object.keys(env),
  get: (env, key) => env[key.toUpperCase().replaceAll(/[^A-Z0-9_]/g, '_')],
};

const KINDS = { internal: SpanKind.INTERNAL, client: SpanKind.CLIENT, producer: SpanKind.PRODUCER } as const;

/** The SDK, as far as a run has to do with it. */
export interface RunningSdk {
  readonly delivery: Delivery;
  readonly exportsLogs: boolean;
  /** Sends what is left, and resolves when all of it has arrived or has been given up. */
  shutdown(): Promise<void>;
  /** Ends every connection to the collector at once. */
  abort(): void;
}

export class RunTelemetry implements Telemetry {
  readonly #options: TelemetryOptions;
  readonly #sdk: RunningSdk;
  readonly #tracer: Tracer;
  readonly #logs: LogEmitter | undefined;
  readonly #instruments: Instruments;
  readonly #root: ApiSpan;
  readonly #rootContext: Context;
  readonly #open = new Set<ApiSpan>();
  /** Errors that are in the trace already: a span further up only takes on the status. */
  readonly #recorded = new WeakSet<object>();
  readonly #recordedTexts = new Set<string>();
  #lastAttempt: SpanContext | undefined;
  #ended = false;
  #flushed: Promise<{ flushed: boolean; warning?: string }> | undefined;

  constructor(options: TelemetryOptions, sdk: RunningSdk) {
    const { env, job, name, runId, version, startedAt = new Date() } = options;
    this.#options = options;
    this.#sdk = sdk;
    this.#tracer = trace.getTracer('run-job', version);
    this.#logs = sdk.exportsLogs ? logs.getLogger('run-job', version) : undefined;
    this.#instruments = new Instruments(name, version);
    const caller = propagation.extract(ROOT_CONTEXT, env, environmentGetter);
    const attributes = { 'job.name': name, 'job.definition': job, 'job.run.id': runId };
    this.#root = this.#tracer.startSpan(`job.run ${name}`, { startTime: startedAt, attributes }, caller);
    this.#rootContext = trace.setSpan(caller, this.#root);
  }

  get traceId(): string | undefined {
    return this.#idsOf(this.#root)?.traceId;
  }

  currentSpan(): { traceId: string; spanId: string } | undefined {
    return this.#idsOf(trace.getSpan(context.active()) ?? this.#root);
  }

  async span<T>(name: string, options: SpanOptions, step: (span: Span) => Promise<T>): Promise<T> {
    if (this.#ended) return step(NO_SPAN);
    const parent = this.#here();
    const links = name === 'job.attempt' && this.#lastAttempt ? [{ context: this.#lastAttempt }] : [];
    const attributes = this.#clean(options.attributes);
    const told = this.#redact(String(name));
    const span = this.#tracer.startSpan(told, { kind: KINDS[options.kind ?? 'internal'], attributes, links }, parent);
    if (name === 'job.attempt') this.#lastAttempt = span.spanContext();
    this.#open.add(span);
    const began = performance.now();
    const inside = trace.setSpan(parent, span);
    try {
      return await context.with(inside, () => step(this.#face(span, inside)));
    } catch (error) {
      this.#fail(span, error);
      throw error;
    } finally {
      if (name === 'job.lock' && !this.#ended) this.#instruments.recordLockWait((performance.now() - began) / 1000);
      if (this.#open.delete(span)) span.end();
    }
  }

  count(item: string, amount: number, attributes?: Attributes): void {
    this.#instruments.countItems(this.#redact(String(item)), amount, this.#clean(attributes) as Attributes);
  }

  get exportsLogs(): boolean {
    return this.#logs !== undefined;
  }

  log(level: keyof typeof SEVERITY, message: string, fields: Record<string, unknown>): void {
    // What is said while the rest is sent, such as of the collector, is on standard output alone.
    if (this.#flushed !== undefined) return;
    this.#logs?.emit({
      severityNumber: SEVERITY[level],
      severityText: level.toUpperCase(),
      body: message,
      attributes: fields as ApiAttributes,
      context: this.#here(),
    });
    if (this.#logs) this.#sdk.delivery.made('LOGS', 1);
  }

  end(run: RunStart, end: RunEnd): void {
    if (this.#ended) return;
    this.#instruments.recordEnd(run, end);
    this.#root.setAttributes(rootAttributes(run, end) as ApiAttributes);
    const good = isGood(end.status);
    const error = end.error && whatHappened(end.error);
    if (!good && error && !this.#recordedTexts.has(`${error.name}: ${error.message}`)) {
      const { name, message, stack = '' } = error;
      this.#root.recordException({ name, message, stack });
    }
    this.#close(good ? undefined : end.status, end.error?.message ?? end.status);
  }

  flush(budgetMs: number): Promise<{ flushed: boolean; warning?: string }> {
    this.#flushed ??= this.#flush(budgetMs);
    return this.#flushed;
  }

  async #flush(budgetMs: number): Promise<{ flushed: boolean; warning?: string }> {
    if (!this.#ended) this.#close('lost', 'the run ended without an outcome');
    // What failed is in the books; the SDK's own words for it are not needed.
    await inTime(
      budgetMs,
      this.#sdk.shutdown().catch(() => undefined),
    );
    const warning = this.#sdk.delivery.losses();
    this.#sdk.abort();
    return warning === undefined ? { flushed: true } : { flushed: false, warning: this.#redact(warning) };
  }

  /** Ends every span that is still open, innermost first, so that the call that hung is in the trace. */
  #close(failure: string | undefined, message: string): void {
    this.#ended = true;
    for (const span of [...this.#open].reverse()) {
      if (failure !== undefined) {
        span.setAttribute('job.step.unfinished', true);
        span.setStatus({ code: SpanStatusCode.ERROR, message: `the run ended (${failure}) before this step did` });
      }
      span.end();
    }
    this.#open.clear();
    if (failure !== undefined) this.#root.setStatus({ code: SpanStatusCode.ERROR, message });
    this.#root.end();
  }

  #fail(span: ApiSpan, thrown: unknown): void {
    if (!span.isRecording()) return;
    const { name, message, stack = '', code } = this.#options.describe(thrown);
    span.setStatus({ code: SpanStatusCode.ERROR, message });
    span.setAttribute('error.type', code ?? name);
    if (typeof thrown === 'object' && thrown !== null) {
      if (this.#recorded.has(thrown)) return;
      this.#recorded.add(thrown);
    }
    this.#recordedTexts.add(`${name}: ${message}`);
    span.recordException({ name, message, stack });
  }

  /** What a job sees of a span. Once the run has ended it does nothing. */
  #face(span: ApiSpan, inside: Context): Span {
    return {
      setAttributes: (attributes) => {
        if (span.isRecording()) span.setAttributes(this.#clean(attributes));
      },
      addEvent: (name, attributes) => {
        if (span.isRecording()) span.addEvent(this.#redact(String(name)), this.#clean(attributes));
      },
      headers: () => {
        const carrier: Record<string, string> = {};
        propagation.inject(inside, carrier);
        return carrier;
      },
    };
  }

  /** Where a new span belongs: below the span that is active, else below the root. */
  #here(): Context {
    const active = context.active();
    return trace.getSpan(active) ? active : this.#rootContext;
  }

  #idsOf(span: ApiSpan): { traceId: string; spanId: string } | undefined {
    const ids = span.spanContext();
    return isSpanContextValid(ids) ? { traceId: ids.traceId, spanId: ids.spanId } : undefined;
  }

  #redact(text: string): string {
    return this.#options.redact.text(text);
  }

  #clean(attributes: Attributes | undefined): ApiAttributes {
    const known = Object.entries(attributes ?? {}).filter(([, value]) => value !== undefined);
    return this.#options.redact.value(Object.fromEntries(known)) as ApiAttributes;
  }
}
