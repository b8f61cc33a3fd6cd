// The slots of a line are those of the CronJob controller: compared with what its own library said (controller/main.go made the table).
import { readFileSync } from 'node:fs';
import { expect, test } from 'vitest';
import { fiveFields, parseCron } from '../../src/schedule/cron.ts';
import { nextSlot, previousSlot, slotsBetween } from '../../src/schedule/slots.ts';
import { zoneOf } from '../../src/schedule/zone.ts';

interface Table {
  readonly walks: readonly { line: string; zone: string; after: string; slots: readonly string[] }[];
  readonly verdicts: readonly { line: string; taken: boolean }[];
}

const { walks, verdicts } = JSON.parse(readFileSync(new URL('controller.json', import.meta.url), 'utf8')) as Table;

const tell = (slot: Date) => slot.toISOString().replace('.000', '');

test.each([...new Set(walks.map(({ zone }) => zone))])('the slots in %s are those of the controller', (zone) => {
  const wrong = walks
    .filter((walk) => walk.zone === zone)
    .map((walk) => {
      const schedule = { cron: parseCron(walk.line), zone: zoneOf(zone) };
      const slots: string[] = [];
      let at: Date | undefined = new Date(walk.after);
      // One more than the table has, where it says that there are none.
      while (slots.length < Math.max(1, walk.slots.length)) {
        at = nextSlot(schedule, at);
        if (at === undefined) break;
        slots.push(tell(at));
      }
      return { walk, slots };
    })
    .filter(({ walk, slots }) => JSON.stringify(walk.slots) !== JSON.stringify(slots));
  expect(wrong).toEqual([]);
});

test('a line is taken or refused as the controller does', () => {
  const taken = (line: string) => {
    try {
      return parseCron(line).line === line;
    } catch {
      return false;
    }
  };
  expect(verdicts.map(({ line }) => ({ line, taken: taken(line) }))).toEqual(verdicts);
});

test.each([
  ['0 0 * * 7', 'Sunday is 0'],
  ['0 25 * * *', 'its hour "25" isn\'t within 0 and 23'],
  ['*/0 * * * *', 'the step of its minute "*/0" is 0'],
  ['30-10 * * * *', 'ends before it begins'],
  ['0 2 * *', '4 fields and not 5'],
  ['', '0 fields'],
  ['H 2 * * *', '"H" isn\'t a minute'],
  ['@nightly', 'the names it may have are @yearly'],
  ['@every 5m', 'has no slots of its own'],
  ['TZ=Europe/Berlin 0 2 * * *', 'name the time zone in timeZone'],
  ['*-TZ 2 * * *', 'name the time zone in timeZone'],
  ['@everything', 'the names it may have are @yearly'],
  ['toString', '1 fields and not 5'],
  ['0 L * * *', '"L" isn\'t a hour'],
  ['*/9223372036854775808 2 * * *', "isn't a minute"],
])('%j is refused with the reason', (line, reason) => {
  expect(() => parseCron(line)).toThrow(reason);
});

test.each([
  ['@weekly', '0 0 * * 0'],
  ['5/20 1 ? * MON', '5-59/20 1 * * MON'],
  ['1,,+2, *-5/+10 007 ?/3 mon-Fri', '1,2 */10 7 */3 mon-Fri'],
  ['00 02\t1/007 JAN/2 *', '0 2 1-31/7 JAN-12/2 *'],
])('%j is %j to services whose cron is another', (line, plain) => {
  expect(fiveFields(line)).toBe(plain);
  const { line: _, ...values } = parseCron(line);
  expect(parseCron(plain)).toMatchObject(values);
});

test.each(['Mars/Olympus', '+01:00', 'Local', '', 'Europe/', 'GMT+25'])('there is no zone %j', (zone) => {
  expect(() => zoneOf(zone)).toThrow("isn't an IANA time zone");
});

test('a zone written in other capitals is refused with the right ones, since Kubernetes looks for a file of that name', () => {
  expect(() => zoneOf('europe/berlin')).toThrow('did you mean Europe/Berlin?');
});

test('the slot before an instant is the last of those after any earlier one', () => {
  const now = new Date('2026-11-26T10:30:00Z');
  for (const line of ['* * * * *', '0 2 * * *', '30 8 * * 1', '0 0 1 1 *', '30 10 * * *', '0 0 29 2 *']) {
    for (const zone of ['Etc/UTC', 'Europe/Berlin', 'America/New_York']) {
      const schedule = { cron: parseCron(line), zone: zoneOf(zone) };
      const before = previousSlot(schedule, now);
      expect(before?.getTime()).toBeLessThan(now.getTime());
      expect(nextSlot(schedule, before as Date)?.getTime()).toBeGreaterThanOrEqual(now.getTime());
    }
  }
  expect(previousSlot({ cron: parseCron('0 0 30 2 *'), zone: zoneOf('Etc/UTC') }, now)).toBeUndefined();
});

test('slots between two instants: after the first, up to and with the second', () => {
  const schedule = { cron: parseCron('0 * * * *'), zone: zoneOf('Etc/UTC') };
  const slots = [...slotsBetween(schedule, new Date('2026-01-01T01:00:00Z'), new Date('2026-01-01T04:00:00Z'))];
  expect(slots.map(tell)).toEqual(['2026-01-01T02:00:00Z', '2026-01-01T03:00:00Z', '2026-01-01T04:00:00Z']);
});
