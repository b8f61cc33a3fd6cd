// Every route of the console on one page: reads by GET, changes by POST, one set of headers for all.
import { RESPONSE_ALREADY_SENT } from '@hono/node-server/utils/response';
import { Hono } from 'hono';
import { getCookie } from 'hono/cookie';
import * as v from 'valibot';
import { hasCode } from '../errors.ts';
import { addActions } from './actions.ts';
import { jobDetailOf, jobsOf, nightOf, nowOf, runDetailOf } from './api/models.ts';
import { openApi } from './api/openapi.ts';
import { JobsQuery, NightQuery } from './api/schemas.ts';
import { ASSETS } from './assets/index.ts';
import { Exposition } from './exposition.ts';
import { Access } from './http/access.ts';
import { answer, answerJson, answerPage } from './http/answer.ts';
import { addressOf, type Ctx, type Env, wantsJson } from './http/context.ts';
import { formToken } from './http/csrf.ts';
import { Events } from './http/events.ts';
import { SECURITY_HEADERS } from './http/headers.ts';
import { Refusal } from './http/refusal.ts';
import { addLogin, isSecure } from './login.tsx';
import { tellMetrics } from './metrics.ts';
import type { ConsoleOptions, Picture } from './ports.ts';
import { JobPage } from './views/job.tsx';
import { JobsPage } from './views/jobs.tsx';
import { MessagePage } from './views/messages.tsx';
import { NightPage } from './views/night.tsx';
import { NowPage } from './views/now.tsx';
import type { Frame } from './views/parts.tsx';
import { RunPage } from './views/run.tsx';

/** After so long a look at the database is slow, and what is shown stale, in milliseconds. */
const SLOW_MS = 10_000;

/** The most bytes that a form may have. */
const MOST_FORM_BYTES = 16_384;

/** Where forms are sent: beneath the page that has them. */
const OF_A_FORM = /^(\/(?:jobs|runs)\/[^/]+)\/[a-z]+$/;

/** The console: what answers requests, and what is to be ended with it. */
export function createConsole(options: ConsoleOptions) {
  const { sight, version } = options;
  const access = new Access(options.access);
  const events = new Events(sight);
  const app = new Hono<Env>();
  let draining = false;

  const frameOf = (c: Ctx): Frame => {
    const visitor = c.get('visitor');
    return {
      path: c.req.path,
      version,
      who: visitor?.who,
      hasLogin: access.hasLogin && visitor !== undefined,
      csrf: options.actions !== undefined && visitor?.mayAct ? formToken(c, isSecure(c, access)) : undefined,
      // Nothing is shown, and nothing told, to those who aren't in.
      notices: visitor === undefined ? [] : noticesOf(),
    };
  };

  function noticesOf(): string[] {
    const { lookedAt, problem, lookingMs } = sight.freshness;
    const why = problem ? sentence(problem) : lookingMs > SLOW_MS ? 'the database is slow to answer.' : undefined;
    const since = lookedAt?.toISOString().replace('T', ' ').slice(0, 19);
    return [
      ...(why !== undefined && since !== undefined ? [`What you see is as it was at ${since} UTC: ${why}`] : []),
      ...(standby
        ? ['This database is a standby: whether a run that says running still lives is not known here.']
        : []),
    ];
  }

  let standby = false;
  const picture = async (): Promise<Picture> => {
    const seen = await sight.picture();
    standby = seen.standby;
    return seen;
  };

  // Before there is an answer: to change one that is there costs another copy of it.
  app.use(async (c, next) => {
    for (const [name, value] of Object.entries(SECURITY_HEADERS)) c.header(name, value);
    c.header('cache-control', 'no-store');
    if (draining) c.header('connection', 'close');
    await next();
  });

  // Without a login: whether we live, and what the login page is made of.
  app.get('/healthz', (c) => c.json({ status: 'alive' }));
  app.get('/readyz', async (c) => {
    if (draining) return c.json({ status: 'draining' }, 503);
    try {
      await sight.ready();
      return c.json({ status: 'ready' });
    } catch (error) {
      // Why is for those who may look: it names the server.
      options.log.warn(`not ready: ${(error as Error).message}`);
      return c.json({ status: 'the database is out of reach, or its schema is not one that this console knows' }, 503);
    }
  });
  for (const { path, type, body } of Object.values(ASSETS)) {
    app.get(path, (c) =>
      c.body(body, 200, { 'content-type': type, 'cache-control': 'public, max-age=31536000, immutable' }),
    );
  }
  addLogin(app, { access, frameOf, mostBytes: MOST_FORM_BYTES });

  app.use(async (c, next) => {
    const admission = access.admit({
      address: addressOf(c),
      header: (name) => c.req.header(name),
      cookie: (name) => getCookie(c, name),
    });
    switch (admission.verdict) {
      case 'in':
        c.set('visitor', { who: admission.who, mayAct: admission.mayAct });
        return next();
      case 'busy':
        c.header('retry-after', String(admission.retryAfterS));
        throw new Refusal(429, 'Too many attempts', `Too many wrong tokens: try again in ${admission.retryAfterS} s.`);
      case 'refused':
        throw new Refusal(403, 'Not for you', `${admission.why}.`);
      case 'login': {
        if (wantsJson(c) || c.req.method !== 'GET') {
          c.header('www-authenticate', 'Bearer realm="run-job"');
          return c.json({ error: 'Send the token of RUN_JOB_CONSOLE_TOKEN: Authorization: Bearer …' }, 401);
        }
        const { pathname, search } = new URL(c.req.url);
        return c.redirect(`/login?next=${encodeURIComponent(`${pathname}${search}`)}`, 303);
      }
    }
  });

  // The pages, and the same for programs.
  app.get('/', async (c) => {
    const query = readQuery(JobsQuery, c);
    return answerPage(c, <JobsPage frame={await framed(c)} jobs={jobsOf(await picture(), query)} query={query} />);
  });
  app.get('/api/v1/jobs', async (c) => answerJson(c, jobsOf(await picture(), readQuery(JobsQuery, c))));

  const jobDetail = async (c: Ctx) => {
    const name = c.req.param('name') ?? '';
    const { at, seen } = await picture();
    const one = seen.get(name);
    if (one === undefined)
      throw new Refusal(404, 'No such name', `There is no record and no schedule of ${tell(name)}.`);
    return { job: jobDetailOf(one, await sight.job(name, at), at), at: at.toISOString() };
  };
  app.get('/jobs/:name', async (c) => {
    const { job, at } = await jobDetail(c);
    return answerPage(c, <JobPage frame={await framed(c)} job={job} at={at} />);
  });
  app.get('/api/v1/jobs/:name', async (c) => answerJson(c, (await jobDetail(c)).job));

  const runDetail = async (c: Ctx) => {
    const id = (c.req.param('id') ?? '').toLowerCase();
    const found = /^[0-9a-f-]{36}$/.test(id) ? await sight.run(id) : undefined;
    if (found === undefined)
      throw new Refusal(404, 'No such run', `No run has the id ${tell(id)}; records are kept for a while only.`);
    return runDetailOf(found);
  };
  app.get('/runs/:id', async (c) => {
    const id = c.req.param('id');
    // A part of an id, as people read it from a log, leads to the run where there is only one.
    if (/^[0-9a-f-]{4,35}$/i.test(id)) {
      const [only, another] = await sight.find(id);
      if (only !== undefined && another === undefined) return c.redirect(`/runs/${only}`, 302);
    }
    const run = await runDetail(c);
    const { at, seen } = await picture();
    const runbook = seen.get(run.name)?.standing.schedule?.runbook;
    const now = run.endedAt === undefined ? new Date(Math.max(at.getTime(), Date.parse(run.startedAt))) : at;
    return answerPage(
      c,
      <RunPage
        frame={await framed(c)}
        run={run}
        at={now.toISOString()}
        traceUrl={options.traceUrl}
        runbook={runbook}
      />,
    );
  });
  app.get('/api/v1/runs/:id', async (c) => answerJson(c, await runDetail(c)));

  const now = async () => nowOf(await picture(), sight.maxConcurrentJobs);
  app.get('/now', async (c) => answerPage(c, <NowPage frame={await framed(c)} now={await now()} />));
  app.get('/api/v1/now', async (c) => answerJson(c, await now()));

  const night = async (query: NightQuery) => {
    const { at } = await picture();
    return nightOf(await sight.crowding(at), query);
  };
  app.get('/night', async (c) => {
    const query = readQuery(NightQuery, c);
    return answerPage(c, <NightPage frame={await framed(c)} night={await night(query)} query={query} />);
  });
  app.get('/api/v1/night', async (c) => answerJson(c, await night(readQuery(NightQuery, c))));

  app.get('/api/v1/openapi.json', (c) => c.json(openApi(version)));
  let scraped:
    | {
        readonly seen: Picture | undefined;
        readonly lookedAt: Date | undefined;
        readonly problem: Error | undefined;
        readonly bytes: Buffer<ArrayBuffer>;
      }
    | undefined;
  app.get('/metrics', async (c) => {
    const seen = await picture().catch(() => undefined);
    const { lookedAt, problem } = sight.freshness;
    const { maxConcurrentJobs: places } = sight;
    // Several that scrape within a second get the same: it is made of one look.
    if (
      scraped === undefined ||
      scraped.lookedAt !== lookedAt ||
      scraped.seen !== seen ||
      scraped.problem !== problem
    ) {
      const bytes = tellMetrics({ version, seen, lookedAt, stale: problem !== undefined, places });
      scraped = { seen, lookedAt, problem, bytes };
    }
    return answer(c, scraped.bytes, Exposition.contentType);
  });
  app.get('/events', (c) => {
    // Whoever asks for the headers alone listens to nothing, and gets an end.
    if (c.req.method === 'HEAD') return answer(c, '', Events.contentType);
    if (!events.add(c.env.outgoing))
      return c.json({ error: 'There are too many listeners, or this console is stopping' }, 503);
    return RESPONSE_ALREADY_SENT;
  });

  addActions(app, { options, mostBytes: MOST_FORM_BYTES });

  const framed = async (c: Ctx): Promise<Frame> => {
    await picture();
    return frameOf(c);
  };

  app.notFound((c) => {
    const methods = methodsAt(c.req.path);
    if (methods.length > 0) {
      c.header('allow', methods.join(', '));
      const words = `${tell(c.req.path)} takes no ${tell(c.req.method)}, only ${methods.join(', ')}.`;
      return refuse(c, new Refusal(405, 'Not in this way', words));
    }
    const refusal = new Refusal(404, 'Not found', `There is nothing at ${tell(c.req.path)}.`);
    return refuse(c, refusal);
  });
  app.onError((error, c) => {
    if (error instanceof Refusal) return refuse(c, error);
    const known = hasCode(error, 'ERR_RUN_JOB_UNAVAILABLE') || hasCode(error, 'ERR_RUN_JOB_CONFIG');
    if (!known) options.log.error(error.stack ?? error.message);
    const reached = hasCode(error, 'ERR_RUN_JOB_CONFIG');
    const title = reached ? 'The database can’t be read' : known ? 'The database is out of reach' : 'This went wrong';
    const message = known ? sentence(error) : 'The log of the console says more.';
    c.status(known ? 503 : 500);
    if (wantsJson(c)) return c.json({ error: message });
    return answerPage(c, <MessagePage frame={frameOf(c)} title={title} message={message} passes={known} />);
  });

  /** The methods by which something is at this path. */
  function methodsAt(path: string): string[] {
    const [get, post] = ['GET', 'POST'].map((method) =>
      app.router.match(method, path)[0].some(([[, route]]) => route.method === method),
    );
    return [...(get ? ['GET', 'HEAD'] : []), ...(post ? ['POST'] : [])];
  }

  function refuse(c: Ctx, { status, title, message }: Refusal) {
    c.status(status);
    if (wantsJson(c)) return c.json({ error: message });
    const [, back] = c.req.method === 'POST' ? (OF_A_FORM.exec(c.req.path) ?? []) : [];
    return answerPage(c, <MessagePage frame={frameOf(c)} title={title} message={message} back={back} />);
  }

  return {
    fetch: app.fetch,
    /** Is not ready any more, and ends the listeners. */
    drain(): void {
      draining = true;
    },
    close: () => events.close(),
  };
}

/** @throws {Refusal} a parameter isn't what it should be */
function readQuery<Schema extends v.GenericSchema>(schema: Schema, c: Ctx): v.InferOutput<Schema> {
  const result = v.safeParse(schema, c.req.query());
  if (result.success) return result.output;
  const [issue] = result.issues;
  throw new Refusal(400, 'This can’t be asked', `The parameter ${issue.path?.[0]?.key ?? ''} ${issue.message}.`);
}

/** What somebody gave, in a sentence of ours. */
const tell = (text: string): string => (text.length > 80 ? `${text.slice(0, 80)}…` : text);

const sentence = ({ message }: Error): string => {
  const text = message.charAt(0).toUpperCase() + message.slice(1);
  return /[.!?]$/.test(text) ? text : `${text}.`;
};
