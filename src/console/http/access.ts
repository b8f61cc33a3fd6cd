// Who gets in: on loopback anybody who sits there; elsewhere whoever has the token, or comes by a proxy that has asked already.
import { createHash, createHmac, timingSafeEqual } from 'node:crypto';
import { BlockList, isIP } from 'node:net';
import type { AccessOptions } from '../ports.ts';
import { AttemptLimit } from './attempt-limit.ts';

/** How long a login holds, in seconds. */
export const SESSION_SECONDS = 12 * 3_600;

/** The cookie of a login. */
export const COOKIE = 'run_job_console';

/** What of a request tells who it is. */
export interface Caller {
  /** Of the socket. */
  readonly address: string;
  header(name: string): string | undefined;
  cookie(name: string): string | undefined;
}

/** What is said to somebody who asks. `login`: nobody yet, and a token helps. */
export type Admission =
  | { readonly verdict: 'in'; readonly who: string | undefined; readonly mayAct: boolean }
  | { readonly verdict: 'login' }
  | { readonly verdict: 'busy'; readonly retryAfterS: number }
  | { readonly verdict: 'refused'; readonly why: string };

const NO_ADMISSION = 'This address lets nobody in but the proxies that --trust-proxy names';

/** Decides who gets in. */
export class Access {
  readonly #options: AccessOptions;
  readonly #trusted: BlockList;
  readonly #failures = new AttemptLimit();
  /** Of the cookies' signatures; nobody without the token can make it. */
  readonly #key: Buffer | undefined;

  constructor(options: AccessOptions) {
    this.#options = options;
    this.#trusted = blockList(options.trustedProxies);
    const { token } = options;
    this.#key = token === undefined ? undefined : createHash('sha256').update(`run-job console/${token}`).digest();
  }

  /** Whether there is a token to log in with. */
  get hasLogin(): boolean {
    return this.#key !== undefined;
  }

  admit(caller: Caller): Admission {
    if (this.isTrusted(caller.address)) return this.#behindProxy(caller);
    if (this.#key !== undefined) return this.#withToken(caller);
    if (!this.#options.loopback) return { verdict: 'refused', why: NO_ADMISSION };
    // A page of another site whose name resolves to this machine would be let in like anybody who sits here.
    if (!isLocalHost(caller.header('host'))) {
      return {
        verdict: 'refused',
        why: 'Without a token, this answers on localhost only: open http://localhost or http://127.0.0.1',
      };
    }
    return { verdict: 'in', who: this.#options.localUser, mayAct: true };
  }

  /** Whether the address is that of a proxy whose headers count. */
  isTrusted(address: string): boolean {
    const plain = address.replace(/^::ffff:/i, '');
    return this.#trusted.check(plain, isIP(plain) === 6 ? 'ipv6' : 'ipv4');
  }

  /** The cookie's value for who gave this token; undefined when it is the wrong one. */
  logIn(address: string, token: string, nowMs = Date.now()): { cookie: string } | Admission {
    const waitS = this.#failures.waitFor(address, nowMs);
    if (waitS > 0) return { verdict: 'busy', retryAfterS: waitS };
    if (!this.#isToken(token)) {
      this.#failures.failed(address, nowMs);
      return { verdict: 'login' };
    }
    const until = String(Math.floor(nowMs / 1_000) + SESSION_SECONDS);
    return { cookie: `${until}.${this.#sign(until)}` };
  }

  #behindProxy(caller: Caller): Admission {
    const { identityHeaders, actors } = this.#options;
    const who = identityHeaders
      .map((name) => caller.header(name)?.trim())
      .find((value) => value !== undefined && value !== '')
      ?.slice(0, 200);
    return { verdict: 'in', who, mayAct: who !== undefined && (actors === undefined || actors.includes(who)) };
  }

  #withToken(caller: Caller): Admission {
    const nowMs = Date.now();
    const cookie = caller.cookie(COOKIE);
    const admitted = { verdict: 'in', who: 'whoever has the token', mayAct: true } as const;
    if (cookie !== undefined && this.#isSession(cookie, nowMs)) return admitted;
    const [, bearer] = /^Bearer +(\S+)$/i.exec(caller.header('authorization') ?? '') ?? [];
    if (bearer === undefined) return { verdict: 'login' };
    const waitS = this.#failures.waitFor(caller.address, nowMs);
    if (waitS > 0) return { verdict: 'busy', retryAfterS: waitS };
    if (this.#isToken(bearer)) return admitted;
    this.#failures.failed(caller.address, nowMs);
    return { verdict: 'login' };
  }

  #isToken(given: string): boolean {
    return this.#options.token !== undefined && equal(given, this.#options.token);
  }

  #isSession(cookie: string, nowMs: number): boolean {
    const [until = '', signature = ''] = cookie.split('.');
    return /^\d{1,12}$/.test(until) && equal(signature, this.#sign(until)) && Number(until) * 1_000 > nowMs;
  }

  #sign(text: string): string {
    return createHmac('sha256', this.#key ?? '')
      .update(text)
      .digest('base64url');
  }
}

/** In a time that tells nothing of where they differ, nor of how long the right one is. */
function equal(a: string, b: string): boolean {
  const digest = (text: string) => createHash('sha256').update(text).digest();
  return timingSafeEqual(digest(a), digest(b));
}

/** The name in a Host header, without its port. */
function isLocalHost(host: string | undefined): boolean {
  const name = (host ?? '').replace(/:\d{1,5}$/, '').toLowerCase();
  return name === 'localhost' || name.endsWith('.localhost') || name === '[::1]' || /^127(\.\d{1,3}){3}$/.test(name);
}

/**
 * The addresses that are meant by these texts, such as `10.1.2.3`, `10.0.0.0/8` or `fd00::/8`.
 * @throws {TypeError} one of them is no address; its message is the text
 */
export function blockList(texts: readonly string[]): BlockList {
  const list = new BlockList();
  for (const text of texts) {
    const [address = '', prefix] = text.split('/');
    const family = isIP(address);
    const most = family === 6 ? 128 : 32;
    if (family === 0 || (prefix !== undefined && (!/^\d{1,3}$/.test(prefix) || Number(prefix) > most))) {
      throw new TypeError(text);
    }
    list.addSubnet(address, prefix === undefined ? most : Number(prefix), family === 6 ? 'ipv6' : 'ipv4');
  }
  return list;
}
