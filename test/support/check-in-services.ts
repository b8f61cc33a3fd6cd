// Services that runs check in with, as far as runs see them: they take and refuse what the real ones do.
// Healthchecks: hc/api/urls.py and views.py. Sentry: relay-server/src/endpoints/monitor.rs, sentry/monitors/validators.py. Cronitor: its docs.
import { readFileSync } from 'node:fs';
import { createServer, type IncomingMessage, type ServerResponse } from 'node:http';
import { createServer as createTlsServer } from 'node:https';
import type { AddressInfo } from 'node:net';
import { text } from 'node:stream/consumers';

/** What a service was told. */
export interface Told {
  readonly service: 'healthchecks' | 'sentry' | 'cronitor' | 'webhook';
  /** The check, monitor or path. */
  readonly monitor: string;
  /** start, log, success, fail; of Sentry and Cronitor in their own words. */
  readonly state: string;
  /** rid, check_in_id or series. */
  readonly id: string | undefined;
  readonly body: string;
  readonly query: URLSearchParams;
  readonly headers: IncomingMessage['headers'];
}

/** How it answers whatever it is asked, in place of what it would. */
export interface Answer {
  readonly status?: number;
  readonly headers?: Record<string, string>;
  /** Answers after so long; never where infinite. */
  readonly delayMs?: number;
  /** Hangs up instead. */
  readonly hangUp?: boolean;
}

export interface CheckInServices extends AsyncDisposable {
  readonly url: string;
  /** `RUN_JOB_CHECKINS` for one of them. */
  readonly healthchecks: string;
  readonly sentry: string;
  readonly cronitor: string;
  readonly webhook: string;
  readonly told: readonly Told[];
  /** The status of each check of Healthchecks: new, started, up or down. */
  readonly checks: ReadonlyMap<string, { status: 'new' | 'up' | 'down'; startedWith: string | undefined }>;
  /** Every request, the refused ones included. */
  readonly requests: readonly {
    readonly method: string;
    readonly path: string;
    readonly status: number;
    readonly at: Date;
  }[];
  /** How many connections were ever made. */
  readonly connections: number;
  /** Answers of the requests to come, in their order; `forever` where none is left. */
  answer(...answers: readonly Answer[]): void;
  forever: Answer | undefined;
  of(service: Told['service']): readonly string[];
}

export const PING_KEY = 'Xy7kQ2mNp4Rt6Vw8Zb1Cd3';
export const CHECK = '5bf66975-d4c7-4bf5-bcc8-b8d8a82ea278';
export const SENTRY_KEY = '0f3c9b7e2d514a68a1b2c3d4e5f60718';
export const CRONITOR_KEY = 'c1d2e3f4a5b60718293a4b5c6d7e8f90';

const UUID = /^[0-9a-f]{8}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{12}$/;

/**
 * Starts them on one port.
 * @param slugs the checks that the project of Healthchecks has; one that stands here twice is ambiguous
 * @param tls the files by which they speak TLS, as `localhost`
 */
export async function startCheckInServices(
  slugs: readonly string[] = [],
  tls?: { readonly cert: string; readonly key: string },
): Promise<CheckInServices> {
  const told: Told[] = [];
  const requests: CheckInServices['requests'][number][] = [];
  const checks = new Map<string, { status: 'new' | 'up' | 'down'; startedWith: string | undefined }>();
  for (const check of [CHECK, ...slugs]) checks.set(check, { status: 'new', startedWith: undefined });
  const answers: Answer[] = [];

  const handlers: Record<
    string,
    (request: IncomingMessage, url: URL, body: string) => [number, Record<string, string>?]
  > = {
    ping(request, url, body) {
      const [, , key = '', ...rest] = url.pathname.split('/');
      const byKey = !UUID.test(key);
      const check = byKey ? (rest.shift() ?? '') : key;
      const [action = '', ...more] = rest;
      if (more.length > 0 || (byKey && !/^[\w-]+$/.test(check))) return [404];
      if (byKey && check !== check.toLowerCase()) return [400];
      if (byKey && key !== PING_KEY) return [404];
      let status = 200;
      if (!checks.has(check)) {
        if (!byKey || url.searchParams.get('create') !== '1') return [404];
        checks.set(check, { status: 'new', startedWith: undefined });
        status = 201;
      }
      if (slugs.filter((slug) => slug === check).length > 1) return [409];
      if (!['', 'start', 'fail', 'log'].includes(action) && !(Number(action) <= 255)) return [400];
      const rid = url.searchParams.get('rid');
      if (rid !== null && !UUID.test(rid)) return [400];
      const state = checks.get(check) as { status: string; startedWith: string | undefined };
      const kind = action === '' || action === '0' ? 'success' : /^\d/.test(action) ? 'fail' : action;
      if (kind === 'start') state.startedWith = rid ?? '';
      // A success of another run than the one that started leaves the check started.
      if (kind === 'success')
        Object.assign(state, { status: 'up' }, state.startedWith === rid && { startedWith: undefined });
      if (kind === 'fail') Object.assign(state, { status: 'down', startedWith: undefined });
      if (Buffer.byteLength(body) > 10_000) throw new Error('the body is longer than what is kept of it');
      told.push({
        service: 'healthchecks',
        monitor: check,
        state: kind,
        id: rid ?? undefined,
        body,
        query: url.searchParams,
        headers: request.headers,
      });
      return [status, { 'ping-body-limit': '10000' }];
    },
    api(request, url, body) {
      const [, , project, cron, slug = '', key] = url.pathname.split('/');
      if (cron !== 'cron' || !url.pathname.endsWith('/')) return [404];
      if (!/^\d+$/.test(project ?? '')) return [400];
      if (key !== SENTRY_KEY) return [403];
      if (request.method !== 'POST' || !request.headers['content-type']?.startsWith('application/json')) return [400];
      const checkIn = JSON.parse(body);
      if (!UUID.test(checkIn.check_in_id ?? '') || typeof checkIn.monitor_slug !== 'string') return [400];
      const { monitor_config: config } = checkIn;
      if (config && (config.schedule.type !== 'crontab' || config.schedule.value.trim().split(/\s+/).length !== 5))
        return [400];
      for (const minutes of config ? [config.checkin_margin, config.max_runtime] : [])
        if (!Number.isInteger(minutes) || minutes < 1 || minutes > 10_080) return [400];
      told.push({
        service: 'sentry',
        // What is longer is cut without a word, and what isn't a slug is made one.
        monitor: slug
          .slice(0, 50)
          .toLowerCase()
          .replace(/[^a-z0-9_-]/g, '-'),
        state: ['ok', 'error', 'in_progress'].includes(checkIn.status) ? checkIn.status : 'unknown',
        id: checkIn.check_in_id,
        body,
        query: url.searchParams,
        headers: request.headers,
      });
      return [202];
    },
    p(request, url, body) {
      const [, , key, monitor = ''] = url.pathname.split('/');
      if (key !== CRONITOR_KEY) return [403];
      const { searchParams: query } = url;
      const state = query.get('state') ?? '';
      if (!['run', 'complete', 'fail', 'ok'].includes(state) || !/^[\w-]+$/.test(monitor)) return [400];
      if ((query.get('message') ?? '').length > 2_000) return [400];
      if (query.getAll('metric').some((metric) => !/^(?:count|duration|error_count):\d+(?:\.\d+)?$/.test(metric)))
        return [400];
      told.push({
        service: 'cronitor',
        monitor,
        state,
        id: query.get('series') ?? undefined,
        body,
        query,
        headers: request.headers,
      });
      return [200];
    },
    hook(request, url, body) {
      const { kind, id } = JSON.parse(body);
      told.push({
        service: 'webhook',
        monitor: url.pathname,
        state: kind,
        id,
        body,
        query: url.searchParams,
        headers: request.headers,
      });
      return [204];
    },
  };

  const listener = async (request: IncomingMessage, response: ServerResponse) => {
    const url = new URL(request.url ?? '', 'http://fake');
    const body = await text(request);
    const forced = answers.shift() ?? services.forever;
    if (forced?.hangUp) return void response.destroy();
    const [status, headers] =
      forced?.status === undefined
        ? (handlers[url.pathname.split('/')[1] ?? '']?.(request, url, body) ?? [404])
        : [forced.status];
    requests.push({ method: request.method ?? '', path: url.pathname, status, at: new Date() });
    const answer = () =>
      response.writeHead(status, { ...headers, ...forced?.headers }).end(status === 204 ? undefined : 'OK');
    if (forced?.delayMs === undefined) answer();
    else if (Number.isFinite(forced.delayMs)) setTimeout(answer, forced.delayMs);
  };
  const server = tls
    ? createTlsServer({ cert: readFileSync(tls.cert), key: readFileSync(tls.key) }, listener)
    : createServer(listener);
  let connections = 0;
  server.on('connection', () => {
    connections += 1;
  });
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  const { port } = server.address() as AddressInfo;
  const [scheme, host] = tls ? ['https', `localhost:${port}`] : ['http', `127.0.0.1:${port}`];
  const services: CheckInServices = {
    url: `${scheme}://${host}`,
    healthchecks: `healthchecks+${scheme}://${host}/ping/${CHECK}`,
    sentry: `${scheme}://${SENTRY_KEY}@${host}/42`,
    cronitor: `cronitor+${scheme}://${host}/p/${CRONITOR_KEY}`,
    webhook: `${scheme}://${host}/hook/of/ours`,
    told,
    checks,
    requests,
    get connections() {
      return connections;
    },
    answer: (...next) => void answers.push(...next),
    forever: undefined,
    of: (service) => told.filter((one) => one.service === service).map(({ state }) => state),
    async [Symbol.asyncDispose]() {
      server.closeAllConnections();
      await new Promise((resolve) => server.close(resolve));
    },
  };
  return services;
}
