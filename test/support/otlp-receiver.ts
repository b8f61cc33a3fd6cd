// A collector: an OTLP/HTTP receiver that decodes what it is sent.
import { createServer, type IncomingHttpHeaders } from 'node:http';
import type { AddressInfo } from 'node:net';
import { text } from 'node:stream/consumers';
import { gunzipSync } from 'node:zlib';
import {
  decodeRequest,
  encodePartialSuccess,
  isOtlpPath,
  logsOf,
  metricsOf,
  type OtlpPath,
  type ReceivedLog,
  type ReceivedMetric,
  type ReceivedSpan,
  spansOf,
} from './otlp-payloads.ts';

export interface OtlpRequest {
  readonly path: OtlpPath;
  readonly headers: IncomingHttpHeaders;
}

/** What has been received so far, and where to send to. */
export interface OtlpReceiver extends AsyncDisposable {
  readonly url: string;
  readonly requests: readonly OtlpRequest[];
  readonly spans: readonly ReceivedSpan[];
  readonly metrics: readonly ReceivedMetric[];
  readonly logs: readonly ReceivedLog[];
  /** The only span of that name. */
  span(name: string): ReceivedSpan;
  metric(name: string): ReceivedMetric;
}

/** Starts a receiver on a free port; with `rejectSpans`, it says of each batch of spans that it dropped so many. */
export async function startOtlpReceiver(options: { rejectSpans?: number } = {}): Promise<OtlpReceiver> {
  const requests: OtlpRequest[] = [];
  const spans: ReceivedSpan[] = [];
  const metrics: ReceivedMetric[] = [];
  const logs: ReceivedLog[] = [];

  const server = createServer(async (request, response) => {
    const { url, headers, method } = request;
    const raw = Buffer.from(await text(request.setEncoding('latin1')), 'latin1');
    if (method !== 'POST' || !isOtlpPath(url)) return response.writeHead(404).end();
    const body = headers['content-encoding'] === 'gzip' ? gunzipSync(raw) : raw;
    const contentType = headers['content-type'] ?? '';
    const payload = decodeRequest(url, contentType, body);
    requests.push({ path: url, headers });
    spans.push(...spansOf(payload));
    metrics.push(...metricsOf(payload));
    logs.push(...logsOf(payload));
    response.writeHead(200, { 'content-type': contentType });
    if (url === '/v1/traces' && options.rejectSpans) {
      return response.end(encodePartialSuccess(contentType, options.rejectSpans, 'quota exceeded'));
    }
    return response.end(contentType === 'application/json' ? '{}' : '');
  });
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));

  return {
    url: `http://127.0.0.1:${(server.address() as AddressInfo).port}`,
    requests,
    spans,
    metrics,
    logs,
    span: (name) => only(spans, name),
    metric: (name) => only(metrics, name),
    async [Symbol.asyncDispose]() {
      server.closeAllConnections();
      await new Promise((resolve) => server.close(resolve));
    },
  };
}

function only<T extends { name: string }>(items: readonly T[], name: string): T {
  const found = items.filter((item) => item.name === name);
  if (found.length !== 1 || found[0] === undefined) {
    throw new Error(
      `${found.length} of ${items.length} are named ${name}: ${items.map((item) => item.name).join(', ')}`,
    );
  }
  return found[0];
}
