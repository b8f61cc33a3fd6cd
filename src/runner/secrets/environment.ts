// Which secrets a run knows: what its environment, and the files that this names, hold.
import { isSecretName, secrecyOf } from './names.ts';
import { looksOpaque } from './opaque.ts';
import { secretValues } from './pairs.ts';
import { decode, isCredential, userInfos } from './urls.ts';
import { wordList } from './word-list.ts';

type Environment = Readonly<Record<string, string | undefined>>;

/** Reads a file that holds a secret; undefined when it isn't there, or too large to be one. */
export type ReadSecretFile = (path: string) => string | undefined;

/** The shell's working directory, which is named like a password. */
const NO_SECRETS = new Set(['PWD', 'OLDPWD']);

/** Words that our own sentences and PostgreSQL's are made of: as passwords they hide nothing, and would blacken everything. */
const OUR_WORDS = wordList(
  'postgres postgresql password passwords secret secrets database rabbitmq localhost run-job run_job runjob default public ' +
    'undefined production staging development unavailable',
);

/** Variables that name a file with a key, although their names don't end in `_FILE`. */
const KEY_FILE = /^OTEL_EXPORTER_OTLP_(?:\w+_)?CLIENT_KEY$|^PGPASSFILE$|^PGSSLKEY$|_CREDENTIALS$/;

/** The shortest line of a secret of many that is taken for one by itself. */
const SHORTEST_LINE = 20;

/**
 * The secrets in the environment: the values of variables that are named like secrets, the passwords and tokens in URLs, connection strings,
 * headers and JSON, and what the files hold that such variables name.
 */
export function secretsOf(env: Environment, readFile: ReadSecretFile = () => undefined): string[] {
  const secrets = new Set<string>();
  const add = (secret: string) => {
    if (secret !== '' && !OUR_WORDS.has(secret.toLowerCase())) secrets.add(secret);
  };
  for (const [name, value] of Object.entries(env)) {
    if (!value || NO_SECRETS.has(name)) continue;
    if (namesFile(name, value)) addText(readFile(value.trim()), add);
    else if (secrecyOf(name, value) !== 'none') {
      add(value);
      if (value.includes('\n')) addText(value, add);
    }
    if (name.endsWith('_HEADERS')) addHeaders(value, add);
    addUrls(value, add, readFile);
    if (SECRET_ADDRESSES.has(name)) addAddresses(value, add);
    // What has no separator has no pairs; most variables are such.
    if (value.includes('=') || value.includes(':'))
      for (const { start, end } of secretValues(value)) add(value.slice(start, end));
    if (/^\s*[[{]/.test(value)) addJson(value, add);
  }
  return [...secrets];
}

/** Variables with addresses that let in whoever knows them. */
const SECRET_ADDRESSES = new Set(['RUN_JOB_CHECKINS', 'RUN_JOB_NOTIFY', 'RUN_JOB_MONITORS']);

const UUID = /^[0-9a-f]{8}(?:-[0-9a-f]{4}){3}-[0-9a-f]{12}$/i;

/** The paths as a whole, and the keys in them and before the host; a name in a path is no secret by itself. */
function addAddresses(value: string, add: (secret: string) => void): void {
  for (const address of value.split(/[\s,]+/)) {
    const { pathname: path = '', username = '', password = '' } = URL.parse(address) ?? {};
    if (password === '') for (const form of [username, decode(username)]) add(form);
    if (path.length >= SHORTEST_LINE) add(path);
    for (const part of path.split('/')) if (UUID.test(part) || looksOpaque(part)) add(part);
  }
}

function namesFile(name: string, value: string): boolean {
  if (/_(?:FILE|PATH)$/.test(name))
    return secrecyOf(name.replace(/_(?:FILE|PATH)$/, ''), 'a-Path.0f4aa8b2c6d8') !== 'none';
  return KEY_FILE.test(name) || (/^\.{0,2}\//.test(value) && isSecretName(name));
}

/** A password is all of the text; of a key in PEM, any line of it is as good as the whole, and a program writes line by line. */
function addText(content: string | undefined, add: (secret: string) => void): void {
  const text = content?.trim();
  if (!text) return;
  add(text);
  for (const line of text.split(/\r?\n/))
    if (line.length >= SHORTEST_LINE && !line.startsWith('-----')) add(line.trim());
  if (/^[[{]/.test(text)) addJson(text, add);
}

function addHeaders(value: string, add: (secret: string) => void): void {
  for (const header of value.split(',')) {
    const raw = header.slice(header.indexOf('=') + 1).trim();
    for (const text of [raw, decode(raw)]) {
      add(text);
      // `Basic …`: the credential is secret without its scheme as well.
      add(text.slice(text.indexOf(' ') + 1));
    }
  }
}

function addUrls(value: string, add: (secret: string) => void, readFile: ReadSecretFile): void {
  if (!value.includes('://')) return;
  for (const info of userInfos(value)) {
    if (!isCredential(info)) continue;
    const secret = info.password || info.user;
    // Who calls the user, the host or the database as the password gives nothing away that isn't there to be seen.
    const rest = value.slice(info.end + 1).split(/[\s,]/, 1)[0] ?? '';
    if (info.password !== '' && [info.user, ...rest.split(/[:/?#]/)].includes(info.password)) continue;
    add(secret);
    add(decode(secret));
  }
  if (!value.includes('?') && !value.includes('&')) return;
  for (const [, name = '', text = ''] of value.matchAll(/[?&]([\w.-]{1,60})=([^&#\s,]{1,4096})/g)) {
    if (name === 'sslkey') addText(readFile(decode(text)), add);
    else if (secrecyOf(name, text) !== 'none') for (const form of [text, decode(text)]) add(form);
  }
}

function addJson(text: string, add: (secret: string) => void): void {
  const walk = (value: unknown, secret: boolean): void => {
    if (typeof value === 'string') {
      if (secret) add(value);
    } else if (typeof value === 'object' && value !== null) {
      for (const [name, item] of Object.entries(value)) walk(item, secret || secrecyOf(name, item) !== 'none');
    }
  };
  try {
    walk(JSON.parse(text), false);
  } catch {
    // Not JSON, or too deep to be a setting.
  }
}
