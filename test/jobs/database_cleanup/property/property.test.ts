// What holds for every schema: random databases, each cleaned and compared with what a slow oracle says.
// `npm run bench -- cleanup-property 5000` tries many more.
import { describe, test } from 'vitest';
import { onEveryPostgres } from '../../../support/every-postgres.ts';
import { testPool } from '../../../support/pool.ts';
import { checkSeed } from './check.ts';

const SEEDS_A_TEST = 20;
/** The seeds of each server: as many on the first as time allows, and others on the second. */
const RANGES = [
  { first: 1, count: 240 },
  { first: 241, count: 60 },
];

onEveryPostgres((createDatabaseThere) => {
  const { first, count } = RANGES.shift() ?? { first: 301, count: 20 };
  const starts = Array.from({ length: count / SEEDS_A_TEST }, (_, at) => first + at * SEEDS_A_TEST);
  describe.concurrent('no live row goes, every due row that can go does, and the dry run and the archive say the same', () => {
    test.for(starts)('for the seeds from %i', { retry: 0 }, async (start) => {
      await using database = await createDatabaseThere();
      const pool = testPool({ connectionString: database.url, max: 3 });
      try {
        for (let seed = start; seed < start + SEEDS_A_TEST; seed += 1) await checkSeed(pool, seed);
      } finally {
        await pool.end();
      }
    });
  });
});
