// OTLP's payloads, JSON and protobuf, as the plain data that tests assert on.
import { readFileSync } from 'node:fs';
import protobuf from 'protobufjs';

const { root } = protobuf.parse(readFileSync(new URL('otlp.proto', import.meta.url), 'utf8'));
const REQUESTS = { '/v1/traces': 'TraceRequest', '/v1/metrics': 'MetricsRequest', '/v1/logs': 'LogsRequest' } as const;

/** The signals' paths below a collector's endpoint. */
export type OtlpPath = keyof typeof REQUESTS;

export type Plain = Record<string, unknown>;

export interface ReceivedSpan {
  readonly name: string;
  readonly kind: 'internal' | 'server' | 'client' | 'producer' | 'consumer' | undefined;
  readonly traceId: string;
  readonly spanId: string;
  /** Empty for a root. */
  readonly parentSpanId: string;
  readonly traceState: string;
  /** In nanoseconds of Unix time. */
  readonly startedAt: bigint;
  readonly durationMs: number;
  readonly attributes: Plain;
  readonly events: readonly { name: string; attributes: Plain }[];
  readonly links: readonly { traceId: string; spanId: string }[];
  readonly status: 'unset' | 'ok' | 'error';
  readonly statusMessage: string;
  readonly resource: Plain;
}

export interface ReceivedPoint {
  readonly attributes: Plain;
  /** Of a sum or gauge; of a histogram it is the sum. */
  readonly value: number;
  /** Of a histogram. */
  readonly count?: number;
  readonly bounds?: readonly number[];
  readonly bucketCounts?: readonly number[];
}

export interface ReceivedMetric {
  readonly name: string;
  readonly unit: string;
  readonly kind: 'gauge' | 'sum' | 'histogram';
  readonly temporality: 'delta' | 'cumulative' | undefined;
  readonly points: readonly ReceivedPoint[];
  readonly resource: Plain;
}

export interface ReceivedLog {
  readonly body: unknown;
  readonly severity: string;
  readonly traceId: string;
  readonly spanId: string;
  readonly attributes: Plain;
  readonly resource: Plain;
}

export function isOtlpPath(path: string | undefined): path is OtlpPath {
  return path !== undefined && path in REQUESTS;
}

/** Decodes a request's body into OTLP's JSON form, whichever way it is encoded. */
export function decodeRequest(path: OtlpPath, contentType: string, body: Buffer): Plain {
  if (contentType === 'application/json') return JSON.parse(body.toString()) as Plain;
  if (contentType !== 'application/x-protobuf') throw new Error(`unexpected content type ${contentType}`);
  const type = root.lookupType(REQUESTS[path]);
  return type.toObject(type.decode(body), { longs: String });
}

/** An answer that says that some of the spans were dropped. */
export function encodePartialSuccess(contentType: string, rejectedSpans: number, errorMessage: string): Buffer {
  const answer = { partialSuccess: { rejectedSpans, errorMessage } };
  if (contentType === 'application/json') return Buffer.from(JSON.stringify(answer));
  const type = root.lookupType('TraceResponse');
  return Buffer.from(type.encode(type.fromObject(answer)).finish());
}

// biome-ignore lint/suspicious/noExplicitAny: what was received is not known before it is looked at.
type Any = any;

export function spansOf(request: Any): ReceivedSpan[] {
  return each(request.resourceSpans, 'scopeSpans', 'spans').map(({ item, resource }) => ({
    name: item.name,
    kind: ([undefined, 'internal', 'server', 'client', 'producer', 'consumer'] as const)[item.kind],
    traceId: hex(item.traceId),
    spanId: hex(item.spanId),
    parentSpanId: hex(item.parentSpanId),
    traceState: item.traceState ?? '',
    startedAt: BigInt(item.startTimeUnixNano),
    durationMs: Number(BigInt(item.endTimeUnixNano) - BigInt(item.startTimeUnixNano)) / 1e6,
    attributes: attributesOf(item),
    events: (item.events ?? []).map((event: Any) => ({ name: event.name, attributes: attributesOf(event) })),
    links: (item.links ?? []).map((link: Any) => ({ traceId: hex(link.traceId), spanId: hex(link.spanId) })),
    status: (['unset', 'ok', 'error'] as const)[item.status?.code as number] ?? 'unset',
    statusMessage: item.status?.message ?? '',
    resource,
  }));
}

export function metricsOf(request: Any): ReceivedMetric[] {
  return each(request.resourceMetrics, 'scopeMetrics', 'metrics').map(({ item, resource }) => {
    const kind = (['gauge', 'sum', 'histogram'] as const).find((name) => item[name]);
    if (kind === undefined) throw new Error(`the metric ${item.name} has no data`);
    return {
      name: item.name,
      unit: item.unit ?? '',
      kind,
      temporality: ([undefined, 'delta', 'cumulative'] as const)[item[kind].aggregationTemporality as number],
      points: item[kind].dataPoints.map((point: Any) => ({
        attributes: attributesOf(point),
        value: Number(point.asDouble ?? point.asInt ?? point.sum),
        ...(kind === 'histogram' && {
          count: Number(point.count),
          bounds: point.explicitBounds,
          bucketCounts: point.bucketCounts.map(Number),
        }),
      })),
      resource,
    };
  });
}

export function logsOf(request: Any): ReceivedLog[] {
  return each(request.resourceLogs, 'scopeLogs', 'logRecords').map(({ item, resource }) => ({
    body: valueFrom(item.body),
    severity: item.severityText ?? '',
    traceId: hex(item.traceId),
    spanId: hex(item.spanId),
    attributes: attributesOf(item),
    resource,
  }));
}

function each(groups: Any[] | undefined, scopes: string, items: string): { item: Any; resource: Plain }[] {
  return (groups ?? []).flatMap((group) => {
    const resource = attributesOf(group.resource ?? {});
    return (group[scopes] ?? []).flatMap((scope: Any) => (scope[items] ?? []).map((item: Any) => ({ item, resource })));
  });
}

function attributesOf({ attributes = [] }: Any): Plain {
  return Object.fromEntries(attributes.map(({ key, value }: Any) => [key, valueFrom(value)]));
}

function valueFrom(value: Any = {}): unknown {
  if (value.intValue !== undefined) return Number(value.intValue);
  if (value.arrayValue) return (value.arrayValue.values ?? []).map(valueFrom);
  if (value.kvlistValue) return attributesOf({ attributes: value.kvlistValue.values });
  return value.stringValue ?? value.boolValue ?? value.doubleValue;
}

/** Ids are hexadecimal in JSON, and bytes in protobuf. */
function hex(id: string | Uint8Array | undefined): string {
  return typeof id === 'string' ? id : Buffer.from(id ?? []).toString('hex');
}
