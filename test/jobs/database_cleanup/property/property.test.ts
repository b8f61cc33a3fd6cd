// What holds for every schema: random databases, each cleaned and compared with what a slow oracle says.
// `npm run bench -- cleanup-property 5000` tries many more.
import pg from 'pg';
import { describe, test } from 'vitest';
import { createDatabase } from '../../../support/database.ts';
import { checkSeed } from './check.ts';

const SEEDS = 300;
const SEEDS_A_TEST = 25;

describe('no live row goes, every due row that can go does, and the dry run and the archive say the same', () => {
  const starts = Array.from({ length: SEEDS / SEEDS_A_TEST }, (_, at) => 1 + at * SEEDS_A_TEST);
  test.for(starts)('for the seeds from %i', async (first) => {
    await using database = await createDatabase({ migrated: false });
    const pool = new pg.Pool({ connectionString: database.url, max: 3 });
    try {
      for (let seed = first; seed < first + SEEDS_A_TEST; seed += 1) await checkSeed(pool, seed);
    } finally {
      await pool.end();
    }
  });
});
