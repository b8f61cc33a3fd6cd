// Turns what node-postgres throws into our errors: one sentence that says what is wrong and what to do about it.
import { ConfigError, RunJobError, UnavailableError } from '../errors.ts';
import type { Server } from './server.ts';
import { failureOf, SQLSTATE } from './sqlstate.ts';

type Explanation = (server: Server, error: Failure) => RunJobError;

interface Failure extends Error {
  readonly code?: string;
}

const unavailable =
  (text: string): Explanation =>
  (server, cause) =>
    new UnavailableError(`PostgreSQL at ${server.label} ${text}`, { cause });

/** Full, or just starting: whoever hasn't begun yet waits for it. */
const busy =
  (text: string): Explanation =>
  (server, cause) =>
    new UnavailableError(`PostgreSQL at ${server.label} ${text}`, { cause, passing: true });

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
    // A server that many call at once is silent too.
    { cause, passing: true },
  );

/** By SQLSTATE and by Node's error code. */
const BY_CODE: Record<string, Explanation> = {
  // A wrong password, role or database stays wrong until somebody mends the configuration: retrying only locks accounts.
  [SQLSTATE.invalidPassword]: refusedLogin,
  [SQLSTATE.invalidAuthorizationSpecification]: misconfigured(
    'lets nobody in as this user from here; check the role, pg_hba.conf and sslmode',
  ),
  [SQLSTATE.invalidCatalogName]: noDatabase,
  [SQLSTATE.undefinedTable]: notMigrated,
  [SQLSTATE.undefinedColumn]: notMigrated,
  [SQLSTATE.undefinedFunction]: notMigrated,
  [SQLSTATE.invalidSchemaName]: notMigrated,
  [SQLSTATE.insufficientPrivilege]: misconfigured(
    'gives this role too few rights on the schema run_job; `run-job doctor` lists what it needs',
  ),
  [SQLSTATE.readOnlySqlTransaction]: unavailable(
    'takes no writes: it is a standby, or default_transaction_read_only is on; DATABASE_URL must lead to the primary, and its role be let write',
  ),
  [SQLSTATE.tooManyConnections]: busy('has no free connection; raise max_connections, or use a pooler'),
  [SQLSTATE.diskFull]: unavailable('is out of disk space'),
  [SQLSTATE.adminShutdown]: stopping,
  [SQLSTATE.crashShutdown]: stopping,
  [SQLSTATE.lockNotAvailable]: unavailable('is busy: others hold locks on the tables; try again when they are done'),
  [SQLSTATE.queryCanceled]: unavailable(
    'took too long to answer, so that the statement was cancelled; try again later',
  ),
  [SQLSTATE.cannotConnectNow]: busy('is starting up or shutting down'),
  [SQLSTATE.idleSessionTimeout]: stopping,
  [SQLSTATE.idleInTransactionSessionTimeout]: stopping,
  [SQLSTATE.transactionTimeout]: stopping,
  ECONNREFUSED: busy('refused the connection; check that it runs and that DATABASE_URL has the right host and port'),
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
  [/^Query read timeout$/, busy("doesn't answer: a query got no response in time")],
  [/Connection terminated|not queryable|Connection ended unexpectedly/, cut],
  [
    /^query_wait_timeout|^client_login_timeout|^server login|cannot connect to server|no more connections|too many/i,
    busy('is overloaded: its pooler gives no connection'),
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
  // Without a sentence of its own, such as one of Node's rarer codes.
  if (failureOf(failure)?.kind === 'unavailable') return unavailable(`failed: ${failure.message}`)(server, failure);
  return failure;
}

/**
 * The same for an error while connecting, where any other refusal is about what the URL asks of the session. Who is hung up on by then has
 * most often met a server that is full or stopping: what it said of that may be lost, since we were still writing.
 */
export function explainConnect(error: unknown, server: Server): Error {
  const explained = explain(error, server);
  if (isHungUp(error as Failure)) return new UnavailableError(explained.message, { cause: error, passing: true });
  const { code = '' } = explained as Failure;
  if (explained instanceof RunJobError || !/^[0-9A-Z]{5}$/.test(code)) return explained;
  return new ConfigError(
    `PostgreSQL at ${server.label} refuses a setting behind the ? of DATABASE_URL (${code}); correct or remove it`,
    { cause: explained },
  );
}

const isHungUp = ({ code, message }: Failure): boolean =>
  code === 'ECONNRESET' || code === 'EPIPE' || /Connection (terminated|ended) unexpectedly/.test(message);
