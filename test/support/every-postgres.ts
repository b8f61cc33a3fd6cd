// Declares tests twice: on the suite's PostgreSQL, and on Debian's 15, whose planner and JIT compiler differ.
import { afterAll, beforeAll, describe, inject } from 'vitest';
import { createDatabase, type DatabaseOptions, type TestDatabase } from './database.ts';
import { DEBIAN_POSTGRES, hasDebianPostgres, startDebianPostgres } from './debian-postgres.ts';
import type { PostgresServer } from './postgres-server.ts';
import { createTemplate } from './template-database.ts';

/** Creates a database for one test on the server at hand; `run_job` is not migrated in it unless said. */
export type CreateDatabase = (options?: Pick<DatabaseOptions, 'migrated'>) => Promise<TestDatabase>;

/** Calls `declare` for each server, with its major version; Debian's is started once for the tests that are declared, and skipped where it can't be had. */
export function onEveryPostgres(declare: (createDatabase: CreateDatabase, major: number) => void): void {
  describe(`PostgreSQL ${inject('postgresMajor')}`, () => {
    declare(({ migrated = false } = {}) => createDatabase({ migrated }), inject('postgresMajor'));
  });
  describe.skipIf(!hasDebianPostgres())("Debian's PostgreSQL 15, with JIT", () => {
    let server: PostgresServer;
    beforeAll(async () => {
      server = await startDebianPostgres();
      await createTemplate(server.url);
    });
    afterAll(() => server[Symbol.asyncDispose]());
    declare(({ migrated = false } = {}) => createDatabase({ migrated, serverUrl: server.url }), DEBIAN_POSTGRES.major);
  });
}
