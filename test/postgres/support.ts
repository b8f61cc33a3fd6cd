// What the tests of the PostgreSQL adapter share.

import { openHistory } from '../../src/postgres/history.ts';
import { createLocks } from '../../src/postgres/locks.ts';
import type { Server } from '../../src/postgres/server.ts';
import type { Closable, History, Locks } from '../../src/runner/ports.ts';
import { createDatabase, type TestDatabase } from '../support/database.ts';
import { serverAt } from './server-at.ts';

/** Locks and a history in one database. */
export interface Adapter extends AsyncDisposable {
  readonly database: TestDatabase;
  readonly server: Server;
  readonly locks: Locks;
  readonly history: History & Closable;
}

/** Locks and a history in this database; `url` leads to it, directly unless said. */
export function adapterOf(database: TestDatabase, url = database.url): Adapter {
  const server = serverAt(url);
  const history = openHistory(server, { endWithinMs: 10_000 });
  return {
    database,
    server,
    locks: createLocks(server, { checkMs: 500 }),
    history,
    [Symbol.asyncDispose]: () => history.close(),
  };
}

/** Locks and a history in a database of the test's own; `via` gives the URL that leads to it, directly unless said. */
export async function openAdapter(via = (url: string) => url): Promise<Adapter> {
  const database = await createDatabase();
  const adapter = adapterOf(database, via(database.url));
  return {
    ...adapter,
    async [Symbol.asyncDispose]() {
      await adapter[Symbol.asyncDispose]();
      await database[Symbol.asyncDispose]();
    },
  };
}
