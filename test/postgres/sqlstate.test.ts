// What errors mean: PostgreSQL's by its own statements, and those of a connection that failed.
import { describe, expect, test } from 'vitest';
import { PermanentError, UnavailableError } from '../../src/errors.ts';
import { failureOf, isConnectionLost } from '../../src/postgres/sqlstate.ts';
import { createDatabase } from '../support/database.ts';

test('what PostgreSQL says has one meaning each', async () => {
  await using database = await createDatabase();
  await database.query(`
    CREATE TABLE parent (id integer PRIMARY KEY);
    CREATE TABLE serial (id serial);
    CREATE TABLE child (parent integer REFERENCES parent, part int4range, note text NOT NULL DEFAULT '' CHECK (note <> 'bad'),
      EXCLUDE USING gist (part WITH &&));
    INSERT INTO parent VALUES (1);
    INSERT INTO child VALUES (1, '[1,5)');
    CREATE VIEW few AS SELECT * FROM parent WHERE id < 10 WITH CHECK OPTION;`);
  const meanings: [string, string][] = [
    ['DELETE FROM parent', 'foreign_key'],
    ['INSERT INTO child VALUES (2)', 'foreign_key'],
    ['INSERT INTO parent VALUES (1)', 'constraint'],
    ['INSERT INTO child (note) VALUES (NULL)', 'constraint'],
    ["INSERT INTO child (note) VALUES ('bad')", 'constraint'],
    ["INSERT INTO child (part) VALUES ('[2,3)')", 'constraint'],
    ['INSERT INTO few VALUES (11)', 'constraint'],
    ["DO $$ BEGIN RAISE 'no'; END $$", 'raised'],
    ['DO $$ BEGIN ASSERT false; END $$', 'raised'],
    // Whatever code somebody gives what he raises, it says nothing about the server.
    ["DO $$ BEGIN RAISE SQLSTATE '57P01'; END $$", 'raised'],
    ["DO $$ BEGIN RAISE SQLSTATE '40001'; END $$", 'raised'],
    ["DO $$ BEGIN RAISE SQLSTATE '42501'; END $$", 'raised'],
    ['DO $$ BEGIN RAISE unique_violation; END $$', 'constraint'],
    ['SELECT 1 / 0', 'invalid'],
    ["SELECT 'x'::integer", 'invalid'],
    ["SELECT now() AT TIME ZONE 'Nowhere'", 'invalid'],
    ['SELECT * FROM nowhere', 'statement'],
    ['SELEC', 'statement'],
    ['SELECT nothing()', 'statement'],
    ['CREATE TABLE missing.t ()', 'statement'],
    ['CREATE TABLE parent ()', 'statement'],
    ["SELECT currval(pg_get_serial_sequence('serial', 'id'))", 'statement'],
    ['BEGIN; VACUUM parent', 'statement'],
    ["SELECT pg_read_file('no such file')", 'internal'],
    ['SET statement_timeout = 1; SELECT pg_sleep(9)', 'cancelled'],
    ['SET ROLE pg_monitor; DELETE FROM parent', 'denied'],
    ['BEGIN READ ONLY; DELETE FROM parent', 'unavailable'],
    ['SELECT pg_terminate_backend(pg_backend_pid())', 'unavailable'],
  ];
  const told = await Promise.all(
    meanings.map(async ([sql]) => [sql, failureOf(await database.query(sql).catch((error) => error))?.kind]),
  );
  expect(told).toEqual(meanings);
});

describe('what is no SQLSTATE', () => {
  const withCode = (code: string) => Object.assign(new Error('it failed'), { code });

  test.for(['ECONNRESET', 'EPIPE', 'ENOTFOUND', 'ETIMEDOUT', 'CERT_HAS_EXPIRED', 'ERR_TLS_CERT_ALTNAME_INVALID'])(
    '%s is the connection’s',
    (code) => {
      expect(failureOf(withCode(code))).toEqual({ kind: 'unavailable', sqlState: undefined });
      expect(isConnectionLost(withCode(code))).toBe(true);
    },
  );

  test.for(['Connection terminated unexpectedly', 'Query read timeout', 'timeout expired'])('%s is too', (message) => {
    expect(failureOf(new Error(message))?.kind).toBe('unavailable');
  });

  test('an UnavailableError still tells the SQLSTATE that it was made of', () => {
    expect(failureOf(new UnavailableError('gone', { cause: withCode('57P01') }))).toEqual({
      kind: 'unavailable',
      sqlState: '57P01',
    });
  });

  test.for([
    new TypeError('x is not a function'),
    new PermanentError('no'),
    withCode('ERR_INVALID_ARG_TYPE'),
    undefined,
    'text',
  ])('%s means nothing here', (error) => {
    expect(failureOf(error)).toBeUndefined();
    expect(isConnectionLost(error)).toBe(false);
  });
});
