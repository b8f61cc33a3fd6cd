// What an error of PostgreSQL means: the only file that knows SQLSTATEs. https://www.postgresql.org/docs/current/errcodes-appendix.html
import { hasCode } from '../errors.ts';
import type { PostgresFailure } from '../job.ts';

type Kind = PostgresFailure['kind'];

/** The SQLSTATEs that we know by name: PostgreSQL's own. */
export const SQLSTATE = {
  untranslatableCharacter: '22P05',
  foreignKeyViolation: '23503',
  // Version 18 tells it apart from foreignKeyViolation.
  restrictViolation: '23001',
  uniqueViolation: '23505',
  readOnlySqlTransaction: '25006',
  idleInTransactionSessionTimeout: '25P03',
  transactionTimeout: '25P04',
  invalidAuthorizationSpecification: '28000',
  invalidPassword: '28P01',
  invalidCatalogName: '3D000',
  invalidSchemaName: '3F000',
  serializationFailure: '40001',
  deadlockDetected: '40P01',
  insufficientPrivilege: '42501',
  undefinedColumn: '42703',
  undefinedFunction: '42883',
  undefinedTable: '42P01',
  diskFull: '53100',
  tooManyConnections: '53300',
  configurationLimitExceeded: '53400',
  objectInUse: '55006',
  lockNotAvailable: '55P03',
  queryCanceled: '57014',
  adminShutdown: '57P01',
  crashShutdown: '57P02',
  cannotConnectNow: '57P03',
  idleSessionTimeout: '57P05',
  ioError: '58030',
} as const;

/** What single codes mean; they go before their class. */
const BY_CODE: Readonly<Record<string, Kind>> = {
  [SQLSTATE.objectInUse]: 'contention',
  [SQLSTATE.lockNotAvailable]: 'contention',
  [SQLSTATE.queryCanceled]: 'cancelled',
  [SQLSTATE.foreignKeyViolation]: 'foreign_key',
  [SQLSTATE.restrictViolation]: 'foreign_key',
  [SQLSTATE.insufficientPrivilege]: 'denied',
  // The server has become a standby in a failover.
  [SQLSTATE.readOnlySqlTransaction]: 'unavailable',
  [SQLSTATE.idleInTransactionSessionTimeout]: 'unavailable',
  [SQLSTATE.transactionTimeout]: 'unavailable',
  [SQLSTATE.ioError]: 'unavailable',
  // A limit of one statement, such as temp_file_limit.
  [SQLSTATE.configurationLimitExceeded]: 'other',
};

/** What the other codes of a class mean. */
const BY_CLASS: Readonly<Record<string, Kind>> = {
  // connection exception, insufficient resources, operator intervention
  '08': 'unavailable',
  53: 'unavailable',
  57: 'unavailable',
  // integrity constraint violation, with check option violation
  23: 'constraint',
  44: 'constraint',
  // transaction rollback
  40: 'contention',
  // triggered action exception, triggered data change violation, and PL/pgSQL's: RAISE, ASSERT, SELECT INTO STRICT
  '09': 'raised',
  27: 'raised',
  P0: 'raised',
  // data exception, program limit exceeded
  22: 'invalid',
  54: 'invalid',
  // invalid authorization specification
  28: 'denied',
  // feature not supported, invalid transaction state, invalid catalog name, invalid schema name, syntax error or access rule
  // violation, object not in prerequisite state
  '0A': 'statement',
  25: 'statement',
  '3D': 'statement',
  '3F': 'statement',
  42: 'statement',
  55: 'statement',
  // system error, configuration file error, internal error
  58: 'internal',
  F0: 'internal',
  XX: 'internal',
};

/** How node-postgres, which has no codes, tells that a connection is of no more use. */
const LOST = /^Connection |not queryable|^Query read timeout$|^timeout (expired|exceeded)/;

/** Node's codes of sockets, of looking up names and of TLS. */
const NODE_CODE =
  /^(E(?!RR_)[A-Z0-9_]+|ERR_(TLS|SSL|STREAM|SOCKET)_\w+|CERT_\w+|UNABLE_TO_\w+|(DEPTH_ZERO_)?SELF_SIGNED_\w+)$/;

/** The five characters by which PostgreSQL tells an error; undefined when the error isn't PostgreSQL's. */
export function sqlStateOf(error: unknown): string | undefined {
  const code = (error as { code?: unknown } | null | undefined)?.code;
  // Some of Node's codes have five characters too, such as EPIPE; no SQLSTATE begins with an E.
  return typeof code === 'string' && /^[0-9A-DF-Z][0-9A-Z]{4}$/.test(code) ? code : undefined;
}

/** What an error means to whoever ran the statement; undefined when it came neither from PostgreSQL nor from the connection to it. */
export function failureOf(error: unknown): PostgresFailure | undefined {
  const sqlState = sqlStateOf(error);
  if (sqlState !== undefined) return { kind: kindOf(sqlState, isRaised(error)), sqlState };
  if (!isConnectionError(error)) return undefined;
  return { kind: 'unavailable', sqlState: sqlStateOf((error as Error).cause) };
}

/** Whether the connection that a statement ran on is of no more use after this error. */
export function isConnectionLost(error: unknown): boolean {
  const sqlState = sqlStateOf(error);
  return sqlState === undefined ? isConnectionError(error) : !isRaised(error) && /^(08|57P|25P0[34])/.test(sqlState);
}

function kindOf(sqlState: string, raised: boolean): Kind {
  const kind = BY_CODE[sqlState] ?? BY_CLASS[sqlState.slice(0, 2)] ?? 'other';
  return raised && kind !== 'foreign_key' && kind !== 'constraint' ? 'raised' : kind;
}

/** A RAISE of PL/pgSQL: whatever its SQLSTATE says, somebody wrote it, and it is nothing that has happened to the server. */
const isRaised = (error: unknown): boolean =>
  (error as { routine?: unknown } | null | undefined)?.routine === 'exec_stmt_raise';

function isConnectionError(error: unknown): boolean {
  if (hasCode(error, 'ERR_RUN_JOB_UNAVAILABLE')) return true;
  if (!(error instanceof Error)) return false;
  const { code } = error as { code?: unknown };
  return typeof code === 'string' ? !code.startsWith('ERR_RUN_JOB_') && NODE_CODE.test(code) : LOST.test(error.message);
}
