// What is wrong with a DATABASE_URL, as far as it can be said without connecting: a sentence without the URL, which holds the password.

/** How sure the server's certificate makes us; the names are libpq's, `no-verify` is node-postgres's. */
const TLS_MODES = ['disable', 'prefer', 'require', 'verify-ca', 'verify-full', 'no-verify'];

/** Parameters of node-postgres that are numbers of milliseconds. */
const NUMBERS = [
  'statement_timeout',
  'lock_timeout',
  'idle_in_transaction_session_timeout',
  'query_timeout',
  'connectionTimeoutMillis',
  'keepAliveInitialDelayMillis',
];

const PORT = 'must have a port from 1 to 65535';

/** The problem, to follow the variable's name; undefined when there is none. */
export function problemOfDatabaseUrl(text: string): string | undefined {
  const example = 'must be a URL such as postgres://user:password@host:5432/database';
  if (hasControlCharacter(text) || hasControlCharacter(decoded(text))) {
    return `${example}, without control characters such as %00 or a line break`;
  }
  if (!/^postgres(?:ql)?:\/\/./i.test(text)) return example;
  if (namesSeveralHosts(text)) {
    return 'must name one host: run-job connects to one, so name the primary, or a service or proxy that leads to it';
  }
  const url = URL.parse(text) ?? URL.parse(text.replace('@/', '@localhost/'));
  if (url === null) return `${example}; percent-encode what is special in the user name and the password`;
  if (url.port === '0') return PORT;
  return problemOfParameters(url.searchParams);
}

function problemOfParameters(params: URLSearchParams): string | undefined {
  const mode = params.get('sslmode');
  if (mode !== null && !TLS_MODES.includes(mode)) {
    return `must have an sslmode of ${TLS_MODES.slice(0, -1).join(', ')} or ${TLS_MODES.at(-1)}`;
  }
  if (mode === 'verify-ca' && !params.get('sslrootcert')) {
    return 'must name the CA with sslrootcert when sslmode is verify-ca; verify-full checks against the CAs that the system trusts';
  }
  const ssl = params.get('ssl');
  if (ssl !== null && !/^(?:true|false|0|1)$/.test(ssl)) return 'must have an ssl of true or false; or use sslmode';
  const number = NUMBERS.find((name) => params.has(name) && !/^\d{1,9}$/.test(params.get(name) ?? ''));
  if (number !== undefined) return `must have a ${number} that is a whole number of milliseconds`;
  const port = params.get('port');
  if (port !== null && !(/^\d{1,5}$/.test(port) && Number(port) >= 1 && Number(port) <= 65_535)) {
    return PORT;
  }
  return undefined;
}

/** libpq takes several hosts with commas between them, in the URL's authority or in its parameter. */
function namesSeveralHosts(text: string): boolean {
  const rest = text.slice(text.indexOf('://') + 3);
  const authority = rest.slice(rest.lastIndexOf('@', endOfAuthority(rest)) + 1);
  const hosts = authority.slice(0, endOfAuthority(authority));
  return hosts.includes(',') || /[?&]host=[^&#]*(?:,|%2c)/i.test(text);
}

function endOfAuthority(text: string): number {
  const end = text.search(/[/?#]/);
  return end < 0 ? text.length : end;
}

function decoded(text: string): string {
  return text.replace(/%([01][0-9a-f]|7f)/gi, (_, code: string) => String.fromCharCode(Number.parseInt(code, 16)));
}

/** Whether a text holds what would end a line, a terminal's mode, or a text of PostgreSQL's protocol. */
export function hasControlCharacter(value: string): boolean {
  // Not an expression for a class of Unicode's: compiling it takes a millisecond of every run.
  for (let at = 0; at < value.length; at += 1) {
    const code = value.charCodeAt(at);
    if (code < 0x20 || (code >= 0x7f && code < 0xa0)) return true;
  }
  return false;
}
