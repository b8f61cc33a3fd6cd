// What speaks to the server is tried on an older one too.
import { alsoOnDebianPostgres } from '../support/every-postgres.ts';

alsoOnDebianPostgres(async () => {
  await import('./contracts.test.ts');
  await import('./history.test.ts');
  await import('./job-pool.test.ts');
  await import('./live.test.ts');
  await import('./locks.test.ts');
  await import('./migrate.test.ts');
  await import('./plans.test.ts');
  await import('./sqlstate.test.ts');
});
