// Cron lines as Kubernetes takes them: five fields, or a name such as @daily (robfig/cron v3, `ParseStandard`).
import { UsageError } from '../errors.ts';

/** A cron line, read. Of each list, the place says the value: `hours[2]` is whether it runs at two. */
export interface Cron {
  readonly line: string;
  readonly minutes: readonly boolean[];
  readonly hours: readonly boolean[];
  /** From 1 on. */
  readonly daysOfMonth: readonly boolean[];
  /** From 1 on. */
  readonly months: readonly boolean[];
  /** Sunday is 0. */
  readonly daysOfWeek: readonly boolean[];
  /** Whether a day must fit both lists of days; else either is enough, as where both are restricted. */
  readonly bothDays: boolean;
}

interface Field {
  readonly label: string;
  readonly min: number;
  readonly max: number;
  readonly names?: readonly string[];
}

const MONTHS = ['jan', 'feb', 'mar', 'apr', 'may', 'jun', 'jul', 'aug', 'sep', 'oct', 'nov', 'dec'];
const DAYS = ['sun', 'mon', 'tue', 'wed', 'thu', 'fri', 'sat'];

const MINUTE: Field = { label: 'minute', min: 0, max: 59 };
const HOUR: Field = { label: 'hour', min: 0, max: 23 };
const DAY_OF_MONTH: Field = { label: 'day of the month', min: 1, max: 31 };
const MONTH: Field = { label: 'month', min: 1, max: 12, names: MONTHS };
const DAY_OF_WEEK: Field = { label: 'day of the week', min: 0, max: 6, names: DAYS };
const FIELDS = [MINUTE, HOUR, DAY_OF_MONTH, MONTH, DAY_OF_WEEK];

const NAMED: ReadonlyMap<string, string> = new Map([
  ['@yearly', '0 0 1 1 *'],
  ['@annually', '0 0 1 1 *'],
  ['@monthly', '0 0 1 * *'],
  ['@weekly', '0 0 * * 0'],
  ['@daily', '0 0 * * *'],
  ['@midnight', '0 0 * * *'],
  ['@hourly', '0 * * * *'],
]);

/** White space as Go knows it: with the next line (U+0085), and without the byte order mark. */
const SPACE = /(?:[^\S\uFEFF]|\u0085)+/;

/** The largest number that Go reads. */
const MAX_NUMBER = 2n ** 63n - 1n;

/** Lines that were read before: a thousand names have a few hundred. */
const known = new Map<string, Cron>();

/**
 * Reads a cron line.
 * @throws {UsageError} Kubernetes wouldn't take it, or its slots depend on more than the line (`@every`); in one sentence
 */
export function parseCron(line: string): Cron {
  const cron = known.get(line) ?? readLine(line);
  known.set(line, cron);
  return cron;
}

/**
 * A line that `parseCron` takes, in five fields as every cron reads them: without a name, a question mark, an empty part of a list, a sign,
 * or a step from a single number.
 */
export function fiveFields(line: string): string {
  const plain = (number: string) => number.replace(/^\+?0*(?=\d)/, '');
  return fieldsOf(line)
    .map((field, index) =>
      partsOf(field)
        .map((part) => {
          const { from, to, step, any } = splitPart(part);
          if (any) return step === undefined ? '*' : `*/${plain(step)}`;
          const end = to ?? (step === undefined ? undefined : String(FIELDS[index]?.max));
          return `${plain(from)}${end === undefined ? '' : `-${plain(end)}`}${step === undefined ? '' : `/${plain(step)}`}`;
        })
        .join(),
    )
    .join(' ');
}

const fieldsOf = (line: string): string[] => (NAMED.get(line) ?? line).split(SPACE).filter((field) => field !== '');

/** The parts of a list. An empty one, as the last of "1,", says nothing. */
const partsOf = (field: string): string[] => field.split(',').filter((part) => part !== '');

/** One part of a list: a star, a number or a range of them, and how many to step. What follows a star, as in "*-5", isn't read. */
function splitPart(part: string) {
  const [range = '', step, ...moreSteps] = part.split('/');
  const [from = '', to, ...moreEnds] = range.split('-');
  const any = from === '*' || from === '?';
  return { from, to, step, any, excess: moreSteps.length > 0 || (!any && moreEnds.length > 0) };
}

function readLine(line: string): Cron {
  const refuse = (why: string): never => {
    throw new UsageError(`"${line}" isn't a cron line that Kubernetes takes: ${why}`);
  };
  if (line.includes('TZ')) refuse('name the time zone in timeZone instead');
  if (line.startsWith('@every ')) {
    throw new UsageError(
      `"${line}" has no slots of its own, since they count from when the CronJob was made: write a step instead, such as "*/15 * * * *"`,
    );
  }
  if (line.startsWith('@') && !NAMED.has(line)) {
    refuse(`the names it may have are ${[...NAMED.keys()].join(', ')}`);
  }
  const fields = fieldsOf(line);
  const [minute = '', hour = '', dayOfMonth = '', month = '', dayOfWeek = ''] = fields;
  if (fields.length !== 5) {
    refuse(
      `it has ${fields.length} fields and not 5 (minute, hour, day of the month, month, day of the week), such as "0 2 * * *"`,
    );
  }
  const daysOfMonth = readField(dayOfMonth, DAY_OF_MONTH, refuse);
  const daysOfWeek = readField(dayOfWeek, DAY_OF_WEEK, refuse);
  return {
    line,
    minutes: readField(minute, MINUTE, refuse).fits,
    hours: readField(hour, HOUR, refuse).fits,
    daysOfMonth: daysOfMonth.fits,
    months: readField(month, MONTH, refuse).fits,
    daysOfWeek: daysOfWeek.fits,
    bothDays: daysOfMonth.star || daysOfWeek.star,
  };
}

interface Values {
  readonly fits: readonly boolean[];
  /** Whether a part of it is a star, which a step above 1 takes back. */
  readonly star: boolean;
}

function readField(text: string, field: Field, refuse: (why: string) => never): Values {
  const fits = Array.from({ length: field.max + 1 }, () => false);
  let star = false;
  for (const part of partsOf(text)) {
    const { low, high, step, any } = readPart(part, text, field, refuse);
    if (any && step <= 1) star = true;
    for (let value = low; value <= high; value += step) fits[value] = true;
  }
  return { fits, star };
}

function readPart(part: string, text: string, field: Field, refuse: (why: string) => never) {
  const { label, min, max } = field;
  const { from, to, step: stepText, any, excess } = splitPart(part);
  const low = any ? min : numberOf(from, field);
  // "3/5" means from 3 to the end in steps of 5.
  const toEnd = any || (to === undefined && stepText !== undefined);
  const high = toEnd ? max : numberOf(to ?? from, field);
  const step = numberOf(stepText ?? '1');
  if (excess || low === undefined || high === undefined || step === undefined) {
    return refuse(
      `"${text}" isn't a ${label} (write numbers from ${min} to ${max}, lists such as 1,15, ranges such as 1-5, steps such as */15)`,
    );
  }
  if (step === 0) refuse(`the step of its ${label} "${text}" is 0`);
  if (low < min || high > max) {
    const hint = field === DAY_OF_WEEK && high === 7 ? ': Sunday is 0' : '';
    refuse(`its ${label} "${text}" isn't within ${min} and ${max}${hint}`);
  }
  if (low > high) refuse(`the range of its ${label} "${text}" ends before it begins`);
  return { low, high, step, any };
}

/** A field's name or number; of a step, which has no names, its number. */
function numberOf(text: string, field?: Field): number | undefined {
  const index = field?.names?.indexOf(text.toLowerCase()) ?? -1;
  if (field !== undefined && index >= 0) return index + field.min;
  return /^\+?\d+$/.test(text) && BigInt(text.replace('+', '')) <= MAX_NUMBER ? Number(text) : undefined;
}
