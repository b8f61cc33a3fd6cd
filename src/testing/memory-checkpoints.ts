// What a job under test keeps of its slot, in memory: with a real pool it is there once the job's own transaction is committed.
import type { Pool, PoolClient, QueryResult } from 'pg';
import type { Transaction } from '../job.ts';
import type { Checkpoints, ProgressChange, SlotProgress } from '../runner/ports.ts';

/** A statement by which the connection is known that a save was given as `client`. */
const MARKER = /^SELECT 1 \/\* checkpoint (\d+) of a test \*\/$/;

const COMMIT = /^\s*(commit|end)\b/i;
const ROLLBACK = /^\s*(rollback|abort)\b(?!\s+(work\s+|transaction\s+)?to\b)/i;

/** The pools' clients are watched, so that a rollback takes back what was saved. */
export class MemoryCheckpoints implements Checkpoints {
  progress: SlotProgress;
  readonly #changes: ProgressChange[] = [];
  readonly #open = new Map<PoolClient, { readonly changes: ProgressChange[]; readonly query: PoolClient['query'] }>();
  #pool: Pool | undefined;

  constructor(progress: SlotProgress) {
    this.progress = progress;
  }

  async claim(_owner: unknown, restart: boolean): Promise<SlotProgress> {
    if (restart) this.progress = { value: undefined, steps: [] };
    return this.progress;
  }

  async save(_owner: unknown, change: ProgressChange, client?: Transaction): Promise<boolean> {
    if (!client || !this.#pool) {
      this.#keep(change);
      return true;
    }
    const number = this.#changes.push(change) - 1;
    await client.query(`SELECT 1 /* checkpoint ${number} of a test */`);
    return true;
  }

  async read(): Promise<SlotProgress> {
    return this.progress;
  }

  /** Watches the clients of a real pool; a fake has no transactions, and what is saved in it is there at once. */
  watch(pool: object | undefined): void {
    const real = pool as Partial<Pool> | undefined;
    if (typeof real?.on !== 'function' || typeof real.connect !== 'function') return;
    this.#pool = real as Pool;
    this.#pool.on('acquire', this.#onAcquire);
    this.#pool.on('release', this.#onRelease);
  }

  /** Ends what is watched. */
  unwatch(): void {
    this.#pool?.off('acquire', this.#onAcquire);
    this.#pool?.off('release', this.#onRelease);
    for (const client of this.#open.keys()) this.#forget(client);
  }

  /** Hangs up on the server, as the end of a process does: what isn't committed is rolled back. */
  hangUp(): void {
    for (const client of [...this.#open.keys()]) {
      this.#forget(client);
      client.release(true);
    }
    this.unwatch();
  }

  #keep(change: ProgressChange): void {
    this.progress = { ...this.progress, ...change };
  }

  readonly #onAcquire = (client: PoolClient) => {
    const query = client.query;
    const changes: ProgressChange[] = [];
    this.#open.set(client, { changes, query });
    client.query = ((...given: Parameters<PoolClient['query']>) => {
      const [first] = given as unknown[];
      const text = typeof first === 'string' ? first : (first as { text?: unknown } | undefined)?.text;
      const answer: unknown = query.apply(client, given);
      if (typeof text !== 'string') return answer;
      const [, number] = MARKER.exec(text) ?? [];
      const marked = number === undefined ? undefined : this.#changes[Number(number)];
      if (marked !== undefined) changes.push(marked);
      if (ROLLBACK.test(text)) changes.length = 0;
      if (!COMMIT.test(text) || !(answer instanceof Promise)) return answer;
      return answer.then((result: QueryResult) => {
        const committed = changes.splice(0);
        if (result.command === 'COMMIT') for (const change of committed) this.#keep(change);
        return result;
      });
    }) as PoolClient['query'];
  };

  readonly #onRelease = (_error: unknown, client: PoolClient) => this.#forget(client);

  #forget(client: PoolClient): void {
    const open = this.#open.get(client);
    if (open) client.query = open.query;
    this.#open.delete(client);
  }
}
