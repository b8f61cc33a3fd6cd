// What the tests of the console share: the built console over a database of the test's own, and ways to ask it.
import { once } from 'node:events';
import { type IncomingMessage, request } from 'node:http';
import { createDatabase, type TestDatabase } from '../support/database.ts';
import { type Running, runJob } from '../support/run-job.ts';

/** A console that answers. */
export interface ServedConsole extends AsyncDisposable {
  readonly url: string;
  readonly running: Running;
  readonly database: TestDatabase;
  /** What it logged so far. */
  readonly said: () => string;
}

export interface ServeSettings {
  readonly args?: readonly string[];
  readonly env?: Readonly<Record<string, string | undefined>>;
  readonly database?: TestDatabase;
}

/** Starts the built `run-job serve` on a free port, and waits until it listens. */
export async function serveConsole({
  args = [],
  env = {},
  database: given,
}: ServeSettings = {}): Promise<ServedConsole> {
  const database = given ?? (await createDatabase());
  const running = runJob(['serve', '--port', '0', ...args], {
    database,
    hangsAfterMs: 110_000,
    env: { LOG_FORMAT: 'json', ...env },
  });
  let said = '';
  const { promise, resolve } = Promise.withResolvers<string>();
  running.child.stderr.on('data', (text: string) => {
    said += text;
    const [, url] = /the console is at (http:\/\/\S+?)"/.exec(said) ?? [];
    if (url !== undefined) resolve(url);
  });
  const url = await running.until(promise);
  return {
    url: url.replace('0.0.0.0', '127.0.0.1'),
    running,
    database,
    said: () => said,
    async [Symbol.asyncDispose]() {
      await running[Symbol.asyncDispose]();
      if (given === undefined) await database[Symbol.asyncDispose]();
    },
  };
}

/** An answer, read to its end. */
export interface Answer {
  readonly status: number;
  readonly headers: Readonly<Record<string, string | string[] | undefined>>;
  readonly text: string;
}

/** Asks exactly this, as no browser would: any path, any header. */
export function ask(
  url: string,
  path: string,
  options: { method?: string; headers?: Record<string, string>; body?: string } = {},
): Promise<Answer> {
  const { hostname, port } = new URL(url);
  return new Promise((resolve, reject) => {
    const sent = request(
      { hostname, port, path, method: options.method ?? 'GET', headers: options.headers ?? {} },
      (response) => {
        let text = '';
        response.setEncoding('utf8').on('data', (part: string) => {
          text += part;
        });
        response.on('end', () => resolve({ status: response.statusCode ?? 0, headers: response.headers, text }));
        response.on('error', reject);
      },
    );
    sent.on('error', reject);
    sent.end(options.body);
  });
}

/** A form, as a browser sends it. */
export const form = (fields: Record<string, string>, headers: Record<string, string> = {}) => ({
  method: 'POST',
  body: new URLSearchParams(fields).toString(),
  headers: { 'content-type': 'application/x-www-form-urlencoded', ...headers },
});

/** Records a run that has ended; columns over those of a success. */
export async function recordRun(database: TestDatabase, columns: Record<string, unknown>): Promise<string> {
  const now = new Date();
  const row = {
    job: 'noop',
    name: 'noop',
    scheduled_at: now,
    started_at: now,
    ended_at: now,
    shard_index: 0,
    shard_count: 1,
    status: 'succeeded',
    exit_code: 0,
    attempts: 1,
    duration_ms: 1_000,
    dry_run: false,
    forced: false,
    version: '0.0.0',
    host: 'here',
    pid: 1,
    lock_key: 0,
    params_digest: '',
    ...columns,
  };
  const names = Object.keys(row);
  const [inserted] = await database.query<{ id: string }>(
    `INSERT INTO run_job.runs (id, ${names.join()}) SELECT gen_random_uuid(), ${names.map((name) => `r.${name}`).join()}
     FROM json_populate_record(NULL::run_job.runs, $1) AS r RETURNING id`,
    [JSON.stringify(row)],
  );
  return inserted?.id ?? '';
}

/** Looks now, and again whenever the console tells that something has changed, until what is found fits; for five seconds at most unless said. */
export async function whenShown<T>(
  url: string,
  look: () => Promise<T>,
  fits: (found: T) => boolean,
  withinMs = 5_000,
): Promise<T> {
  const { hostname, port } = new URL(url);
  const sent = request({ hostname, port, path: '/events', agent: false }).end();
  const [events] = (await once(sent, 'response')) as [IncomingMessage];
  let found = await look();
  const late = () => events.destroy(new Error(`It is never shown; this is: ${JSON.stringify(found)}`));
  const timer = setTimeout(late, withinMs);
  try {
    if (fits(found)) return found;
    for await (const text of events.setEncoding('utf8')) {
      if (!(text as string).includes('event: change')) continue;
      found = await look();
      if (fits(found)) return found;
    }
    throw new Error('The console has let its listener go.');
  } finally {
    clearTimeout(timer);
    sent.destroy();
  }
}
