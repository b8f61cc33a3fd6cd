// The APIs by which monitors are made, as far as they are used: they take and refuse what the real ones do, and keep what they are told.
// Healthchecks: hc/api/views.py (Spec, _update). Sentry: sentry/monitors/validators.py. Cronitor: cronitor.io/docs/monitors-api.md.
import { randomUUID } from 'node:crypto';
import { createServer, type IncomingMessage } from 'node:http';
import type { AddressInfo } from 'node:net';
import { text } from 'node:stream/consumers';

type Fields = Record<string, unknown>;

export interface MonitorServices extends AsyncDisposable {
  readonly url: string;
  /** `RUN_JOB_MONITORS` for one of them, and for all. */
  readonly healthchecks: string;
  readonly sentry: string;
  readonly cronitor: string;
  readonly all: string;
  /** What each has, by slug or key: a test that changes one is a person who does. */
  readonly checks: Map<string, Fields>;
  readonly monitors: Map<string, Fields>;
  readonly jobs: Map<string, Fields>;
  /** What was sent, without what was only asked; `GET` included in `asked`. */
  readonly sent: readonly { readonly method: string; readonly path: string; readonly body: Fields }[];
  asked: number;
  /** What all that comes is answered with, in place of what it would be. */
  answer: { readonly status: number; readonly headers?: Record<string, string>; readonly body?: string } | undefined;
  /** Answers no more. */
  silent: boolean;
}

export const HEALTHCHECKS_API_KEY = 'hcw_Zt5Yq81LmPw0RkV3nXs7BdGf';
export const READ_ONLY_KEY = 'hcr_8JhGq2XyN4tKp0WvLm5ZcRb7';
export const SENTRY_TOKEN = 'sntryu_5d8f0a3c7e914b62a8d1f4e09b7c6a52';
export const CRONITOR_API_KEY = 'f7e6d5c4b3a2918070695a4b3c2d1e0f';
/** The key that only may send telemetry: monitors that it makes have no schedule. */
export const TELEMETRY_KEY = '0a1b2c3d4e5f60718293a4b5c6d7e8f9';

/** The teams that Sentry knows, by slug. */
const TEAMS: Readonly<Record<string, string>> = { payments: '7' };

class Refused extends Error {
  readonly status: number;
  readonly body: unknown;
  constructor(status: number, body: unknown) {
    super(String(status));
    this.status = status;
    this.body = body;
  }
}

const isZone = (zone: unknown): boolean =>
  Intl.supportedValuesOf('timeZone').includes(String(zone)) || zone === 'Etc/UTC' || zone === 'UTC';

/** Five fields of what every cron reads: no names of days as robfig has them, no question mark. */
const CRON = /^(?:[\d*,/-]+\s+){2}[\d*,/-]+\s+[\dA-Za-z*,/-]+\s+[\dA-Za-z*,/-]+$/;

export async function startMonitorServices(): Promise<MonitorServices> {
  const checks: MonitorServices['checks'] = new Map();
  const monitors: MonitorServices['monitors'] = new Map();
  const jobs: MonitorServices['jobs'] = new Map();
  const sent: MonitorServices['sent'][number][] = [];

  function healthchecks(request: IncomingMessage, url: URL, body: Fields): [number, unknown] {
    const key = request.headers['x-api-key'];
    if (key !== HEALTHCHECKS_API_KEY && key !== READ_ONLY_KEY) throw new Refused(401, { error: 'wrong api key' });
    const tell = ({ slug: _, ...check }: Fields, slug: unknown) => {
      const { uuid, channels, ...rest } = check;
      return { slug, ...rest, ...(key === HEALTHCHECKS_API_KEY && { uuid, channels }) };
    };
    const [, , , , uuid = ''] = url.pathname.split('/');
    if (request.method === 'GET' && uuid === '') {
      return [200, { checks: [...checks].map(([slug, check]) => tell(check, check.slug ?? slug)) }];
    }
    if (request.method !== 'POST') throw new Refused(405, {});
    if (key === READ_ONLY_KEY) throw new Refused(401, { error: 'wrong api key' });
    const bad = (why: string): never => {
      throw new Refused(400, { error: `json validation error: ${why}` });
    };
    for (const [name, value] of Object.entries(body)) if (value === null) bad(`${name} is not a string`);
    const { grace, slug, name, schedule, tz, tags, channels, desc } = body;
    if (grace !== undefined && !Number.isInteger(grace)) bad('grace is not a number');
    if (grace !== undefined && Number(grace) < 60) bad('grace is too small');
    if (grace !== undefined && Number(grace) > 31_536_000) bad('grace is too large');
    if (slug !== undefined && !/^[a-z0-9-_]{0,100}$/.test(String(slug))) bad('slug does not match pattern');
    if (name !== undefined && String(name).length > 100) bad('name is too long');
    for (const one of [tags, channels, desc])
      if (one !== undefined && typeof one !== 'string') bad('tags is not a string');
    if (schedule !== undefined && !CRON.test(String(schedule)))
      bad('schedule is not a valid cron or OnCalendar expression');
    if (tz !== undefined && !isZone(tz)) bad('tz is not a valid timezone');
    let entry = [...checks].find(([, check]) => check.uuid === uuid);
    if (uuid !== '' && entry === undefined) throw new Refused(404, { error: 'not found' });
    const unique = body.unique as string[] | undefined;
    if (uuid === '' && unique?.includes('slug') && checks.has(String(slug)))
      entry = [String(slug), checks.get(String(slug)) as Fields];
    const made = entry === undefined;
    const check: Fields = entry?.[1] ?? { ...CHECK_DEFAULTS, uuid: randomUUID() };
    for (const field of ['name', 'tags', 'desc', 'grace'] as const)
      if (body[field] !== undefined) check[field] = body[field];
    if (schedule !== undefined) {
      delete check.timeout;
      Object.assign(check, { schedule, tz: tz ?? check.tz ?? 'UTC' });
    }
    if (channels !== undefined) check.channels = channels === '*' ? 'all-of-them' : channels;
    const at = entry?.[0] ?? String(slug);
    checks.set(at, check);
    return [made ? 201 : 200, tell(check, at)];
  }

  function sentry(request: IncomingMessage, url: URL, body: Fields): [number, unknown] {
    if (request.headers.authorization !== `Bearer ${SENTRY_TOKEN}`) throw new Refused(401, { detail: 'Invalid token' });
    const [, , , kind, organization, ...rest] = url.pathname.split('/');
    if (!url.pathname.endsWith('/') || organization !== 'acme')
      throw new Refused(404, { detail: 'The requested resource does not exist' });
    const missing = () => new Refused(404, { detail: 'The requested resource does not exist' });
    const tell = (slug: string, { owner, ...monitor }: Fields) => ({
      ...monitor,
      slug,
      owner: typeof owner === 'string' ? { type: owner.split(':')[0], id: owner.split(':')[1], name: 'x' } : null,
    });
    if (kind === 'teams') {
      const id = TEAMS[rest[0] ?? ''];
      if (id === undefined) throw missing();
      return [200, { id, slug: rest[0] }];
    }
    if (kind === 'organizations' && rest[0] === 'monitors' && request.method === 'POST') {
      if (body.project !== 'billing') throw new Refused(400, { project: ['Invalid project'] });
      const slug = String(body.slug);
      if (!/^(?!\d+$)[a-z0-9_-]{1,50}$/.test(slug)) throw new Refused(400, { slug: ['Enter a valid slug'] });
      if (monitors.has(slug)) throw new Refused(400, { slug: [`The slug "${slug}" is already in use.`] });
      if (typeof body.name !== 'string' || body.name.length > 128) throw new Refused(400, { name: ['too long'] });
      const config = { checkin_margin: null, max_runtime: null, ...configOf(body, undefined) };
      const monitor = { id: randomUUID(), name: body.name, config, owner: ownerOf(body) };
      monitors.set(slug, monitor);
      return [201, tell(slug, monitor)];
    }
    if (kind === 'projects' && rest[0] === 'billing') {
      const [, what, slug = ''] = rest;
      if (what === '') return [200, { slug: 'billing' }];
      const monitor = what === 'monitors' ? monitors.get(slug) : undefined;
      if (monitor === undefined) throw missing();
      if (request.method === 'PUT') {
        monitor.config = { ...(monitor.config as Fields), ...configOf(body, monitor.config as Fields) };
        if (body.owner !== undefined) monitor.owner = ownerOf(body);
      }
      return [200, tell(slug, monitor)];
    }
    throw missing();
  }

  function cronitor(request: IncomingMessage, url: URL, body: Fields): [number, unknown] {
    const key = Buffer.from(String(request.headers.authorization).replace('Basic ', ''), 'base64').toString();
    if (key !== `${CRONITOR_API_KEY}:` && key !== `${TELEMETRY_KEY}:`)
      throw new Refused(403, { detail: 'Invalid API key' });
    const [, , , monitor] = url.pathname.split('/');
    if (request.method === 'GET' && monitor === undefined) return [200, { monitors: [...jobs.values()] }];
    if (request.method === 'GET') {
      const job = jobs.get(monitor ?? '');
      if (job === undefined) throw new Refused(404, { detail: 'Not found.' });
      return [200, job];
    }
    if (request.method !== 'PUT' || !Array.isArray(body.monitors)) throw new Refused(400, { errors: ['monitors'] });
    for (const given of body.monitors as Fields[]) {
      if (given.type !== 'job' || !/^[\w-]+$/.test(String(given.key))) throw new Refused(400, { errors: ['key'] });
      if (given.schedule !== undefined && !CRON.test(String(given.schedule)))
        throw new Refused(400, { errors: ['schedule'] });
      if (given.timezone !== undefined && !isZone(given.timezone)) throw new Refused(400, { errors: ['timezone'] });
      const { schedule, ...rest } = given;
      const plain = key === `${TELEMETRY_KEY}:` ? rest : { ...rest, ...(schedule !== undefined && { schedule }) };
      // What isn't named stays.
      jobs.set(String(given.key), { ...(jobs.get(String(given.key)) ?? JOB_DEFAULTS), ...plain });
    }
    return [200, { monitors: body.monitors }];
  }

  const server = createServer(async (request, response) => {
    const raw = await text(request);
    if (services.silent) return;
    const url = new URL(request.url ?? '', 'http://fake');
    services.asked += 1;
    if (services.answer !== undefined)
      return void response.writeHead(services.answer.status, services.answer.headers).end(services.answer.body);
    try {
      const body = raw === '' ? {} : JSON.parse(raw);
      if (raw !== '' && request.headers['content-type'] !== 'application/json') throw new Refused(415, {});
      const handle = url.pathname.startsWith('/api/v3/')
        ? healthchecks
        : url.pathname.startsWith('/api/0/')
          ? sentry
          : cronitor;
      const [status, answer] = handle(request, url, body);
      if (request.method !== 'GET') sent.push({ method: request.method ?? '', path: url.pathname, body });
      response.writeHead(status, { 'content-type': 'application/json' }).end(JSON.stringify(answer));
    } catch (error) {
      if (!(error instanceof Refused)) throw error;
      response.writeHead(error.status, { 'content-type': 'application/json' }).end(JSON.stringify(error.body));
    }
  });
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  const host = `127.0.0.1:${(server.address() as AddressInfo).port}`;
  const addresses = {
    healthchecks: `healthchecks+http://${HEALTHCHECKS_API_KEY}@${host}`,
    sentry: `sentry+http://${SENTRY_TOKEN}@${host}/acme/billing`,
    cronitor: `cronitor+http://${CRONITOR_API_KEY}@${host}`,
  };
  const services: MonitorServices = {
    url: `http://${host}`,
    ...addresses,
    all: Object.values(addresses).join('\n'),
    checks,
    monitors,
    jobs,
    sent,
    asked: 0,
    answer: undefined,
    silent: false,
    async [Symbol.asyncDispose]() {
      server.closeAllConnections();
      await new Promise((resolve) => server.close(resolve));
    },
  };
  return services;
}

/** A check that was made without a word. */
export const CHECK_DEFAULTS: Fields = { name: '', tags: '', desc: '', grace: 3_600, timeout: 86_400, channels: '' };

/** A monitor that its first telemetry has made. */
export const JOB_DEFAULTS: Fields = {
  type: 'job',
  schedule: null,
  timezone: null,
  grace_seconds: 60,
  assertions: [],
  tags: [],
  note: null,
};

/** The settings of a configuration that were given; of a new one, those that it must have. */
function configOf({ config }: Fields, there: Fields | undefined): Fields {
  const given = (config ?? {}) as Fields;
  const { schedule_type: type = there?.schedule_type, schedule } = given;
  const bad = (why: object): never => {
    throw new Refused(400, { config: why });
  };
  if (there === undefined && schedule === undefined) bad({ schedule: ['This field is required.'] });
  if (schedule !== undefined && type !== 'crontab') bad({ schedule_type: ['Missing or invalid schedule type'] });
  if (schedule !== undefined && !CRON.test(String(schedule))) bad({ schedule: ['Schedule is invalid'] });
  if (given.timezone !== undefined && !isZone(given.timezone)) bad({ timezone: ['not a valid choice'] });
  for (const minutes of [given.checkin_margin, given.max_runtime]) {
    if (minutes !== undefined && !(Number.isInteger(minutes) && Number(minutes) >= 1 && Number(minutes) <= 10_080))
      bad({ max_runtime: ['Max runtime must be 10080 minutes (7 days) or less.'] });
  }
  return given;
}

function ownerOf({ owner }: Fields): unknown {
  if (owner === undefined) return null;
  const known = Object.values(TEAMS).map((id) => `team:${id}`);
  if (!known.includes(String(owner))) throw new Refused(400, { owner: ['Team does not exist'] });
  return owner;
}
