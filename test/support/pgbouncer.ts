// A real PgBouncer in transaction mode in front of a database. No vitest in here.
import { chownSync, mkdtempSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { onFreePorts } from './free-port.ts';
import { startGuarded } from './guarded-process.ts';
import { canInstall, findProgram, installPackage } from './install.ts';
import { unprivilegedUser } from './unprivileged.ts';

/** A running PgBouncer. */
export interface PgBouncer extends AsyncDisposable {
  /** The URL of the same database, through the pooler. */
  readonly url: string;
}

type PoolMode = 'session' | 'transaction' | 'statement';

const find = () => findProgram('/usr/sbin/pgbouncer', 'pgbouncer');

/**
 * Finds PgBouncer, or installs Debian's package; resolves with the program's path.
 * @throws {Error} one sentence with the remedy when there is no way to have it
 */
export async function findPgBouncer(): Promise<string> {
  const installed = find();
  if (installed) return installed;
  if (canInstall()) await installPackage('pgbouncer');
  const now = find();
  if (now) return now;
  throw new Error('No PgBouncer for the tests: install pgbouncer (as root on Debian it is installed for you)');
}

/** How a pooler is set up. */
export interface PoolerOptions {
  /** Connections to the server, for each database and user: PgBouncer's own default unless said. */
  readonly poolSize?: number;
  /** In transaction mode unless said. */
  readonly poolMode?: PoolMode;
  readonly maxClients?: number;
  /** How long a client waits for a connection to the server before it is thrown out; PgBouncer's own default unless said. */
  readonly queryWaitSeconds?: number;
}

/**
 * Starts a pooler of its own in front of the database at `url`.
 * @throws {Error} as findPgBouncer, or with PgBouncer's last words when it doesn't start
 */
export function startPgBouncer(url: string, options: PoolerOptions = {}): Promise<PgBouncer> {
  return onFreePorts(1, (port) => startOn(port as number, url, options));
}

async function startOn(ownPort: number, url: string, options: PoolerOptions): Promise<PgBouncer> {
  const { poolSize = 20, poolMode = 'transaction', maxClients = 500, queryWaitSeconds = 120 } = options;
  const command = await findPgBouncer();
  const user = unprivilegedUser();
  const folder = mkdtempSync(join(tmpdir(), 'run-job-pgbouncer-'));
  const { hostname, port, pathname, username, password } = new URL(url);
  const write = (name: string, text: string) => {
    const path = join(folder, name);
    writeFileSync(path, text);
    if (user) chownSync(path, user.uid, user.gid);
    return path;
  };
  if (user) chownSync(folder, user.uid, user.gid);
  const users = write('users.txt', `"${username}" "${password}"\n`);
  const config = write(
    'pgbouncer.ini',
    `[databases]
* = host=${hostname} port=${port}
[pgbouncer]
listen_addr = 127.0.0.1
listen_port = ${ownPort}
unix_socket_dir =
auth_type = scram-sha-256
auth_file = ${users}
pool_mode = ${poolMode}
default_pool_size = ${poolSize}
max_client_conn = ${maxClients}
query_wait_timeout = ${queryWaitSeconds}
ignore_startup_parameters = extra_float_digits
`,
  );
  const pooler = await startGuarded({
    command,
    args: [config],
    folder,
    ready: /process up/,
    timeoutMs: 30_000,
    lastSignal: 'SIGTERM',
    user,
  });
  return {
    url: `postgres://${username}:${password}@127.0.0.1:${ownPort}${pathname}`,
    [Symbol.asyncDispose]: () => pooler.remove(),
  };
}
