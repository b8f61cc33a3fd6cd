// When slots are skipped: days and times of the week of a wall clock.
import { expect, test } from 'vitest';
import { blackoutAt, readBlackouts } from '../../src/schedule/blackouts.ts';

const at = (text: string) => new Date(text);
const BERLIN = 'Europe/Berlin';

test.for([
  ['2026-12-23T22:59:59Z', undefined],
  ['2026-12-23T23:00:00Z', '2026-12-24, Europe/Berlin'],
  ['2026-12-24T22:59:59Z', '2026-12-24, Europe/Berlin'],
  ['2026-12-24T23:00:00Z', undefined],
  ['2026-12-31T11:00:00Z', '2026-12-31 to 2027-01-02, Europe/Berlin'],
  ['2027-01-02T22:59:59Z', '2026-12-31 to 2027-01-02, Europe/Berlin'],
  ['2027-01-02T23:00:00Z', undefined],
] as const)('dates are days of the zone: %s', ([time, expected]) => {
  const blackouts = readBlackouts({ dates: ['2026-12-24', '2026-12-31/2027-01-02'] });
  expect(blackoutAt(blackouts, BERLIN, at(time))).toBe(expected);
});

test.for([
  // Friday, and the Monday after it; Berlin is two hours ahead in July.
  ['2026-07-03T15:59:00Z', undefined],
  ['2026-07-03T16:00:00Z', 'Fri 18:00 to Mon 06:00, Europe/Berlin'],
  ['2026-07-05T12:00:00Z', 'Fri 18:00 to Mon 06:00, Europe/Berlin'],
  ['2026-07-06T03:59:00Z', 'Fri 18:00 to Mon 06:00, Europe/Berlin'],
  ['2026-07-06T04:00:00Z', undefined],
  // The same wall clock in winter is an hour later in UTC.
  ['2026-12-04T16:59:00Z', undefined],
  ['2026-12-04T17:00:00Z', 'Fri 18:00 to Mon 06:00, Europe/Berlin'],
] as const)('a window of the week goes over midnights and over the end of the week: %s', ([time, expected]) => {
  expect(blackoutAt(readBlackouts({ weekly: [{ from: 'Fri 18:00', to: 'Mon 06:00' }] }), BERLIN, at(time))).toBe(
    expected,
  );
});

test('the night in which clocks are set back has an hour twice, and a window holds both', () => {
  const blackouts = readBlackouts({ weekly: [{ from: 'Sun 02:00', to: 'Sun 03:00' }] });
  const times = ['2026-10-24T23:59:00Z', '2026-10-25T00:30:00Z', '2026-10-25T01:30:00Z', '2026-10-25T02:00:00Z'];
  expect(times.map((time) => blackoutAt(blackouts, BERLIN, at(time)) !== undefined)).toEqual([
    false,
    true,
    true,
    false,
  ]);
});

test('blackouts may have a zone of their own, and days without a time begin at midnight', () => {
  const blackouts = readBlackouts({ timeZone: 'Asia/Tokyo', weekly: [{ from: 'Sat', to: 'Mon' }] });
  expect(blackoutAt(blackouts, BERLIN, at('2026-07-03T14:59:00Z'))).toBeUndefined();
  expect(blackoutAt(blackouts, BERLIN, at('2026-07-03T15:00:00Z'))).toBe('Sat to Mon, Asia/Tokyo');
  expect(blackoutAt(blackouts, BERLIN, at('2026-07-05T14:59:00Z'))).toBe('Sat to Mon, Asia/Tokyo');
  expect(blackoutAt(blackouts, BERLIN, at('2026-07-05T15:00:00Z'))).toBeUndefined();
});

test.for([
  [[], 'blackouts must be an object'],
  [{ date: [] }, 'blackouts has no member date'],
  [{ dates: '2026-12-24' }, 'blackouts.dates must be a list'],
  [{ dates: ['24.12.2026'] }, 'blackouts.dates[0] must be a date such as'],
  [{ dates: ['2026-02-30'] }, 'blackouts.dates[0] must be a date such as'],
  [{ dates: ['2026-12-24', 20261225] }, 'blackouts.dates[1] must be a date such as'],
  [{ dates: ['2027-01-02/2026-12-31'] }, 'blackouts.dates[0] ends before it begins'],
  [{ dates: ['2026-12-24/2026-12-25/2026-12-26'] }, 'blackouts.dates[0] must be a date such as'],
  [{ weekly: {} }, 'blackouts.weekly must be a list'],
  [{ weekly: ['Fri'] }, 'blackouts.weekly[0] must have from and to'],
  [{ weekly: [{ from: 'Fri 18:00' }] }, 'blackouts.weekly[0].to must be a time of the week'],
  [{ weekly: [{ from: 'Fri 24:00', to: 'Mon' }] }, 'blackouts.weekly[0].from must be a time of the week'],
  [{ weekly: [{ from: 'Mon', to: 'Mon 00:00' }] }, 'blackouts.weekly[0] ends when it begins'],
  [{ weekly: [{ from: 'Mon', to: 'Tue', zone: 'x' }] }, 'blackouts.weekly[0] has no member zone'],
  [{ timeZone: 'Europe/Atlantis' }, 'Europe/Atlantis'],
] as const)('%j is refused with a sentence', ([value, sentence]) => {
  expect(() => readBlackouts(value)).toThrow(sentence);
});
