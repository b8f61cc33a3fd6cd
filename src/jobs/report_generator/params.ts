// The job's parameters.
import * as v from 'valibot';

/** An ISO week as `--param week=2026-W46` names it. */
export const week = v.pipe(
  v.string(),
  v.isoWeek('an ISO week such as 2026-W46 is needed'),
  v.check((text) => Number(text.slice(6)) <= weeksIn(Number(text.slice(0, 4))), 'that year has no week 53'),
);

/** A name of the time zone database. Offsets are refused: PostgreSQL reads their sign the other way round. */
export const timeZone = v.pipe(
  v.string(),
  v.check(isTimeZone, 'a name of the time zone database such as Europe/Berlin or UTC is needed'),
);

export const params = v.object({
  week: v.optional(
    v.pipe(
      week,
      v.description(
        'The ISO week to report, such as 2026-W46; unless said, the last one that was complete at the scheduled time',
      ),
    ),
  ),
  timeZone: v.optional(
    v.pipe(
      timeZone,
      v.description('The time zone in which weeks and days begin'),
      v.metadata({ env: 'REPORT_TIME_ZONE' }),
    ),
    'UTC',
  ),
  top: v.optional(
    v.pipe(
      v.number(),
      v.integer(),
      v.minValue(1),
      v.maxValue(100),
      v.description('How many categories and accounts the top lists hold, for each type and currency'),
      v.metadata({ env: 'REPORT_TOP' }),
    ),
    10,
  ),
  revision: v.optional(
    v.pipe(
      v.number(),
      v.integer(),
      v.minValue(1),
      v.maxValue(9999),
      v.description(
        'A higher number sends the week under a new messageId, so that consumers who have it take the corrected one',
      ),
    ),
    1,
  ),
  allowUnroutable: v.optional(
    v.pipe(
      v.boolean(),
      v.description('Whether it is no error that no queue takes the message'),
      v.metadata({ env: 'REPORT_ALLOW_UNROUTABLE' }),
    ),
    false,
  ),
  output: v.optional(
    v.pipe(v.string(), v.nonEmpty(), v.description('A file that the message body is written to as well')),
  ),
});

export type Params = v.InferOutput<typeof params>;

/** An ISO year has 53 weeks when it begins on a Thursday, or ends on one. */
function weeksIn(year: number): 52 | 53 {
  const weekdayOfDecember31 = (y: number) => (y + Math.floor(y / 4) - Math.floor(y / 100) + Math.floor(y / 400)) % 7;
  return weekdayOfDecember31(year) === 4 || weekdayOfDecember31(year - 1) === 3 ? 53 : 52;
}

function isTimeZone(name: string): boolean {
  try {
    new Intl.DateTimeFormat('en', { timeZone: name });
    return /^[A-Za-z]/.test(name);
  } catch {
    return false;
  }
}
