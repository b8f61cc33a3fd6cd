// What an operator can say to database_cleanup: one schema for --param, --params and the environment.
import * as v from 'valibot';
import { parseDuration } from '../../duration.ts';

/** Milliseconds of one day. */
export const DAY_MS = 86_400_000;

/** A hundred years: beyond it a date is a mistake. */
const LONGEST_RETENTION_DAYS = 36_525;

/** A length of time as text (`250ms`, `1h30m`, `90d`), as milliseconds. A day is 24 hours. */
const duration = v.pipe(
  v.string(),
  v.check((text) => parseDuration(text) !== undefined, 'must be a duration such as 250ms, 5s, 1h30m or 90d'),
  v.transform((text) => parseDuration(text) ?? 0),
);

const retention = v.pipe(
  duration,
  v.maxValue(LONGEST_RETENTION_DAYS * DAY_MS, `must be at most ${LONGEST_RETENTION_DAYS}d`),
);

/** Names, as a list or as text with commas. Text in brackets is left for JSON. */
const names = v.union([
  v.array(v.pipe(v.string(), v.nonEmpty('must not hold an empty name'))),
  v.pipe(
    v.string(),
    v.regex(/^[^[]/, 'must be names with commas between them, or a JSON list'),
    v.transform((text) =>
      text
        .split(',')
        .map((name) => name.trim())
        .filter((name) => name !== ''),
    ),
  ),
]);

/** A parameter: what it takes, the end of its environment variable's name, and what it is for. */
const param = <const Schema extends v.GenericSchema>(schema: Schema, env: string, description: string) =>
  v.pipe(schema, v.description(description), v.metadata({ env: `CLEANUP_${env}` }));

const length = v.pipe(duration, v.minValue(1, 'must be longer than nothing'));
const count = (least: number) => v.pipe(v.number(), v.integer(), v.minValue(least, `must be at least ${least}`));
const name = v.pipe(v.string(), v.nonEmpty('must not be empty'));

/** A time as PostgreSQL reads it whatever its DateStyle is. */
const liveValue = v.pipe(
  v.string(),
  v.regex(
    /^(-infinity|epoch|\d{4}-\d{2}-\d{2}([ T]\d{2}:\d{2}(:\d{2}(\.\d+)?)?(Z|[+-]\d{2}(:?\d{2})?)?)?)$/,
    'must be -infinity, epoch, or a time such as 1970-01-01 or 2000-01-01 00:00:00',
  ),
);

/** PostgreSQL itself says whether it exists. An offset is refused: it reads `UTC+2` as two hours west of Greenwich. */
const zone = v.pipe(
  v.string(),
  v.regex(/^[A-Za-z_]+(\/[\w+-]+)*$/, 'must name a time zone, such as UTC or Europe/Berlin'),
);

/** The parameters, each with the environment variable that sets its default. */
export const params = v.object({
  retentionDays: v.optional(
    param(
      v.pipe(
        v.number(),
        v.gtValue(0, 'must be more than 0: every soft-deleted row would be deleted at once'),
        v.maxValue(LONGEST_RETENTION_DAYS, `must be at most ${LONGEST_RETENTION_DAYS}`),
      ),
      'RETENTION_DAYS',
      'Rows that were soft-deleted more than so many days ago are deleted',
    ),
    90,
  ),
  retention: v.optional(
    param(
      v.record(v.string(), retention),
      'RETENTION',
      'Another retention for some tables, as JSON: {"audit_log":"365d"}',
    ),
    {},
  ),
  schemas: v.optional(param(names, 'SCHEMAS', "The schemas to look in; * for all but the system's"), ['public']),
  tables: v.optional(param(names, 'TABLES', 'Only these tables, each of which must exist')),
  include: v.optional(param(names, 'INCLUDE', 'Only tables like these patterns (* stands for anything)'), ['*']),
  exclude: v.optional(param(names, 'EXCLUDE', 'No tables like these patterns'), []),
  column: v.optional(param(name, 'COLUMN', 'The column that says when a row was soft-deleted'), 'deleted_at'),
  columns: v.optional(
    param(v.record(v.string(), name), 'COLUMNS', 'Another column for some tables, as JSON: {"audit_log":"removed_on"}'),
    {},
  ),
  live: v.optional(
    param(
      v.record(v.string(), v.nullable(v.union([liveValue, v.array(liveValue)]))),
      'LIVE',
      'What live rows of some tables hold, as JSON: {"users":"-infinity"}; null where only rows without a time are live',
    ),
    {},
  ),
  timeZone: v.optional(param(zone, 'TIME_ZONE', 'The zone that timestamp and date columns are in'), 'UTC'),
  batchSize: v.optional(param(count(1), 'BATCH_SIZE', 'Rows that the first batch of a table looks at'), 5_000),
  maxBatchSize: v.optional(param(count(1), 'MAX_BATCH_SIZE', 'The most rows that a batch looks at'), 200_000),
  batchTarget: v.optional(param(length, 'BATCH_TARGET', 'How long a batch should take; its size adapts'), '250ms'),
  giveWay: v.optional(
    param(v.boolean(), 'GIVE_WAY', 'While others write to the database, make batches short and rest between them'),
    true,
  ),
  pause: v.optional(param(duration, 'PAUSE', 'A rest between two batches'), '0ms'),
  lockTimeout: v.optional(param(length, 'LOCK_TIMEOUT', 'How long a statement waits for a lock'), '2s'),
  statementTimeout: v.optional(param(length, 'STATEMENT_TIMEOUT', 'How long a statement of a batch may take'), '30s'),
  maxRows: v.optional(param(count(1), 'MAX_ROWS', 'The most rows that one run deletes')),
  maxFraction: v.optional(
    param(
      v.pipe(v.number(), v.minValue(0, 'must be from 0 to 1'), v.maxValue(1, 'must be from 0 to 1')),
      'MAX_FRACTION',
      'Refuse when more than this part of a table is due',
    ),
    0.5,
  ),
  maxGrowth: v.optional(
    param(
      v.pipe(v.number(), v.minValue(1, 'must be at least 1')),
      'MAX_GROWTH',
      'Refuse when a table has more than so many times the due rows of earlier runs',
    ),
    10,
  ),
  guardAbove: v.optional(
    param(count(0), 'GUARD_ABOVE', 'Tables with at most so many due rows are never refused'),
    10_000,
  ),
  allowLarge: v.optional(
    param(
      v.boolean(),
      'ALLOW_LARGE',
      'Delete even when maxFraction or maxGrowth says no, or a table would lose all of its rows',
    ),
    false,
  ),
  allowEmpty: v.optional(
    param(names, 'ALLOW_EMPTY', 'Tables, or patterns of them, that may lose all of their rows'),
    [],
  ),
  allowCascade: v.optional(
    param(v.boolean(), 'ALLOW_CASCADE', 'Let ON DELETE CASCADE take rows that are not due themselves'),
    false,
  ),
  enableRowSecurity: v.optional(
    param(
      v.boolean(),
      'ENABLE_ROW_SECURITY',
      'Work under row-level security: see and delete only what its policies show',
    ),
    false,
  ),
  archiveSchema: v.optional(param(name, 'ARCHIVE_SCHEMA', 'Copy each row to a table of this schema first')),
  vacuum: v.optional(param(v.boolean(), 'VACUUM', 'VACUUM (ANALYZE) the tables that lost rows'), false),
  maxReplicationLag: v.optional(
    param(duration, 'MAX_REPLICATION_LAG', 'Rest while a replica is further behind than this'),
  ),
});

/** The parameters as the job gets them: lengths of time in milliseconds, lists of names as lists. */
export type Params = v.InferOutput<typeof params>;
