// Sends one HTTP request: through the proxy that the environment names, without following redirects, once more where that can help.
import type { ClientRequest, IncomingMessage, RequestOptions } from 'node:http';
import { setTimeout as sleep } from 'node:timers/promises';
import type { OutgoingRequest } from '../runner/ports.ts';

/** What came back. */
export interface Answer {
  readonly status: number;
  /** Its beginning; empty unless it was asked for. */
  readonly body: string;
  /** How long to wait before the next try, in milliseconds, where the answer says so. */
  readonly retryAfterMs?: number;
}

export interface SendOptions {
  /** Ends all of it. */
  readonly signal: AbortSignal;
  /** Where HTTP_PROXY, HTTPS_PROXY and NO_PROXY are read. */
  readonly env: NodeJS.ProcessEnv;
  /** How much of the answer's body is wanted, in characters; nothing unless given. */
  readonly bodyLimit?: number;
}

/** The wait before the second try, where the answer names none. */
const AGAIN_MS = 250;

/**
 * Connections that are kept for the next request, by scheme: the end of a run is told over the one that its start was. One event loop, one set.
 */
const agents = new Map<string, object>();

/**
 * Sends the request; once more after a failure that may pass (no connection, 429, 5xx), if `signal` leaves the time.
 * @throws what the connection breaks with, or the signal's reason
 */
export async function send(request: OutgoingRequest, options: SendOptions): Promise<Answer> {
  let wait = AGAIN_MS;
  let answer: Answer | undefined;
  try {
    answer = await sendOnce(request, options);
    if (answer.status !== 429 && answer.status < 500) return answer;
    wait = answer.retryAfterMs ?? AGAIN_MS;
    // A wait that nobody has the time for is told at once.
    if (wait > LONGEST_WAIT_MS) return answer;
  } catch (error) {
    if (options.signal.aborted || isLasting(error)) throw error;
  }
  try {
    await sleep(wait, undefined, { signal: options.signal, ref: false });
    return await sendOnce(request, options);
  } catch (error) {
    // What was answered says more than that there was no time to ask again.
    if (answer !== undefined && options.signal.aborted) return answer;
    throw error;
  }
}

const LONGEST_WAIT_MS = 60_000;

/** Whether the same is to be expected of the next try. */
function isLasting(error: unknown): boolean {
  const { code = '' } = error as NodeJS.ErrnoException;
  return /CERT|TLS|SSL|SIGN|ERR_INVALID|ERR_PROXY|ENOTFOUND/.test(code);
}

async function sendOnce(request: OutgoingRequest, options: SendOptions): Promise<Answer> {
  const { signal, env } = options;
  signal.throwIfAborted();
  const url = new URL(request.url);
  const secure = url.protocol === 'https:';
  // By getBuiltinModule when first needed: node:https takes milliseconds to load.
  const client = process.getBuiltinModule(secure ? 'node:https' : 'node:http');
  const agent = agents.get(url.protocol) ?? new client.Agent({ keepAlive: true, proxyEnv: proxiesOf(env) });
  agents.set(url.protocol, agent);
  const { promise, resolve, reject } = Promise.withResolvers<IncomingMessage>();
  const sent: ClientRequest = client.request(
    url,
    {
      method: request.method,
      agent: agent as NonNullable<RequestOptions['agent']>,
      signal,
      headers: {
        'user-agent': 'run-job',
        ...request.headers,
        ...(request.body !== undefined && { 'content-length': String(Buffer.byteLength(request.body)) }),
      },
    },
    resolve,
  );
  // What is told by the way keeps no process alive: an event loop that drains is to be seen.
  sent.on('socket', (socket) => socket.unref());
  sent.on('error', reject);
  sent.end(request.body);
  const response = await promise.catch((error) => {
    throw signal.aborted ? signal.reason : error;
  });
  const retryAfterMs = retryAfterOf(response.headers['retry-after']);
  const { bodyLimit } = options;
  // Read to its end, wanted or not: the next request goes over the same connection only when this answer has left it.
  const body = await bodyOf(response, bodyLimit ?? 0);
  return {
    status: response.statusCode ?? 0,
    body: body.slice(0, bodyLimit ?? 0),
    ...(retryAfterMs !== undefined && { retryAfterMs }),
  };
}

const PROXIES = ['HTTP_PROXY', 'http_proxy', 'HTTPS_PROXY', 'https_proxy'] as const;
const NO_PROXIES = ['NO_PROXY', 'no_proxy'] as const;

/**
 * What is set to nothing is as good as not set, and a proxy without a scheme is one of HTTP, as elsewhere: Node would pass it by without a word.
 * @throws {Error} a variable names something else; the value isn't told, since it may hold a password
 */
function proxiesOf(env: NodeJS.ProcessEnv): NodeJS.ProcessEnv {
  const proxies = PROXIES.flatMap((name) => {
    const given = env[name]?.trim();
    if (!given) return [];
    const url = URL.parse(given.includes('://') ? given : `http://${given}`);
    if (url?.protocol !== 'http:' && url?.protocol !== 'https:') {
      const problem = new Error(`${name} must be the URL of an HTTP proxy, such as http://proxy.example.com:3128`);
      throw Object.assign(problem, { code: 'ERR_PROXY_INVALID_CONFIG' });
    }
    return [[name, url.href]];
  });
  const past = NO_PROXIES.flatMap((name) => (env[name]?.trim() ? [[name, env[name]?.trim()]] : []));
  return Object.fromEntries([...proxies, ...past]);
}

/** The longest rest of an answer that is read although nobody wants it, in bytes: a connection isn't worth more. */
const MOST_UNWANTED = 64 * 1024;

/** How long it is waited for, in milliseconds: who has said the status may never come to the end of what follows it. */
const UNWANTED_MS = 250;

/** What there is of it up to so many characters; nothing more of what breaks off, since its status has been told. */
async function bodyOf(response: IncomingMessage, limit: number): Promise<string> {
  let text = '';
  response.setEncoding('utf8');
  const enough = limit > 0 ? undefined : setTimeout(() => response.destroy(), UNWANTED_MS).unref();
  try {
    for await (const part of response) {
      text += String(part);
      if (text.length >= limit + MOST_UNWANTED) break;
    }
  } catch {
    if (limit > 0) throw new Error('the answer broke off');
  } finally {
    clearTimeout(enough);
  }
  return text;
}

/** Seconds; a date is taken for what it is worth by our clock. RFC 9110, section 10.2.3. */
function retryAfterOf(header: string | undefined): number | undefined {
  if (header === undefined) return undefined;
  const ms = /^\d{1,9}$/.test(header.trim()) ? Number(header) * 1_000 : Date.parse(header) - Date.now();
  return Number.isNaN(ms) ? undefined : Math.max(0, ms);
}
