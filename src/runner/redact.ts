// Keeps secrets out of logs, records, spans and termination messages.
import { toPlainJson } from './json.ts';

const SECRET_KEY =
  /pass(word|phrase|wd)?$|^pwd$|secret|token|api[-_]?key|access[-_]?key|private[-_]?key|authorization|credential|cookie|dsn$|connection[-_]?string/i;
/**
 * Up to the last @ of the authority, as URLs are read. The lengths are bounded: without that, `a.a.a.` a hundred thousand times over
 * takes a minute to look through.
 */
const URL_CREDENTIALS = /\b([a-z][a-z0-9+.-]{0,30}:\/\/)([^\s/?#"'`]{0,4096})@/gi;
const BEARER = /\b(Bearer|Basic)\s+[A-Za-z0-9._~+/=-]{8,}/g;
const KEY_VALUE = /\b(pass(?:word)?|secret|token|api[-_]?key)(\s*[=:]\s*)("[^"]*"|'[^']*'|[^\s&,;"']+)/gi;
const PEM = /-----BEGIN [A-Z ]{0,40}PRIVATE KEY-----(?:(?!-----)[\s\S]){0,16384}-----END [A-Z ]{0,40}PRIVATE KEY-----/g;

export const REDACTED = '[redacted]';

/** Removes secrets from plain data. */
export interface Redactor {
  text(text: string): string;
  /** The value as plain JSON (see `toPlainJson`), without secrets. */
  value(value: unknown): unknown;
  /** Whether there may be something to redact in the text, keys of JSON included: cheap, and never wrong when it says no. */
  mayHoldSecret(text: string): boolean;
}

/**
 * Redacts what looks like a secret (by key, or as credentials in a URL, a bearer token, a private key), and each of `known` wherever
 * it stands. Known values of fewer than six characters are passed over: they would blacken ordinary words.
 */
export function createRedactor(known: readonly string[]): Redactor {
  const secrets = known.filter((secret) => secret.length >= 6);

  const text = (input: string): string => {
    let output = input;
    for (const secret of secrets) output = output.replaceAll(secret, REDACTED);
    return output
      .replace(PEM, REDACTED)
      .replace(URL_CREDENTIALS, `$1${REDACTED}@`)
      .replace(BEARER, `$1 ${REDACTED}`)
      .replace(KEY_VALUE, `$1$2${REDACTED}`);
  };

  const plain = (input: unknown): unknown => {
    if (typeof input === 'string') return text(input);
    if (Array.isArray(input)) return input.map(plain);
    if (typeof input !== 'object' || input === null) return input;
    return Object.fromEntries(
      Object.entries(input).map(([key, item]) => [key, isSecret(key, item) ? REDACTED : plain(item)]),
    );
  };

  const hint = new RegExp([HINT, ...secrets.map(escapeRegExp)].join('|'), 'i');
  return { text, value: (input) => plain(toPlainJson(input).value), mayHoldSecret: (input) => hint.test(input) };
}

/** What each of the patterns above can't match without. */
const HINT =
  'pass|pwd|secret|token|api[-_]?key|access[-_]?key|private|authorization|credential|cookie|dsn|connection[-_]?string|://|bearer|basic';

function escapeRegExp(text: string): string {
  return text.replace(/[.*+?^${}()|[\]\\/-]/g, '\\$&');
}

/** What is told of a table, such as `public.auth_tokens`, under its own name is no secret; a text under such a name may be one. */
function isSecret(key: string, item: unknown): boolean {
  if (item === null || !SECRET_KEY.test(key)) return false;
  return !(key.includes('.') && typeof item === 'object');
}

/** The secrets in the environment: the passwords of URLs, and the values of variables that are named like secrets. */
export function secretsOf(env: Readonly<Record<string, string | undefined>>): string[] {
  const secrets = new Set<string>();
  for (const [name, value] of Object.entries(env)) {
    // PWD is the shell's working directory.
    if (!value || name === 'PWD' || name === 'OLDPWD') continue;
    if (SECRET_KEY.test(name)) secrets.add(value);
    if (name.endsWith('_HEADERS'))
      for (const header of value.split(',')) secrets.add(header.slice(header.indexOf('=') + 1).trim());
    for (const [, , userinfo] of value.matchAll(URL_CREDENTIALS)) {
      const password = userinfo?.slice(userinfo.indexOf(':') + 1) ?? '';
      secrets.add(password);
      try {
        secrets.add(decodeURIComponent(password));
      } catch {
        // Not percent-encoded: the raw form is all there is.
      }
    }
  }
  return [...secrets];
}
