// The credentials in URLs, also where a password holds what should have been percent-encoded.
import { isPlaceholder } from './names.ts';
import { looksOpaque } from './opaque.ts';

/** Where in a text the user name and the password of a URL stand, without the @. */
export interface UserInfo {
  readonly start: number;
  readonly end: number;
  readonly user: string;
  /** As it stands there, perhaps percent-encoded; empty when there is none. */
  readonly password: string;
}

const LONGEST = 4096;
/** Also as PHP's JSON and JavaScript's expressions escape them. */
const SLASHES = /:(?:\/\/|\\\/\\\/)/g;
const END = /[\s"'`<>]/g;
const SCHEME = /[a-z][a-z0-9+.-]{0,30}$/i;
const WEB = /^(?:https?|wss?|ftp)$/i;

/** The example of our own messages and documents holds no secret. */
const EXAMPLE = /^(?:user|USER|somebody|app):(?:password|PASSWORD|…|\.\.\.)@/;

/** Every URL's user name and password in `text`, in order. Takes time in proportion to the text. */
export function* userInfos(text: string): Generator<UserInfo> {
  for (const { index: at, 0: slashes } of text.matchAll(SLASHES)) {
    const scheme = SCHEME.exec(text.slice(Math.max(0, at - 31), at))?.[0];
    if (scheme === undefined) continue;
    const start = at + slashes.length;
    const rest = text.slice(start, endOf(text, start));
    const length = lengthOfUserInfo(rest, WEB.test(scheme));
    if (length <= 0 || EXAMPLE.test(rest)) continue;
    const info = rest.slice(0, length);
    const colon = info.indexOf(':');
    const user = colon < 0 ? info : info.slice(0, colon);
    yield { start, end: start + length, user, password: colon < 0 ? '' : info.slice(colon + 1) };
  }
}

/** Whether there is something to hide: a password, or a token in the place of the user. */
export function isCredential({ user, password }: UserInfo): boolean {
  return !isPlaceholder(password) || looksOpaque(decode(user));
}

/** The percent-decoded text, or the text itself where it isn't encoded. */
export function decode(text: string): string {
  try {
    return decodeURIComponent(text);
  } catch {
    return text;
  }
}

/** The end of a URL that begins at `start`: a space, a quote, or the next URL of a list. */
function endOf(text: string, start: number): number {
  END.lastIndex = start;
  let end = Math.min(END.exec(text.slice(0, start + LONGEST))?.index ?? text.length, start + LONGEST);
  const next = start + text.slice(start, end).search(SLASHES);
  if (next >= start) {
    const scheme = SCHEME.exec(text.slice(Math.max(start, next - 31), next))?.[0] ?? '';
    const before = next - scheme.length;
    // `…?next=https://` is a part of the first URL; a list has a comma between its URLs.
    if (before > start && /[,;|]/.test(text[before - 1] ?? '')) end = before - 1;
  }
  return end;
}

/**
 * How long the user name and the password are. By the standard they end at the last @ before the first `/`, `?` or `#`; a password that holds
 * one of these unencoded goes on to a later @. Only where the URL is one of the web, an @ behind its path is rather an address in it.
 */
function lengthOfUserInfo(rest: string, web: boolean): number {
  const authority = rest.search(/[/?#]/);
  const strict = (authority < 0 ? rest : rest.slice(0, authority)).lastIndexOf('@');
  const colon = rest.indexOf(':');
  if (authority < 0 || rest.indexOf('@', authority) < 0) return strict;
  if (strict >= 0) {
    if (colon < 0 || colon > strict) return strict;
    const path = web && rest.includes('?') ? rest.slice(0, rest.indexOf('?')) : rest;
    const last = path.lastIndexOf('@');
    return web && path[last - 1] === '/' ? strict : last;
  }
  // `host:8080/a@b` has a port, and `host/a@b` no colon at all.
  if (colon < 0 || colon > authority || /^:\d{0,5}$/.test(rest.slice(colon, authority))) return -1;
  return rest.lastIndexOf('@');
}
