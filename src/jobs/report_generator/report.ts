// The report's shape, which is published: docs/jobs/report-generator.schema.json is generated from it, and every report is
// checked against it before it is sent. A change that a consumer could stumble over gets a new version.
import * as v from 'valibot';

/** The version of the report's shape. */
export const SCHEMA_VERSION = 1;

/** What `dataschema` and the JSON Schema's `$id` say. */
export const SCHEMA_ID = `urn:run-job:schema:weekly-report:${SCHEMA_VERSION}`;

const decimal = v.pipe(
  v.string(),
  v.regex(/^-?\d+(\.\d+)?$/, 'an amount is not a finite decimal number'),
  v.description('An exact decimal number. It is a string so that no reader makes a binary fraction of it.'),
);
const count = v.pipe(v.number(), v.integer(), v.minValue(0), v.description('A number of transactions'));
const instant = v.pipe(v.string(), v.isoTimestamp(), v.description('An instant, in UTC'));
const date = v.pipe(v.string(), v.isoDate(), v.description("A day in the report's time zone"));
const isoWeek = v.pipe(v.string(), v.isoWeek(), v.description('An ISO 8601 week, such as 2026-W46'));
const type = v.pipe(v.string(), v.description('The type of the transactions'));
const currency = v.pipe(v.string(), v.description('The currency of the amounts'));
const category = v.pipe(
  v.nullable(v.string()),
  v.description('The category of the transactions; null for those that have none'),
);

const amounts = { type, currency, count, sum: decimal };
const rank = v.pipe(v.number(), v.integer(), v.minValue(1), v.description('1 for the greatest sum, its sign aside'));

const total = v.strictObject({
  ...amounts,
  previous: v.pipe(v.strictObject({ count, sum: decimal }), v.description('The same in the week before')),
  change: v.pipe(
    v.strictObject({
      count: v.pipe(v.number(), v.integer()),
      sum: decimal,
      percent: v.pipe(
        v.nullable(decimal),
        v.description("The change of the sum, as a percentage of the previous sum's size; null when that was 0"),
      ),
    }),
    v.description('This week less the week before'),
  ),
});
const categoryTotal = v.strictObject({ category, ...amounts });
const day = v.strictObject({
  date,
  start: instant,
  end: v.pipe(instant, v.description('The instant at which the next day begins: 23, 24 or 25 hours later')),
  count,
  totals: v.array(v.strictObject(amounts)),
});
const topCategory = v.strictObject({ rank, category, ...amounts });
const topAccount = v.strictObject({
  rank,
  account: v.pipe(v.string(), v.description('The account of the transactions')),
  ...amounts,
});

/** The parts that the published schema names. */
export const definitions = { decimal, count, instant, total, categoryTotal, day, topCategory, topAccount };

/** The weekly report. */
export const report = v.pipe(
  v.strictObject({
    schemaVersion: v.literal(SCHEMA_VERSION),
    week: isoWeek,
    revision: v.pipe(v.number(), v.integer(), v.minValue(1), v.description('Greater in a corrected report')),
    timeZone: v.pipe(v.string(), v.description('The time zone in which the week and its days begin')),
    start: instant,
    end: v.pipe(instant, v.description('The instant at which the next week begins; it no longer belongs to this one')),
    count,
    previousWeek: v.strictObject({ week: isoWeek, start: instant, end: instant, count }),
    totals: v.pipe(v.array(total), v.description('By type and currency, of this week and the week before')),
    categories: v.pipe(v.array(categoryTotal), v.description('By category, type and currency')),
    days: v.pipe(v.array(day), v.length(7), v.description('Monday to Sunday')),
    top: v.strictObject({
      categories: v.pipe(v.array(topCategory), v.description('The greatest of each type and currency')),
      accounts: v.pipe(v.array(topAccount), v.description('The greatest of each type and currency')),
    }),
  }),
  v.title('Weekly report'),
  v.description('What happened in one complete week, by type, currency, category, day and account'),
);

export type Report = v.InferOutput<typeof report>;
