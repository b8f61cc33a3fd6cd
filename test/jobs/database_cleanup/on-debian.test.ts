// What plans and locks decide is tried on an older server too.
import { alsoOnDebianPostgres } from '../../support/every-postgres.ts';

alsoOnDebianPostgres(async () => {
  await import('./care.test.ts');
  await import('./concurrency.test.ts');
  await import('./references.test.ts');
  await import('./tables.test.ts');
});
