// Whether a name (of a field, a variable, a header, a flag) is that of a secret.
import { looksOpaque } from './opaque.ts';
import { wordList } from './word-list.ts';

/** What a secret is called, as the last word of a name. */
const SECRET_WORDS = wordList(
  'password passwords passwd passphrase passcode pass pwd pw secret secrets token tokens credential credentials creds ' +
    'authorization cookie cookies dsn apikey apikeys jwt otp totp cvv cvc bearer privkey webhook webhooks ' +
    'passwort kennwort contrasena contraseña senha wachtwoord пароль 密码 パスワード',
);

/** What is one only as two words. */
const SECRET_PAIRS = new Set(['secret id', 'connection string', 'webhook url', 'pass word', 'pass phrase', 'de passe']);

/** Words that are run together: PGPASSWORD, accesstoken, clientsecret. */
const SECRET_ENDINGS =
  'password passwd passphrase secret token apikey accesskey secretkey privatekey authkey credential connectionstring'.split(
    ' ',
  );

/** What makes a key one that opens something: `api_key`; of any other kind of key only an opaque value is taken for a secret. */
const SECRET_KEYS = wordList(
  'api access private secret signing signature encryption decryption master service account auth client shared ssh deploy storage hmac',
);

/** Keys that find something. */
const HARMLESS_KEYS = wordList(
  'primary foreign public partition sort routing cache lock idempotency object map row group order index dedupe dedup ' +
    'deduplication shard hash range natural business surrogate composite unique s3 file bucket message event record item ' +
    'sequence translation i18n locale issue project feature flag config setting registry metric label correlation lookup search ' +
    'join parent child run job slot state entry tag',
);

/** Tokens that find one's place in a list: a job that pages through an API returns one, and wants it back. */
const PAGING = wordList(
  'page paging pagination next prev previous continuation continue cursor sync resume skip delta checkpoint forward backward',
);

/** Words behind a secret's that don't make it another thing: `password_2`, `API_TOKEN_PROD`, `passwordHash`. */
const QUALIFIERS = wordList(
  'value plain raw base text old new current confirm confirmation again hash hashed encrypted base64 b64 encoded header env ' +
    'prod production dev staging test live default data',
);

/** What stands for a secret, or for none. */
const NO_SECRET =
  /^(?:true|false|yes|no|on|off|null|none|nil|undefined|empty|unset|nan|\[?redacted\]?|[*•.…-]+|x{3,}|<[^<>]*>|\$\{?\w*\}?|\$\(\w*\)|%\w|\{\{.*\}\}|\?)$/i;

/** How much of a value under a name has to go: all of it, the texts in it, or nothing. */
export type Secrecy = 'all' | 'texts' | 'none';

/** Whether a text only stands for a secret: a mask, a variable, `null`. */
export function isPlaceholder(text: string): boolean {
  if (NO_SECRET.test(text)) return true;
  // What has an ASCII letter or digit needs no expression for any script, which takes half a millisecond to compile.
  return text.length <= 6 && !/[a-z\d]/i.test(text) && /^[^\p{L}\p{N}]{0,3}$/u.test(text);
}

/** Only what looks like a key is taken for a secret under one of these. */
const OPAQUE_WORDS = ['pat', 'auth', 'sig', 'signature', 'salt', 'apitoken', 'key'];

type Kind = 'secret' | 'several' | 'opaque' | 'harmless';

/** Whether the name is that of a secret, whatever is under it. */
export function isSecretName(name: string): boolean {
  const kind = kindOf(name);
  return kind === 'secret' || kind === 'several';
}

/** Whether something under this name can be secret: whatever it is, or if it looks like a key. */
export function mayNameSecret(name: string): boolean {
  return kindOf(name) !== 'harmless';
}

/**
 * What of `value` is secret when it stands under `name`. What is told of a table such as `public.auth_tokens` or `api_keys` isn't:
 * numbers below the name of several secrets count them.
 */
export function secrecyOf(name: string, value: unknown): Secrecy {
  if (value === null || value === undefined || typeof value === 'boolean') return 'none';
  const kind = kindOf(name);
  if (kind === 'harmless') return 'none';
  switch (typeof value) {
    case 'string':
      return isSecretText(kind, value) ? 'all' : 'none';
    case 'object':
      if (kind === 'opaque' || name.includes('.')) return 'none';
      return kind === 'several' ? 'texts' : 'all';
    default:
      return kind === 'secret' && !/(?:^|[^a-z])pass$/i.test(name) ? 'all' : 'none';
  }
}

function isSecretText(kind: Kind, text: string): boolean {
  if (kind === 'opaque') return looksOpaque(text);
  return !isPlaceholder(text);
}

const MAY_BE_SECRET =
  /pass|pw|secret|token|key|cred|auth|cookie|dsn|jwt|otp|cv[vc]|bearer|webhook|connection|pat(?!h)|sig|salt|kennwort|contrase|senha|wachtwoord|basic[ \t]|bot[ \t]|identified|mysql|mariadb|redis-cli|пароль|密码|パスワード/i;

/** Whether there may be the name of a secret in a text, or the scheme of a credential: never wrong when it says no. */
export function mayHoldSecretName(text: string): boolean {
  return MAY_BE_SECRET.test(text);
}

/** Rows have the same names by the thousand. */
const kinds = new Map<string, Kind>();
const MOST_KINDS = 1_000;

function kindOf(name: string): Kind {
  const end = name.slice(-80);
  if (!MAY_BE_SECRET.test(end)) return 'harmless';
  const known = kinds.get(end);
  if (known !== undefined) return known;
  if (kinds.size >= MOST_KINDS) kinds.clear();
  const kind = judge(end);
  kinds.set(end, kind);
  return kind;
}

function judge(end: string): Kind {
  const words = wordsOf(end);
  while (words.length > 1 && (QUALIFIERS.has(words.at(-1) ?? '') || /^\d+$/.test(words.at(-1) ?? ''))) words.pop();
  const last = words.at(-1) ?? '';
  const before = words.at(-2) ?? '';
  if (last === 'token' || last === 'tokens') return PAGING.has(before) ? 'harmless' : several(last);
  if (SECRET_WORDS.has(last)) return several(last);
  if (last === 'key' || last === 'keys') {
    if (SECRET_KEYS.has(before)) return several(last);
    return before === '' || HARMLESS_KEYS.has(before) || last === 'keys' ? 'harmless' : 'opaque';
  }
  const pair = `${before} ${last}`;
  if (SECRET_PAIRS.has(pair)) return 'secret';
  const one = last.endsWith('s') ? last.slice(0, -1) : last;
  const ending = SECRET_ENDINGS.find((word) => one.length > word.length && one.endsWith(word));
  if (ending === 'token' && PAGING.has(one.slice(0, -ending.length))) return 'harmless';
  if (ending !== undefined) return one === last ? 'secret' : 'several';
  return OPAQUE_WORDS.includes(last) ? 'opaque' : 'harmless';
}

function several(word: string): Kind {
  return word.endsWith('s') && !/pass$/.test(word) ? 'several' : 'secret';
}

/** `nextPageToken`, `NEXT_PAGE_TOKEN` and `next-page-token` are the same three words. */
function wordsOf(name: string): string[] {
  // Most names; what is said of any script costs several times as much.
  if (/^[a-z0-9 _.-]*$/.test(name)) return name.split(/[ _.-]+/).filter(Boolean);
  // Those of variables: a run needn't compile the expressions for any script, which takes 3 ms.
  if (/^[ -~]*$/.test(name)) {
    return name
      .replace(/([a-z\d])([A-Z])/g, '$1 $2')
      .replace(/([A-Z])([A-Z][a-z])/g, '$1 $2')
      .toLowerCase()
      .split(/[^a-z0-9]+/)
      .filter(Boolean);
  }
  return name
    .replace(/([\p{Ll}\d])(\p{Lu})/gu, '$1 $2')
    .replace(/(\p{Lu})(\p{Lu}\p{Ll})/gu, '$1 $2')
    .toLowerCase()
    .split(/[^\p{L}\p{N}]+/u)
    .filter(Boolean);
}
