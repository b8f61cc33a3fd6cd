// Turns what node-postgres throws into our errors: one sentence that says what is wrong and what to do about it.
import { ConfigError, RunJobError, UnavailableError } from '../errors.ts';
import type { Server } from './server.ts';

type Explanation = (server: Server, error: Failure) => RunJobError;

interface Failure extends Error {
  readonly code?: string;
}

const unavailable =
  (text: string): Explanation =>
  (server, cause) =>
    new UnavailableError(`PostgreSQL at ${server.label} ${text}`, { cause });

const misconfigured =
  (text: string): Explanation =>
  (server, cause) =>
    new ConfigError(`PostgreSQL at ${server.label} ${text}`, { cause });

const refusedLogin = misconfigured('refused the login; check the user name and the password in DATABASE_URL');
const noDatabase = misconfigured('has no such database; check the name at the end of DATABASE_URL, or create it');
const notMigrated = misconfigured("doesn't have the schema that this version needs; run `run-job migrate`");
const untrusted = misconfigured(
  'shows a TLS certificate that is not trusted; name its CA with sslrootcert in DATABASE_URL',
);
const stopping = unavailable('ended the connection: it is shutting down, or an administrator ended the session');
const cut = unavailable('cut the connection; it may have restarted, or the network failed');
const unreachable = unavailable("can't be reached over the network; check the route, the firewall and the port");
const unresolved = unavailable("can't be found: its host name doesn't resolve; check DNS and DATABASE_URL");
const transactionsRefused = misconfigured(
  'is behind a pooler in statement mode, which can hold no lock; use transaction or session mode',
);

const silent: Explanation = (server, cause) =>
  new UnavailableError(
    `PostgreSQL at ${server.label} didn't answer within ${server.connectTimeoutMs / 1000} s; check the host, the port and the firewall`,
    { cause },
  );

/** By SQLSTATE (five characters) and by Node's error code. */
const BY_CODE: Record<string, Explanation> = {
  // A wrong password, role or database stays wrong until somebody mends the configuration: retrying only locks accounts.
  '28P01': refusedLogin,
  '28000': misconfigured('lets nobody in as this user from here; check the role, pg_hba.conf and sslmode'),
  '3D000': noDatabase,
  '42P01': notMigrated,
  '42703': notMigrated,
  '3F000': notMigrated,
  '42501': misconfigured('gives this role too few rights on the schema run_job; `run-job doctor` lists what it needs'),
  '25006': unavailable('is read-only, as a standby is; DATABASE_URL must lead to the primary'),
  '53300': unavailable('has no free connection; raise max_connections, or use a pooler'),
  '53100': unavailable('is out of disk space'),
  '57P01': stopping,
  '57P02': stopping,
  '55P03': unavailable('is busy: others hold locks on the tables; try again when they are done'),
  '57P03': unavailable('is starting up or shutting down'),
  '57P05': stopping,
  '25P03': stopping,
  '25P04': stopping,
  ECONNREFUSED: unavailable(
    'refused the connection; check that it runs and that DATABASE_URL has the right host and port',
  ),
  ENOENT: unavailable("can't be reached: there is no such socket; check that it runs"),
  ENOTFOUND: unresolved,
  EAI_AGAIN: unresolved,
  EHOSTUNREACH: unreachable,
  ENETUNREACH: unreachable,
  ETIMEDOUT: unreachable,
  ECONNRESET: cut,
  EPIPE: cut,
  SELF_SIGNED_CERT_IN_CHAIN: untrusted,
  DEPTH_ZERO_SELF_SIGNED_CERT: untrusted,
  UNABLE_TO_VERIFY_LEAF_SIGNATURE: untrusted,
  UNABLE_TO_GET_ISSUER_CERT_LOCALLY: untrusted,
  CERT_HAS_EXPIRED: misconfigured('shows a TLS certificate that has expired; renew it'),
  ERR_TLS_CERT_ALTNAME_INVALID: misconfigured(
    'shows a TLS certificate for another host name; use the name that the certificate has in DATABASE_URL',
  ),
};

/** What has no code, or one code for everything, as PgBouncer has (08P01). The first that fits is taken. */
const BY_MESSAGE: readonly (readonly [RegExp, Explanation])[] = [
  [/no such user|authentication failed|login rejected/i, refusedLogin],
  [/no such database|database .* (is not|not) allowed/i, noDatabase],
  [/transaction blocks not allowed in statement pooling mode/, transactionsRefused],
  [
    /password must be a (non-empty )?string|password must be a string/i,
    misconfigured('asks for a password, and DATABASE_URL has none'),
  ],
  [
    /does not support SSL/,
    misconfigured("doesn't offer TLS; set sslmode=disable in DATABASE_URL, or enable TLS there"),
  ],
  [/^timeout expired$|connection timeout/i, silent],
  [/^Query read timeout$/, unavailable("doesn't answer: a query got no response in time")],
  [/Connection terminated|not queryable|Connection ended unexpectedly/, cut],
  [
    /^query_wait_timeout|^server login|no more connections|too many/i,
    unavailable('is overloaded: its pooler gives no connection'),
  ],
];

/**
 * The error to throw in place of one that node-postgres threw: a ConfigError where only a change of the configuration
 * helps, an UnavailableError where a retry may. Errors that are neither (a faulty query, say) come back as they are.
 */
export function explain(error: unknown, server: Server): Error {
  const failure = (error instanceof Error ? error : new Error(String(error))) as Failure;
  if (failure instanceof RunJobError) return failure;
  const code = failure.code ?? '';
  const byCode = BY_CODE[code];
  if (byCode !== undefined) return byCode(server, failure);
  const byMessage = BY_MESSAGE.find(([pattern]) => pattern.test(failure.message));
  if (byMessage !== undefined) return byMessage[1](server, failure);
  // Class 08 is "connection exception", class 53 "insufficient resources".
  if (/^(08|53)/.test(code)) return unavailable(`failed: ${failure.message}`)(server, failure);
  return failure;
}

/** Whether the connection that a query ran on is of no more use after this error. */
export function isConnectionLost(error: unknown): boolean {
  const { code, message } = error as Failure;
  if (code === undefined) return /terminated|timeout|not queryable|Connection/.test(message);
  return /^(08|57P)/.test(code) || !/^[0-9A-Z]{5}$/.test(code);
}
