// Against requests that another site makes in the name of who is logged in here: a value in a cookie that no other site can read must come
// back in the form, and a browser that says where the form came from must say here.
// https://cheatsheetseries.owasp.org/cheatsheets/Cross-Site_Request_Forgery_Prevention_Cheat_Sheet.html
import { randomBytes, timingSafeEqual } from 'node:crypto';
import { getCookie, setCookie } from 'hono/cookie';
import type { Ctx } from './context.ts';

const COOKIE = 'run_job_form';
const VALUE = /^[\w-]{32}$/;

/** The value for the forms of a page; sets the cookie where there is none. */
export function formToken(c: Ctx, secure: boolean): string {
  const known = getCookie(c, COOKIE);
  if (known !== undefined && VALUE.test(known)) return known;
  const value = randomBytes(24).toString('base64url');
  setCookie(c, COOKIE, value, { path: '/', httpOnly: true, sameSite: 'Strict', secure });
  return value;
}

/** Whether a form came from a page of ours. */
export function isOurs(c: Ctx, given: unknown): boolean {
  if (!isSameOrigin(c)) return false;
  const cookie = getCookie(c, COOKIE) ?? '';
  if (typeof given !== 'string' || !VALUE.test(given) || !VALUE.test(cookie)) return false;
  return timingSafeEqual(Buffer.from(given), Buffer.from(cookie));
}

/** Whether the browser doesn't say that another site asks. */
export function isSameOrigin(c: Ctx): boolean {
  const site = c.req.header('sec-fetch-site');
  if (site !== undefined && site !== 'same-origin' && site !== 'none') return false;
  const origin = c.req.header('origin');
  if (origin === undefined) return true;
  const parsed = URL.parse(origin);
  // Behind a proxy the host that the browser asked may stand in another header.
  const hosts = [c.req.header('host'), c.req.header('x-forwarded-host')?.split(',')[0]?.trim()];
  return parsed !== null && hosts.includes(parsed.host);
}
