// What reads and writes by SQL is tried on an older server too.
import { alsoOnDebianPostgres } from '../../support/every-postgres.ts';

alsoOnDebianPostgres(async () => {
  await import('./report.test.ts');
});
