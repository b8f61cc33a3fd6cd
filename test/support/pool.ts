// A pool of node-postgres's own, for tests of what is given one.
import pg from 'pg';

/**
 * A pool whose connections may end at any time, as the runner's does: `end()` doesn't wait for those that are idle, and a database that is dropped
 * soon after ends them, which nobody would handle.
 */
export function testPool(config: pg.PoolConfig): pg.Pool {
  const pool = new pg.Pool(config);
  pool.on('error', () => {});
  // One that ends while it is lent out tells its client.
  pool.on('connect', (client) => client.on('error', () => {}));
  return pool;
}
