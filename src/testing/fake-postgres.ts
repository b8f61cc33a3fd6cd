// A fake of PostgreSQL, completed: what a test left out is made of what it brought.
import { pooled } from '../app/resources.ts';
import type { PostgresPool, Resources } from '../job.ts';
import { orAborted } from '../runner/limited.ts';
import type { Fake } from './options.ts';

/**
 * What the test brought, with the transactions of the contract. A pool of node-postgres gets real ones; of any other fake its own
 * `query` runs what a transaction would, and nothing is begun or committed.
 */
export async function completePostgres(given: Fake<Resources['postgres']>): Promise<object> {
  const fake = given as PostgresPool;
  const isPool = typeof fake.connect === 'function' && typeof fake.end === 'function';
  if (isPool) return 'transaction' in fake ? fake : pooled(fake);
  const { failureOf } = await pooled({});
  const transaction: PostgresPool['transaction'] = async (signal, _options, work) => {
    signal.throwIfAborted();
    const result = await orAborted((async () => work({ query: fake.query.bind(fake) }))(), signal);
    signal.throwIfAborted();
    return result;
  };
  const statement: PostgresPool['statement'] = async (signal, text, values) => {
    signal.throwIfAborted();
    return fake.query(text, values && [...values]);
  };
  const batch: PostgresPool['batch'] = async (signal, _options, statements) => {
    const results = [];
    for (const text of statements) {
      signal.throwIfAborted();
      results.push(await fake.query(text));
    }
    return results;
  };
  const missing = Object.entries({ transaction, batch, statement, failureOf }).filter(([name]) => !(name in fake));
  return Object.assign(Object.isExtensible(fake) ? fake : { ...fake }, Object.fromEntries(missing));
}
