// The schedules file: what it may say, and which sentence tells what is wrong.
import { readFileSync } from 'node:fs';
import { expect, test } from 'vitest';
import { readSchedules } from '../../src/schedule/file.ts';

const file = (...schedules: unknown[]) => readSchedules({ source: 'run-job/run-job', schedules });
const ENTRY = { name: 'database_cleanup', schedule: '0 2 * * *' };

test('an entry needs a name and a cron line; the rest has defaults', () => {
  expect(file(ENTRY).schedules).toEqual([
    {
      name: 'database_cleanup',
      job: 'database_cleanup',
      schedule: '0 2 * * *',
      timeZone: 'Etc/UTC',
      params: {},
      shards: 1,
      lateAfter: 900_000,
      catchUp: 'latest',
      catchUpLimit: 10,
      after: [],
      suspend: false,
      tags: [],
    },
  ]);
});

test('durations are read, and so is what a run waits for', () => {
  const [schedule] = file({
    ...ENTRY,
    timeout: '30m',
    lateAfter: '1h30m',
    after: [{ name: 'import', within: '2h' }],
    blackouts: { timeZone: 'Europe/Berlin', dates: ['2026-12-24'], weekly: [{ from: 'Fri 18:00', to: 'Mon 06:00' }] },
  }).schedules;
  expect(schedule).toMatchObject({
    timeout: 1_800_000,
    lateAfter: 5_400_000,
    after: [{ name: 'import', slot: 'same', within: 7_200_000 }],
  });
});

test.each([
  ['no list', { source: 'a', schedules: {} }, 'the file: schedules must be a list'],
  ['no source', { schedules: [] }, 'the file: it needs source'],
  ['a text', 'text', 'the file:'],
  ['the source of runs', { source: 'run', schedules: [] }, 'source must not be run'],
  [
    'a field that nobody knows',
    { source: 'a', schedules: [{ ...ENTRY, cron: 'x' }] },
    'database_cleanup: it knows no cron',
  ],
  ['no cron line', { source: 'a', schedules: [{ name: 'x' }] }, 'x: it needs schedule'],
  ['no name', { source: 'a', schedules: [{ schedule: '0 2 * * *' }] }, 'entry 1: it needs name'],
  [
    'a bad line',
    { source: 'a', schedules: [{ ...ENTRY, schedule: '0 2 * *' }] },
    'database_cleanup: schedule "0 2 * *" isn\'t a cron line',
  ],
  [
    'a bad zone',
    { source: 'a', schedules: [{ ...ENTRY, timeZone: 'Mars/X' }] },
    'database_cleanup: timeZone "Mars/X" isn\'t an IANA time zone',
  ],
  ['a bad duration', { source: 'a', schedules: [{ ...ENTRY, lateAfter: '5' }] }, 'lateAfter must be a duration'],
  ['two of a name', { source: 'a', schedules: [ENTRY, ENTRY] }, 'database_cleanup: 2 entries have this name'],
  [
    'a bad date',
    { source: 'a', schedules: [{ ...ENTRY, blackouts: { dates: ['2026-02-30'] } }] },
    'blackouts.dates[0] must be a date',
  ],
  [
    'a bad window',
    { source: 'a', schedules: [{ ...ENTRY, blackouts: { weekly: [{ from: 'Fr', to: 'Mon 06:00' }] } }] },
    'must be a time of the week',
  ],
])('%s is refused by one sentence', (_, value, sentence) => {
  expect(() => readSchedules(value)).toThrow(sentence);
});

test('zones are spelled as Kubernetes looks for them, whatever Node takes', () => {
  const list = readFileSync('helm/run-job/files/time-zones.txt', 'utf8').trim().split('\n');
  for (const zone of list.map((line) => line.split(' ')[0])) file({ ...ENTRY, timeZone: zone });
  for (const [zone, hint] of [
    ['us/eastern', 'did you mean US/Eastern?'],
    ['asia/kolkata', 'did you mean Asia/Kolkata?'],
    ['etc/utc', 'did you mean Etc/UTC?'],
    ['PST', 'write one such as'],
    ['SystemV/AST4ADT', 'write one such as'],
  ]) {
    expect(() => file({ ...ENTRY, timeZone: zone })).toThrow(`timeZone "${zone}" isn't an IANA time zone: ${hint}`);
  }
});

test('every entry that is wrong is named', () => {
  expect(() => file({ name: 'a', schedule: 'x' }, ENTRY, { name: 'b', schedule: 'y' })).toThrow(/ a: .*; b: /);
});

test('names that wait for each other in a circle are refused, with the circle', () => {
  const entry = (name: string, ...after: string[]) => ({
    ...ENTRY,
    name,
    after: after.map((other) => ({ name: other })),
  });
  expect(() => file(entry('a', 'b'), entry('b', 'c', 'x'), entry('c', 'a'))).toThrow(
    'a comes after b comes after c comes after a',
  );
  expect(() => file(entry('a', 'a'))).toThrow('a comes after a');
  expect(file(entry('a', 'b'), entry('b', 'c'), entry('c')).schedules).toHaveLength(3);
});
