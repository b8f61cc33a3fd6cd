// A cron line in words: "every day at 02:00", "every 15 minutes", "Monday to Friday at 09:00".
import type { Cron } from './cron.ts';

const DAYS = ['Sunday', 'Monday', 'Tuesday', 'Wednesday', 'Thursday', 'Friday', 'Saturday'];
const MONTHS = [
  'January',
  'February',
  'March',
  'April',
  'May',
  'June',
  'July',
  'August',
  'September',
  'October',
  'November',
  'December',
];

/** More times of the day than this are told by their pattern. */
const MOST_TIMES = 6;

/** When a line's slots are, in words, with the time zone: "every day at 02:00, Europe/Berlin". */
export function tellCron(cron: Cron, timeZone: string): string {
  if (isNever(cron)) return 'never';
  const times = tellTimes(cron);
  const days = tellDays(cron);
  const months = tellMonths(cron);
  // "every 15 minutes on Monday", but "every Monday at 08:00".
  const said = times.startsWith('at ') ? [days ?? 'every day', months, times] : [times, days, months];
  return `${said.filter((part) => part !== undefined).join(' ')}, ${timeZone}`;
}

/** Whether a list of it is empty, as in ", * * * *", which Kubernetes takes. */
function isNever({ minutes, hours, daysOfMonth, months, daysOfWeek, bothDays }: Cron): boolean {
  const none = (fits: readonly boolean[]) => !fits.includes(true);
  const noDay = bothDays ? none(daysOfMonth) || none(daysOfWeek) : none(daysOfMonth) && none(daysOfWeek);
  return none(minutes) || none(hours) || none(months) || noDay;
}

function tellTimes({ minutes, hours }: Cron): string {
  const minute = valuesOf(minutes);
  const hour = valuesOf(hours);
  const [first = 0] = minute;
  if (minute.length * hour.length <= MOST_TIMES) {
    return `at ${joined(hour.flatMap((h) => minute.map((m) => `${two(h)}:${two(m)}`)))}`;
  }
  const everyHour = hour.length === 24;
  const within = everyHour ? '' : ` ${tellHours(hour)}`;
  if (minute.length === 60) return `every minute${within}`;
  const step = stepOf(minute, 60);
  if (minute.length > 1) {
    if (step !== undefined && first === 0) return `every ${step} minutes${within}`;
    return `every hour at ${joined(minute.map((m) => `:${two(m)}`))}${within}`;
  }
  const hourStep = stepOf(hour, 24);
  if (!everyHour && hourStep !== undefined) {
    const from = hour[0] === 0 ? '' : ` from ${two(hour[0] ?? 0)}:${two(first)}`;
    return `every ${hourStep} hours${hour[0] === 0 ? ` at :${two(first)}` : from}`;
  }
  return `every hour at :${two(first)}${within}`;
}

function tellHours(hours: readonly number[]): string {
  const [first = 0] = hours;
  const last = hours.at(-1) ?? first;
  if (hours.length === 1) return `from ${two(first)}:00 to ${two(first)}:59`;
  if (last - first === hours.length - 1) return `from ${two(first)}:00 to ${two(last)}:59`;
  return `in the hours ${joined(hours.map(two))}`;
}

/** Undefined of a line that has slots on every day. */
function tellDays({ daysOfMonth, daysOfWeek, bothDays }: Cron): string | undefined {
  const ofMonth = valuesOf(daysOfMonth);
  const ofWeek = valuesOf(daysOfWeek);
  const anyOfMonth = ofMonth.length === 31;
  const anyOfWeek = ofWeek.length === 7;
  if (anyOfMonth && anyOfWeek) return undefined;
  if (!bothDays && (anyOfMonth || anyOfWeek)) return undefined;
  if (ofMonth.length === 0) return tellWeek(ofWeek);
  if (ofWeek.length === 0) return tellMonthDays(ofMonth);
  if (anyOfMonth) return tellWeek(ofWeek);
  if (anyOfWeek) return tellMonthDays(ofMonth);
  return `${tellMonthDays(ofMonth)} ${bothDays ? 'if that is' : 'and'} ${tellWeek(ofWeek)}`;
}

function tellWeek(days: readonly number[]): string {
  const [first = 0] = days;
  const last = days.at(-1) ?? first;
  if (days.length > 2 && last - first === days.length - 1) return `${DAYS[first]} to ${DAYS[last]}`;
  return `every ${joined(days.map((day) => DAYS[day] ?? ''))}`;
}

function tellMonthDays(days: readonly number[]): string {
  const [first = 1] = days;
  const last = days.at(-1) ?? first;
  if (days.length > 3 && last - first === days.length - 1) return `on the ${ordinal(first)} to the ${ordinal(last)}`;
  return `on the ${joined(days.map(ordinal))}`;
}

function tellMonths({ months }: Cron): string | undefined {
  const values = valuesOf(months);
  if (values.length === 12) return undefined;
  const [first = 1] = values;
  const last = values.at(-1) ?? first;
  if (values.length > 2 && last - first === values.length - 1) {
    return `from ${MONTHS[first - 1]} to ${MONTHS[last - 1]}`;
  }
  return `in ${joined(values.map((month) => MONTHS[month - 1] ?? ''))}`;
}

const valuesOf = (fits: readonly boolean[]): number[] => fits.flatMap((fit, value) => (fit ? [value] : []));

/** The distance that all neighbours on a circle have, if it is one distance. */
function stepOf(values: readonly number[], size: number): number | undefined {
  const [first = 0, second = 0] = values;
  const step = second - first;
  const even = values.every((value, index) => value === first + index * step) && step * values.length === size;
  return even && step > 1 ? step : undefined;
}

const two = (value: number): string => String(value).padStart(2, '0');

function ordinal(day: number): string {
  const ends = ['th', 'st', 'nd', 'rd'];
  return `${day}${day >= 11 && day <= 13 ? 'th' : (ends[day % 10] ?? 'th')}`;
}

function joined(parts: readonly string[]): string {
  return parts.length < 2 ? parts.join('') : `${parts.slice(0, -1).join(', ')} and ${parts.at(-1)}`;
}
