// Declares tests twice: on the suite's PostgreSQL, and on Debian's 15, whose planner and JIT compiler differ.
import { beforeAll, describe, expect, inject, test } from 'vitest';
import { createDatabase, type DatabaseOptions, type TestDatabase } from './database.ts';
import { DEBIAN_POSTGRES, hasDebianPostgres } from './debian-postgres.ts';
import { askForIt } from './on-demand.ts';
import { useServer } from './server-at-hand.ts';

/** Creates a database for one test on the server at hand; `run_job` is not migrated in it unless said. */
export type CreateDatabase = (options?: Pick<DatabaseOptions, 'migrated'>) => Promise<TestDatabase>;

/** Calls `declare` for each server, with its major version; Debian's is started once for the suite, and skipped where it can't be had. */
export function onEveryPostgres(declare: (createDatabase: CreateDatabase, major: number) => void): void {
  describe(`PostgreSQL ${inject('postgresMajor')}`, () => {
    declare(({ migrated = false } = {}) => createDatabase({ migrated }), inject('postgresMajor'));
  });
  describe.skipIf(!hasDebianPostgres())("Debian's PostgreSQL 15, with JIT", () => {
    let serverUrl: string;
    beforeAll(async () => {
      serverUrl = (await askForIt<{ url: string }>(inject('debianPostgresSocket'))).url;
    });
    declare(({ migrated = false } = {}) => createDatabase({ migrated, serverUrl }), DEBIAN_POSTGRES.major);
  });
}

/**
 * Runs the tests of whole files once more, on Debian's server: those for which it matters which server it is, and that start none themselves.
 * @param load imports them
 */
export function alsoOnDebianPostgres(load: () => Promise<unknown>): void {
  describe.skipIf(!hasDebianPostgres())("Debian's PostgreSQL 15, with JIT", async () => {
    if (!hasDebianPostgres()) return;
    useServer({
      url: (await askForIt<{ url: string }>(inject('debianPostgresSocket'))).url,
      major: DEBIAN_POSTGRES.major,
    });
    test('databases are made there', async () => {
      await using database = await createDatabase({ migrated: false });
      const [server] = await database.query<{ server_version_num: string }>('SHOW server_version_num');
      expect(Math.floor(Number(server?.server_version_num) / 10_000)).toBe(DEBIAN_POSTGRES.major);
    });
    await load();
  });
}
