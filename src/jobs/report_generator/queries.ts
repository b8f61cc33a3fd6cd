// Every query of the report. All read the view `report_transactions`; sums are numeric and leave PostgreSQL as text, so that no
// amount is ever a float. Everything is ordered by bytes (COLLATE "C"): the same data give the same report on every server.

/** An instant as RFC 3339 has it, whatever the session's DateStyle and TimeZone. Weeks and days begin on whole seconds. */
const utc = (instant: string): string => `to_char(${instant} AT TIME ZONE 'UTC', 'YYYY-MM-DD"T"HH24:MI:SS"Z"')`;

/**
 * The instant at which a local time comes in time zone $2: of a midnight that comes twice, since clocks are turned back over it, the first,
 * from which on it is that day; of one that clocks are turned forward over, the one at which they are.
 */
const comesAt = (local: string): string => `coalesce(
  (SELECT min(t) FROM unnest('{0,30 min,1 hour,2 hours,3 hours}'::interval[]) AS earlier, LATERAL (SELECT (${local}) AT TIME ZONE $2 - earlier AS t) AS at
   WHERE t AT TIME ZONE $2 = ${local}),
  (${local}) AT TIME ZONE $2)`;

/**
 * The boundaries of a week in a time zone. $1: the scheduled time, $2: the time zone, $3: the ISO week, or null for the last
 * that was complete at the scheduled time. Days are added to local time, so that a day of a DST change has 23 or 25 hours.
 * The week is over when it is so by this server's clock, by which its rows are stamped: no other clock is asked. `now()` is when the
 * transaction began, which is before its snapshot.
 */
export const PERIOD = `
WITH week AS (
  SELECT CASE
    WHEN $3::text IS NULL THEN date_trunc('week', $1::timestamptz AT TIME ZONE $2) - interval '7 days'
    ELSE to_date($3, 'IYYY-"W"IW')::timestamp
  END AS monday
)
SELECT
  to_char(monday, 'IYYY-"W"IW') AS week,
  to_char(monday - interval '7 days', 'IYYY-"W"IW') AS "previousWeek",
  ${utc(comesAt("monday - interval '7 days'"))} AS "previousStart",
  ARRAY(SELECT to_char(monday + n * interval '1 day', 'YYYY-MM-DD') FROM generate_series(0, 6) n ORDER BY n) AS dates,
  ARRAY(SELECT ${utc(comesAt("monday + n * interval '1 day'"))} FROM generate_series(0, 7) n ORDER BY n) AS starts,
  (monday + interval '7 days') AT TIME ZONE $2 <= $1::timestamptz AS complete,
  ceil(extract(epoch FROM (monday + interval '7 days') AT TIME ZONE $2 - now()) * 1000)::int8 AS "msToEnd",
  ${utc('now()')} AS now
FROM week`;

/** By type and currency, this week ($2 to $3) beside the week before ($1 to $2). */
export const TOTALS = `
WITH totals AS (
  SELECT
    type,
    currency,
    count(*) FILTER (WHERE occurred_at >= $2) AS count,
    coalesce(sum(amount) FILTER (WHERE occurred_at >= $2), 0) AS sum,
    count(*) FILTER (WHERE occurred_at < $2) AS previous_count,
    coalesce(sum(amount) FILTER (WHERE occurred_at < $2), 0) AS previous_sum
  FROM report_transactions
  WHERE occurred_at >= $1 AND occurred_at < $3
  GROUP BY type, currency
)
SELECT
  type,
  currency,
  count,
  sum::text,
  previous_count AS "previousCount",
  previous_sum::text AS "previousSum",
  (sum - previous_sum)::text AS "changeSum",
  round((sum - previous_sum) * 100 / nullif(abs(previous_sum), 0), 2)::text AS "changePercent"
FROM totals
ORDER BY type COLLATE "C", currency COLLATE "C"`;

/** By category, type and currency, from $1 to $2, at most $3 of them. Categories are few; their number is bounded all the same. */
export const CATEGORIES = `
SELECT
  category,
  type,
  currency,
  count(*) AS count,
  sum(amount)::text AS sum,
  row_number() OVER (
    PARTITION BY type, currency
    ORDER BY abs(sum(amount)) DESC, count(*) DESC, category COLLATE "C" NULLS LAST
  ) AS rank
FROM report_transactions
WHERE occurred_at >= $1 AND occurred_at < $2
GROUP BY category, type, currency
ORDER BY category COLLATE "C" NULLS LAST, type COLLATE "C", currency COLLATE "C"
LIMIT $3`;

/** By local day, type and currency, from $1 to $2 in time zone $3. */
export const DAYS = `
SELECT
  to_char(occurred_at AT TIME ZONE $3, 'YYYY-MM-DD') AS date,
  type,
  currency,
  count(*) AS count,
  sum(amount)::text AS sum
FROM report_transactions
WHERE occurred_at >= $1 AND occurred_at < $2
GROUP BY 1, type, currency
ORDER BY 1, type COLLATE "C", currency COLLATE "C"`;

/** The $3 accounts with the greatest sums of each type and currency, from $1 to $2. There may be millions: they are ranked here. */
export const TOP_ACCOUNTS = `
SELECT rank, account, type, currency, count, sum
FROM (
  SELECT
    account,
    type,
    currency,
    count(*) AS count,
    sum(amount)::text AS sum,
    row_number() OVER (
      PARTITION BY type, currency
      ORDER BY abs(sum(amount)) DESC, count(*) DESC, account COLLATE "C"
    ) AS rank
  FROM report_transactions
  WHERE occurred_at >= $1 AND occurred_at < $2
  GROUP BY account, type, currency
) ranked
WHERE rank <= $3
ORDER BY type COLLATE "C", currency COLLATE "C", rank`;
