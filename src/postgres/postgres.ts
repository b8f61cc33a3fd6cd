// What a run needs of this adapter, behind one lazy import: a run without a database loads none of it.

export { openHistory } from './history.ts';
export { openPool } from './job-pool.ts';
export { createLocks } from './locks.ts';
export { SCHEMA_VERSION } from './schema-version.ts';
export { parseServer } from './server.ts';
export { Session } from './session.ts';
export { withTransactions } from './transaction.ts';
