// Debian's PostgreSQL 15 beside the suite's own server: an older planner, and with LLVM's JIT compiler, which npm's servers lack.
// No vitest in here.
import { canInstall, findProgram, installPackage } from './install.ts';
import type { Binaries } from './postgres-binaries.ts';
import { type PostgresOptions, type PostgresServer, startPostgres } from './postgres-server.ts';

const FOLDER = '/usr/lib/postgresql/15/bin';

/** The Debian package, which `npm run tools` installs too. */
export const DEBIAN_POSTGRES = { program: `${FOLDER}/postgres`, package: 'postgresql-15', major: 15 } as const;

/** Whether this machine has it, or can install it without asking: tests that need it are skipped elsewhere. */
export const hasDebianPostgres = (): boolean => findProgram(DEBIAN_POSTGRES.program) !== undefined || canInstall();

/**
 * Starts a server of its own, with JIT as Debian configures it: on, for plans that cost more than 100,000. About two seconds.
 * @throws {Error} where it isn't installed and can't be, or with the server's last words when it doesn't start
 */
export async function startDebianPostgres(options: Omit<PostgresOptions, 'binaries'> = {}): Promise<PostgresServer> {
  return startPostgres({ ...options, binaries: await findDebianPostgres() });
}

async function findDebianPostgres(): Promise<Binaries> {
  if (!findProgram(DEBIAN_POSTGRES.program) && canInstall()) await installPackage(DEBIAN_POSTGRES.package);
  const postgres = findProgram(DEBIAN_POSTGRES.program);
  const initdb = findProgram(`${FOLDER}/initdb`);
  if (postgres && initdb) return { postgres, initdb };
  throw new Error(
    'No PostgreSQL 15 of Debian for the tests: install postgresql-15 (as root on Debian it is installed for you)',
  );
}
