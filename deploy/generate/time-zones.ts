// Writes helm/run-job/files/time-zones.txt: every IANA time zone, with the hours in which its clocks may jump. Helm can't load a time zone, so
// the chart looks zones up in this list. And src/schedule/zone-aliases.ts: the names among them that Node takes without listing them.
// Run it when the time zone database has changed.
import { readFileSync, writeFileSync } from 'node:fs';

const DAY = 86_400_000;
const MINUTE = 60_000;
const TARGET = 'helm/run-job/files/time-zones.txt';
const ALIASES = 'src/schedule/zone-aliases.ts';

/** The names in the compact form of the time zone database (`tzdata.zi`): zones, and links to them. */
function names(database: string): string[] {
  const found = new Set<string>();
  for (const line of database.split('\n')) {
    const [kind, first, second] = line.split(' ');
    if (kind === 'Z' && first) found.add(first);
    if (kind === 'L' && second) found.add(second);
  }
  found.delete('Factory');
  return [...found].sort();
}

/** Minutes that a zone is ahead of UTC at an instant. */
function offsetOf(zone: string): (instant: number) => number {
  const format = new Intl.DateTimeFormat('en', { timeZone: zone, timeZoneName: 'longOffset' });
  return (instant) => {
    const name = format.formatToParts(instant).find(({ type }) => type === 'timeZoneName')?.value ?? '';
    const [, sign, hours, minutes] = /GMT([+-])(\d+):(\d+)/.exec(name) ?? ['', '+', '0', '0'];
    return (sign === '-' ? -1 : 1) * (Number(hours) * 60 + Number(minutes));
  };
}

/**
 * The hours of the local day that are skipped or repeated when the zone's clocks jump, in the two years from `year` on.
 * A zone that has any gets 1 and 2 too, where they jump nearly everywhere: governments move the day and the hour.
 */
export function jumpHours(zone: string, year: number): number[] {
  const offset = offsetOf(zone);
  const hours = new Set<number>();
  const end = Date.UTC(year + 2, 0);
  for (let day = Date.UTC(year, 0); day < end; day += DAY) {
    if (offset(day) === offset(day + DAY)) continue;
    let [before, after] = [day, day + DAY];
    while (after - before > MINUTE) {
      const middle = Math.floor((before + after) / 2 / MINUTE) * MINUTE;
      if (offset(middle) === offset(day)) before = middle;
      else after = middle;
    }
    const first = after + Math.min(offset(before), offset(after)) * MINUTE;
    const last = after + Math.max(offset(before), offset(after)) * MINUTE - 1;
    for (let local = first; local <= last; local += 15 * MINUTE) hours.add(new Date(local).getUTCHours());
    hours.add(1).add(2);
  }
  return [...hours].sort((a, b) => a - b);
}

/** As the formatter leaves it. */
const sourceOf = (aliases: readonly string[]): string =>
  `// Names of time zones that Node takes and doesn't list, as the time zone database spells them. Made by deploy/generate/time-zones.ts.
export const ZONE_ALIASES: readonly string[] = [
${aliases.map((name) => `  '${name}',`).join('\n')}
];
`;

if (import.meta.main) {
  const year = new Date().getUTCFullYear();
  const zones = names(readFileSync('/usr/share/zoneinfo/tzdata.zi', 'utf8'));
  const lines = zones.map((zone) => [zone, ...jumpHours(zone, year)].join(' '));
  writeFileSync(TARGET, `${lines.join('\n')}\n`);
  console.log(`${TARGET}: ${lines.length} zones`);
  const listed = new Set(Intl.supportedValuesOf('timeZone'));
  const aliases = zones.filter((zone) => !listed.has(zone));
  writeFileSync(ALIASES, sourceOf(aliases));
  console.log(`${ALIASES}: ${aliases.length} names`);
}
