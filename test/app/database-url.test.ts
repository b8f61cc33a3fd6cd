import { expect, test } from 'vitest';
import { loadConfig, readConfig } from '../../src/app/config.ts';

const problems = (url: string) => readConfig({ DATABASE_URL: url }).problems;

test.each([
  'postgres://app:s3cret@db/app',
  'POSTGRESQL://app:s3cret@db:5432/app?sslmode=verify-full',
  'postgres:///app',
  'postgres://%2Fvar%2Frun%2Fpostgresql/app',
  'postgres://app:s3%2Ccret@db/app?application_name=a,b',
  'postgres://app@[::1]:5432/app?statement_timeout=5000',
  'postgres://app:s3cret@db/app?sslmode=verify-ca&sslrootcert=/ca.pem',
])('%s is taken', (url) => {
  expect(problems(url)).toEqual([]);
});

test('a line break at its end, as a Secret made from a file has, isn’t part of it', () => {
  expect(loadConfig({ DATABASE_URL: ' postgres://app@db/app\n' }).databaseUrl).toBe('postgres://app@db/app');
});

test.each([
  ['mysql://app:s3cret@db/app', 'such as postgres://'],
  ['app:s3cret@db/app', 'such as postgres://'],
  ['postgres://app:s3cret@db1:5432,db2:5432/app', 'one host'],
  ['postgres://app:s3cret@db1,db2/app?target_session_attrs=read-write', 'one host'],
  ['postgres://app:s3cret@/app?host=db1,db2', 'one host'],
  ['postgres://app:s3cret@db/app%00', 'control characters'],
  ['postgres://app:s3cret@db/a\npp', 'control characters'],
  ['postgres://app:s3cret@db:99999/app', 'percent-encode'],
  ['postgres://app:s3cret@db/app?sslmode=verify_full', 'sslmode'],
  ['postgres://app:s3cret@db/app?sslmode=verify-ca', 'sslrootcert'],
  ['postgres://app:s3cret@db/app?ssl=require', 'ssl of true or false'],
  ['postgres://app:s3cret@db/app?statement_timeout=zz', 'statement_timeout'],
  ['postgres://app:s3cret@db/app?port=0', 'port'],
  ['postgres://app:s3cret@db:0/app', 'port'],
])('%s is refused with one sentence, which holds no password', (url, why) => {
  expect(problems(url)).toEqual([expect.stringMatching(new RegExp(`^DATABASE_URL must (?!.*s3cret).*${why}`))]);
});
