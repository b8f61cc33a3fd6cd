// Uses its checkpoint and its steps in the way that it is told to.

import pg from 'pg';
import { defineJob } from 'run-job';
import * as v from 'valibot';

export default defineJob({
  name: 'misuses',
  description: 'Keeps what it should not, or as it should not',
  timeout: '80s',
  needs: ['postgres'],
  checkpoint: v.any(),
  async run({ postgres, checkpoint, step, signal, log }) {
    const within = <T>(work: (client: Pick<pg.ClientBase, 'query'>) => Promise<T>, isolation = 'read committed') =>
      postgres.transaction(signal, { isolation: isolation as 'read committed' }, work);
    const other = async () => {
      const client = new pg.Client(process.env.OTHER_URL);
      await client.connect();
      try {
        await client.query('BEGIN');
        await checkpoint.save(1, { client });
        await client.query('COMMIT');
      } finally {
        await client.end();
      }
    };
    const circular: { own?: unknown } = {};
    circular.own = circular;
    const ways: Record<string, () => unknown> = {
      bigint: () => checkpoint.save({ id: 1n }),
      circular: () => checkpoint.save(circular),
      deep: () => checkpoint.save(JSON.parse(`${'['.repeat(50_000)}${']'.repeat(50_000)}`)),
      promise: () => checkpoint.save({ id: Promise.resolve(1) }),
      nothing: () => checkpoint.save(undefined),
      no_client: () => checkpoint.save(1, { client: {} as never }),
      null_client: () => checkpoint.save(1, { client: null as never }),
      pool: () => checkpoint.save(1, { client: postgres }),
      no_transaction: async () => {
        const client = await postgres.connect();
        try {
          await checkpoint.save(1, { client });
        } finally {
          client.release();
        }
      },
      other_database: other,
      snapshot: () =>
        within(async (client) => {
          await client.query('SELECT 1');
          await checkpoint.save(1, { client });
        }, 'repeatable read'),
      loaded_snapshot: async () => {
        await checkpoint.load();
        await within(async (client) => {
          await client.query('SELECT 1');
          await checkpoint.save(1, { client });
        }, 'serializable');
      },
      loads_in_its_transaction: () =>
        within(async (client) => {
          await checkpoint.save(1, { client });
          await checkpoint.load();
        }),
      saves_beside_its_transaction: () =>
        within(async (client) => {
          await checkpoint.save(1, { client });
          await checkpoint.save(2);
        }),
      step_again: async () => {
        for (let tries = 1; ; tries += 1) {
          try {
            return await step('flaky', () => {
              if (tries < 3) throw new Error('not yet');
              return tries;
            });
          } catch (error) {
            if (tries === 3) throw error;
            log.warn('again');
          }
        }
      },
      step_passed_over: async () => {
        await step('optional', () => Promise.reject(new Error('it fails'))).catch(() => undefined);
        return step('next', () => 1);
      },
      step_within: () => step('outer', () => step('inner', () => 1)),
      step_without_await: async () => {
        void step('first', async () => 1).catch(() => undefined);
        return step('second', () => 1);
      },
      step_of_nothing: () => step('first', undefined as never),
      step_circular: () => step('first', () => circular),
      characters: () => keepsCharacters(),
      dry: async () => {
        await checkpoint.save({ row: 1 });
        await step('first', () => 1);
        return { saved: await checkpoint.load(), again: await step('second', () => 2) };
      },
    };
    const TEXT = '漢字 é \u{1f600} \ud800 \u0000';
    async function keepsCharacters() {
      const saved = (await checkpoint.load()) as string | undefined;
      await within((client) => checkpoint.save(TEXT, { client }));
      const result = await step('漢字', () => TEXT);
      if (saved === undefined) throw new Error('to be run again');
      return { saved: saved === TEXT, result: result === TEXT };
    }
    return ways[process.env.WAY ?? '']?.();
  },
});
