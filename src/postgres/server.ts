// Which PostgreSQL server we talk to, and in whose name: DATABASE_URL taken apart.
import { statSync } from 'node:fs';
import type { ClientConfig } from 'pg';
import { parseIntoClientConfig } from 'pg-connection-string';
import { ConfigError } from '../errors.ts';

/** PostgreSQL cuts `application_name` off after this many bytes. */
const NAME_BYTES = 63;

/** A server, and how to reach it. */
export interface Server {
  /** What node-postgres is given. Holds the password: never log it. */
  readonly config: ClientConfig;
  /** `host:port/database`, for messages. */
  readonly label: string;
  /** How long a connection may take to be ready for queries, in milliseconds. */
  readonly connectTimeoutMs: number;
}

/** Who connects, shown in `pg_stat_activity`. */
export interface Client {
  /** What the run is known by, or the command that is no run, such as `migrate`. */
  readonly name: string;
  readonly runId?: string;
}

/**
 * Reads a connection URL.
 * @param url `postgres://user:password@host:5432/database`; it is never part of an error, since it holds the password
 * @throws {ConfigError} it isn't such a URL, or names a certificate that can't be read
 */
export function parseServer(url: string, client: Client, connectTimeoutMs: number): Server {
  // node-postgres would take any text as the name of a database on the host `base`.
  if (!/^postgres(ql)?:\/\/./.test(url)) {
    throw new ConfigError('DATABASE_URL is not a PostgreSQL URL; write postgres://user:password@host:5432/database');
  }
  let config: ClientConfig;
  try {
    checkFiles(url);
    config = withTlsMode(parseIntoClientConfig(strictestMode(url)), url);
  } catch (error) {
    throw new ConfigError(`DATABASE_URL ${unreadable(error)}`);
  }
  return {
    config: { ...config, application_name: applicationName(client) },
    label: `${hostIn(config)}:${config.port ?? 5432}/${config.database ?? ''}`,
    connectTimeoutMs,
  };
}

/** As a URL has it: an address of IPv6 in brackets. */
function hostIn({ host }: ClientConfig): string {
  if (!host) return 'localhost';
  return host.includes(':') ? `[${host}]` : host;
}

/** node-postgres reads them, and a device or a pipe would be read for ever. @throws {Error} with the file's path, as `readFileSync` does */
function checkFiles(url: string): void {
  for (const [, path = ''] of url.matchAll(/[?&]ssl(?:cert|key|rootcert)=([^&#]*)/g)) {
    const file = decodeURIComponent(path);
    if (!statSync(file).isFile()) throw Object.assign(new Error('not a file'), { code: 'not a file', path: file });
  }
}

/** node-postgres takes all of these for verify-full already, and prints a warning of its own about it. */
function strictestMode(url: string): string {
  return /[?&]uselibpqcompat=/.test(url)
    ? url
    : url.replace(/([?&]sslmode=)(?:prefer|require|verify-ca)(?=&|#|$)/, '$1verify-full');
}

/**
 * Makes of `verify-ca` what libpq does: the chain is checked, the host's name is not.
 * @throws {Error} the certificates aren't any
 */
function withTlsMode(config: ClientConfig, url: string): ClientConfig {
  if (typeof config.ssl !== 'object') return config;
  const { ca, cert, key } = config.ssl;
  if (ca || cert || key) process.getBuiltinModule('node:tls').createSecureContext({ ca, cert, key });
  if (!/[?&]sslmode=verify-ca(?:&|#|$)/.test(url)) return config;
  return { ...config, ssl: { ...config.ssl, checkServerIdentity: () => undefined } };
}

function unreadable(error: unknown): string {
  const { code, path } = error as NodeJS.ErrnoException;
  // What isn't a path may be a secret in the wrong place.
  const told = /^\.{0,2}\//.test(path ?? '') ? `the file ${path}` : 'a file';
  if (path !== undefined) return `names ${told}, which can't be read (${code})`;
  if (/^ERR_OSSL|^ERR_TLS|^ERR_CRYPTO/.test(code ?? '')) {
    return 'names certificates that are not PEM, or a key that is not that of the certificate; check sslrootcert, sslcert and sslkey';
  }
  return 'is not a valid URL; percent-encode special characters in the user name and the password';
}

/** The same server, for a connection in another name. */
export function inTheNameOf(client: Client, server: Server): Server {
  return { ...server, config: { ...server.config, application_name: applicationName(client) } };
}

/** The name gives way, not the run's id: the id is what leads to the record. */
function applicationName({ name, runId }: Client): string {
  const tail = runId === undefined ? '' : ` ${runId}`;
  return `run-job ${name.slice(0, NAME_BYTES - 'run-job '.length - tail.length)}${tail}`;
}
